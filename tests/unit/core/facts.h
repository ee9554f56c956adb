/* unit/core/facts.h: facts for a decision, and what was decided as one line of text.
 *
 * A row of a table says only what is special: ada (1) acts, bob (2) is the other, both are known,
 * active and no longer new; a request that is pending was made a day ago, cost one, and has a day
 * left.
 */
#ifndef KITH_TEST_FACTS_H
#define KITH_TEST_FACTS_H

#include "words.h"

#include "core/decide.h"
#include "core/restriction.h"
#include "core/stamps.h"

#define SEQ 101 /* of the first event of a decision */

static const uint8_t facts_key[SECRET_KEY_SIZE] = "thirty-two bytes, and no secret";
static const struct public_id OLD = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
static const struct public_id INVITE = {{9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};
static struct settings settings;
static const struct rules rules = {.settings = &settings, .id_key = facts_key};
static struct decision decision;

/* What every row has, first. */
#define WHO_FIELDS         \
    const char *name;      \
    struct pair_facts who; \
    bool no_actor, no_other

/* Between ada and bob. */
#define PENDING(from, how) \
    .who.pair.state = PAIR_PENDING, .who.pair.from_side = (from), .who.pair.disp = (how)
#define ASKED(how)  PENDING(0, how) /* by ada */
#define ASKING(how) PENDING(1, how) /* her */
#define CONNECTED   .who.pair.state = PAIR_CONNECTED
#define MINE        .who.pair.side[0] /* what the pair holds of ada */
#define THEIRS      .who.pair.side[1]

static inline void
facts_member(struct member *member, const char *id, uint64_t number, bool absent)
{
    member->id = slice_str(id);
    if (absent)
        return;
    member->known = true;
    member->number = number;
    if (member->since_ms == 0)
        member->since_ms = (uint64_t)(NOW - 400 * DAY_MS);
}

static inline struct pair_facts
facts_who(const struct pair_facts *row, bool no_actor, bool no_other)
{
    struct pair_facts who = *row;
    struct pair *pair = &who.pair;
    facts_member(&who.actor, "ada", 1, no_actor);
    facts_member(&who.other, "bob", 2, no_other);
    pair->lo = 1;
    pair->hi = 2;
    if (pair->state == PAIR_PENDING) {
        pair->request = OLD;
        pair->request_seq = 50;
        if (pair->created_ms == 0)
            pair->created_ms = (uint64_t)(NOW - DAY_MS);
        if (pair->expires_ms == 0)
            pair->expires_ms = (uint64_t)(NOW + DAY_MS);
        if (!pair->masked && !pair->costless)
            pair->cost = 1;
    }
    return who;
}

/* --- bytes that a member's row remembers, until the program ends ----------------------------- */

static struct buf facts_bytes[128];
static unsigned facts_bytes_count;

static inline struct buf *
facts_buf(void)
{
    assert_true(facts_bytes_count < ARRAY_COUNT(facts_bytes));
    return &facts_bytes[facts_bytes_count++];
}

/* @count stamps, the first so old, each younger by @gap_ms. */
static inline struct slice
sent(unsigned count, msec_t age_ms, msec_t gap_ms, unsigned flags)
{
    struct buf *out = facts_buf();
    for (unsigned i = 0; i < count; i++) {
        uint8_t *stamp = buf_reserve(out, STAMP_SIZE);
        uint64_t value = (uint64_t)(NOW - age_ms + i * gap_ms) << 8 | flags;
        for (unsigned k = 0; k < STAMP_SIZE; k++)
            stamp[k] = (uint8_t)(value >> (56 - 8 * k));
        out->size += STAMP_SIZE;
    }
    return buf_slice(out);
}

/* Stamps of both kinds, the first older than the second. */
static inline struct slice
joined(struct slice a, struct slice b)
{
    struct buf *out = facts_buf();
    buf_append(out, a.data, a.size);
    buf_append(out, b.data, b.size);
    return buf_slice(out);
}

/* Enough requests that nobody accepted for one step, and that step of @who. */
static inline struct slice
unwelcome(void)
{
    return sent(RATE_COUNT_MIN, 20 * DAY_MS, 0, 1);
}

#define UNWELCOME(who)                                                            \
    "quota.restricted member:" who " level:1 reason:low_acceptance until_ms:+1d " \
    "audience:member notify evidence_ms:-20d"

/* --- what was decided ------------------------------------------------------------------------ */

static inline void
facts_begin(void)
{
    static char old[PUBLIC_ID_TEXT_SIZE], new[8][PUBLIC_ID_TEXT_SIZE];
    static char invite[PUBLIC_ID_TEXT_SIZE];
    static const char *const names[] = {"NEW", "NEW1", "NEW2", "NEW3", "NEW4", "NEW5", "NEW6"};
    public_id_text(&OLD, old);
    words_names[0].text = slice_of(old, sizeof(old));
    words_names[0].name = "OLD";
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
        struct public_id id = public_id_make(facts_key, SEQ + i);
        public_id_text(&id, new[i]);
        words_names[i + 1].text = slice_of(new[i], sizeof(new[i]));
        words_names[i + 1].name = names[i];
    }
    words_names[ARRAY_COUNT(names) + 1].text = slice_of(invite, sizeof(invite));
    words_names[ARRAY_COUNT(names) + 1].name = "INVITE";
    public_id_text(&INVITE, invite);
    decision_clear(&decision, SEQ, NOW);
}

