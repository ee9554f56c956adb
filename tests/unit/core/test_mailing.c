/* When invites are mailed: an inviter's slots, a contact's mails, and whom not to mail. */
#include "world.h"

#include "core/rows/mailing.h"

static const struct slice hash = {(const uint8_t *)"the hash of a contact, 32 bytes.",
                                  CONTACT_HASH_SIZE};

/* --- slots ------------------------------------------------------------------------------------ */

static void
test_slots(void **state)
{
    (void)state;
    struct views *views = store_views(world.store);
    struct buf scratch = {0};
    turn_begin();
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW), NOW);
    pace_add(views, &scratch, 1, NOW, NOW);
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW), NOW);
    pace_add(views, &scratch, 1, NOW + 1, NOW + 1);
    assert_int_equal(pace_next(pace_load(views, 1), 0, NOW + 1), NOW + 1); /* off */
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW + 1), NOW + DAY_MS);
    assert_int_equal(pace_next(pace_load(views, 1), 1, NOW + 1), NOW + 1 + DAY_MS);
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW + DAY_MS - 1), NOW + DAY_MS);
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW + DAY_MS), NOW + DAY_MS);
    assert_int_equal(pace_next(pace_load(views, 1), 2, NOW + 2 * DAY_MS), NOW + 2 * DAY_MS);

    /* What is a day old is forgotten with the next one, */
    assert_int_equal(pace_load(views, 1).size, 2 * 8);
    pace_add(views, &scratch, 1, NOW + DAY_MS, NOW + DAY_MS);
    assert_int_equal(pace_load(views, 1).size, 2 * 8);
    /* and so is all of it, or what is more than any tier may have. */
    pace_add(views, &scratch, 1, NOW + 9 * DAY_MS, NOW + 9 * DAY_MS);
    assert_int_equal(pace_load(views, 1).size, 8);
    for (unsigned i = 0; i < PACE_COUNT_MAX; i++)
        pace_add(views, &scratch, 1, NOW + 9 * DAY_MS + i, NOW + 9 * DAY_MS);
    assert_int_equal(pace_load(views, 1).size, PACE_COUNT_MAX * 8);
    turn_end();
    buf_fini(&scratch);
}

/* --- mails ------------------------------------------------------------------------------------ */

static void
add(struct buf *scratch, msec_t due_ms, seq_t seq, msec_t now_ms)
{
    struct mail mail = {.due_ms = due_ms, .seq = seq, .inviter = 7};
    mails_add(store_views(world.store), scratch, hash, &mail, now_ms);
}

static struct slice
mails(void)
{
    return mails_load(store_views(world.store), hash);
}

static void
test_mails(void **state)
{
    (void)state;
    static const struct mail_limits usual = {1, 3}, off = {0, 0}, months = {0, 1};
    const msec_t later = NOW + 100 * DAY_MS;
    struct buf scratch = {0};
    turn_begin();
    assert_int_equal(mails_next(mails(), &usual, NOW, later), NOW);
    assert_int_equal(mails_next(mails(), &usual, NOW, NOW), 0); /* it expires before */
    add(&scratch, NOW, 1, NOW);
    assert_int_equal(mails_next(mails(), &off, NOW, later), NOW);
    assert_int_equal(mails_next(mails(), &usual, NOW, later), NOW + DAY_MS);
    assert_int_equal(mails_next(mails(), &usual, NOW + DAY_MS, later), NOW + DAY_MS);
    assert_int_equal(mails_next(mails(), &usual, NOW, NOW + DAY_MS), 0);
    assert_int_equal(mails_next(mails(), &months, NOW, later), NOW + 30 * DAY_MS);
    /* One that is planned later is in the way as well, and what comes before it stands before it.
     */
    add(&scratch, NOW + 5 * DAY_MS, 2, NOW);
    assert_int_equal(mails_next(mails(), &usual, NOW + 4 * DAY_MS + 1, later), NOW + 6 * DAY_MS);
    assert_int_equal(mails_next(mails(), &usual, NOW + 4 * DAY_MS, later), NOW + 4 * DAY_MS);
    add(&scratch, NOW + 7 * DAY_MS, 4, NOW);
    mails_del(store_views(world.store), &scratch, hash, 4);
    add(&scratch, NOW + 7 * DAY_MS, 5, NOW);
    add(&scratch, NOW + 2 * DAY_MS, 3, NOW);
    mails_del(store_views(world.store), &scratch, hash, 5);
    assert_int_equal(mails_next(mails(), &usual, NOW + 10 * DAY_MS, later), NOW + 30 * DAY_MS);
    turn_end();
    buf_fini(&scratch);
}

static void
test_what_is_planned(void **state)
{
    (void)state;
    struct buf scratch = {0};
    struct mail mail;
    turn_begin();
    assert_false(mails_planned(mails(), 0, NOW, &mail));
    add(&scratch, NOW, 1, NOW);
    add(&scratch, NOW + DAY_MS, 2, NOW);
    assert_true(mails_planned(mails(), 0, NOW, &mail));
    assert_int_equal(mail.seq, 2);
    assert_true(mails_planned(mails(), 7, NOW, &mail));
    assert_false(mails_planned(mails(), 8, NOW, &mail));
    assert_false(mails_planned(mails(), 7, NOW + DAY_MS, &mail));
    mails_del(store_views(world.store), &scratch, hash, 2);
    assert_false(mails_planned(mails(), 7, NOW, &mail));
    mails_del(store_views(world.store), &scratch, hash, 1);
    assert_null(mails().data);
    turn_end();
    buf_fini(&scratch);
}

static void
test_mails_are_forgotten(void **state)
{
    (void)state;
    struct buf scratch = {0};
    turn_begin();
    for (unsigned i = 0; i <= MAILS_COUNT_MAX; i++)
        add(&scratch, NOW + i, i + 1, NOW);
    assert_int_equal(mails().size, MAILS_COUNT_MAX * 20);
    add(&scratch, NOW + 31 * DAY_MS, 1000, NOW + 31 * DAY_MS);
    assert_int_equal(mails().size, 20);
    turn_end();
    buf_fini(&scratch);
}

/* --- whom not to mail ------------------------------------------------------------------------- */

static void
test_suppression(void **state)
{
    (void)state;
    struct views *views = store_views(world.store);
    turn_begin();
    assert_false(suppressed_any(views, hash));
    suppressed_put(views, hash, 3);
    assert_true(suppressed_has(views, hash, 3));
    assert_false(suppressed_has(views, hash, 0));
    suppressed_put(views, hash, 0);
    assert_true(suppressed_has(views, hash, 0) && suppressed_any(views, hash));
    suppressed_clear(views, hash);
    assert_false(suppressed_any(views, hash));
    turn_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_slots),           world_test(test_mails),
        world_test(test_what_is_planned), world_test(test_mails_are_forgotten),
        world_test(test_suppression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