static inline void
show_words(struct buf *out, const struct words *words, uint64_t value)
{
    show(out, words_name(words, value));
}

static inline void
show_audience(struct buf *out, uint64_t audience)
{
    static const char *const names[] = {"from", "to", "member", "other", "clicked"};
    const char *between = "";
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (audience >> i & 1) {
            show(out, between);
            show(out, names[i]);
            between = "+";
        }
}

static inline void
show_uint(struct buf *out, const char *field, uint64_t value)
{
    static const struct {
        const char *field;
        const struct words *words;
    } worded[] = {
        {"via", &via_words},       {"kind", &contact_kind_words},       {"reason", &reason_words},
        {"report", &report_words}, {"interaction", &interaction_words}, {"removal", &removal_words},
        {"accept", &accept_words}};
    for (unsigned i = 0; i < ARRAY_COUNT(worded); i++)
        if (strcmp(field, worded[i].field) == 0) {
            show_words(out, worded[i].words, value);
            return;
        }
    if (strcmp(field, "audience") == 0)
        show_audience(out, value);
    else if (strlen(field) > 3 && strcmp(field + strlen(field) - 3, "_ms") == 0 && value < NOW / 2)
        show_duration(out, (int64_t)value);
    else
        show_int(out, (int64_t)value);
}

static inline void
show_bytes(struct buf *out, struct slice bytes)
{
    char text[32];
    bool plain = true;
    for (size_t i = 0; i < bytes.size; i++)
        plain = plain && bytes.data[i] >= ' ' && bytes.data[i] < 0x7f;
    snprintf(text, sizeof(text), "(%zu)", bytes.size);
    if (plain)
        show_text(out, bytes);
    else
        show(out, text);
}

static inline void
show_id(struct buf *out, const struct public_id *id)
{
    char text[PUBLIC_ID_TEXT_SIZE];
    public_id_text(id, text);
    show_text(out, slice_of(text, sizeof(text)));
}

/* TYPE field:value …, without what is zero; a truth is its name alone. */
static inline void
show_event(struct buf *out, const struct event *event)
{
    show(out, event_type_name(event->type));
#define SHOW_UINT(field)  show(out, ":"), show_uint(out, #field, event->field)
#define SHOW_BOOL(field)  (void)0
#define SHOW_TEXT(field)  show(out, ":"), show_text(out, event->field)
#define SHOW_BYTES(field) show(out, ":"), show_bytes(out, event->field)
#define SHOW_ID(field)    show(out, ":"), show_id(out, &event->field)
#define ZERO_UINT(field)  event->field == 0
#define ZERO_BOOL(field)  !event->field
#define ZERO_TEXT(field)  event->field.size == 0
#define ZERO_BYTES(field) event->field.size == 0
#define ZERO_ID(field)    public_id_is_none(&event->field)
#define X(number, field, kind, wire)                       \
    if (strcmp(#field, "type") && !(ZERO_##kind(field))) { \
        show(out, " " #field);                             \
        SHOW_##kind(field);                                \
    }
    EVENT_FIELD_LIST(X)
#undef X
}

static inline void
show_entries(struct buf *out, const struct entries *entries)
{
    struct buf map = {0};
    if (entries->count == 0)
        return;
    entries_write(&map, entries);
    show(out, " ");
    show_value(out, buf_slice(&map));
    buf_fini(&map);
}

/* The events, one a line of @events (the last without its end); `ok` or the code, and the result
 * or the details. A refusal has no events, and an acceptance no details. */
static inline void
expect_decision(const char *row, enum kith_err err, const char *events, const char *answer)
{
    struct buf text = {0};
    for (unsigned i = 0; i < decision.event_count; i++) {
        const struct event *event = &decision.events[i];
        assert_int_equal(event->seq, SEQ + i);
        assert_int_equal(event->at_ms, decision.now_ms);
        show(&text, i > 0 ? "\n" : "");
        show_event(&text, event);
    }
    expect_text(row, "events", events ? events : "", shown(&text));
    if (err != KITH_OK)
        expect_text(row, "events of a refusal", "", decision.event_count ? "some" : "");
    else
        expect_text(row, "details of an answer", "", decision.detail.count ? "some" : "");

    buf_clear(&text);
    show(&text, err == KITH_OK ? "ok" : kith_err_code(err));
    show_entries(&text, err == KITH_OK ? &decision.result : &decision.detail);
    expect_text(row, "answer", answer, shown(&text));
    buf_fini(&text);
}

static inline int
facts_setup(void **state)
{
    (void)state;
    settings_init(&settings);
    return 0;
}

static inline int
facts_teardown(void **state)
{
    (void)state;
    while (facts_bytes_count > 0)
        buf_fini(&facts_bytes[--facts_bytes_count]);
    entries_fini(&decision.result);
    entries_fini(&decision.detail);
    return 0;
}

#define facts_test(function) cmocka_unit_test_setup_teardown(function, facts_setup, facts_teardown)

#endif
