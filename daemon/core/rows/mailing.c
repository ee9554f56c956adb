#include "core/rows/mailing.h"

#include "base/assert.h"
#include "base/endian.h"
#include "core/rows/lists.h"

#define MONTH_MS (30 * DAY_MS)

/* --- the inviter's slots: eight bytes each, in order -------------------------------------------
 */

#define SLOT_SIZE 8

static struct slice
number_key(uint64_t number, uint8_t key[4])
{
    assert(number > 0 && number <= UINT32_MAX);
    put_be32(key, (uint32_t)number);
    return slice_of(key, 4);
}

static msec_t
slot_at(struct slice slots, size_t index)
{
    return (msec_t)get_be64(slots.data + index * SLOT_SIZE);
}

msec_t
pace_next(struct slice slots, uint64_t limit, msec_t now_ms)
{
    size_t count = slots.size / SLOT_SIZE;
    if (limit == 0 || count < limit)
        return now_ms;
    /* Slots stand in order, so that the last @limit of them are all that can be in the way. */
    msec_t free_ms = slot_at(slots, count - limit) + DAY_MS;
    return free_ms > now_ms ? free_ms : now_ms;
}

struct slice
pace_load(struct views *views, uint64_t inviter)
{
    uint8_t key[4];
    return views_get(views, VIEW_PACE, number_key(inviter, key));
}

/* In order of time, also where a limit was raised and a later slot was given before. */
void
pace_add(struct views *views, struct buf *scratch, uint64_t inviter, msec_t slot_ms, msec_t now_ms)
{
    uint8_t key[4], slot[SLOT_SIZE];
    struct slice slots = pace_load(views, inviter);
    size_t count = slots.size / SLOT_SIZE, first = 0, place = count;
    while (first < count && slot_at(slots, first) + DAY_MS <= now_ms)
        first++;
    if (count - first >= PACE_COUNT_MAX)
        first = count - (PACE_COUNT_MAX - 1);
    while (place > first && slot_at(slots, place - 1) > slot_ms)
        place--;

    buf_clear(scratch);
    if (place > first)
        buf_append(scratch, slots.data + first * SLOT_SIZE, (place - first) * SLOT_SIZE);
    put_be64(slot, (uint64_t)slot_ms);
    buf_append(scratch, slot, sizeof(slot));
    if (count > place)
        buf_append(scratch, slots.data + place * SLOT_SIZE, (count - place) * SLOT_SIZE);
    views_put(views, VIEW_PACE, number_key(inviter, key), views_row(views, scratch));
}

/* --- the contact's mails: time, event, inviter; in order of time --------------------------------
 */

#define MAIL_SIZE 20

static struct mail
mail_at(struct slice mails, size_t index)
{
    const uint8_t *row = mails.data + index * MAIL_SIZE;
    return (struct mail){(msec_t)get_be64(row), get_be64(row + 8), get_be32(row + 16)};
}

/* If @limit mails and one more at @at_ms would come within @length_ms, the moment at which the
 * first of them is out of the way; else 0. */
static msec_t
mails_block(struct slice mails, uint64_t limit, msec_t length_ms, msec_t at_ms)
{
    size_t count = mails.size / MAIL_SIZE;
    if (limit == 0)
        return 0;
    for (size_t i = 0; i + limit <= count; i++) {
        msec_t first_ms = mail_at(mails, i).due_ms;
        msec_t last_ms = mail_at(mails, i + limit - 1).due_ms;
        msec_t from_ms = first_ms < at_ms ? first_ms : at_ms;
        msec_t to_ms = last_ms > at_ms ? last_ms : at_ms;
        if (to_ms - from_ms < length_ms)
            return first_ms + length_ms;
    }
    return 0;
}

msec_t
mails_next(struct slice mails, const struct mail_limits *limits, msec_t from_ms, msec_t until_ms)
{
    msec_t at_ms = from_ms, later_ms;
    /* Each step passes a mail by for good, for a day or for a month. */
    while (at_ms < until_ms) {
        later_ms = mails_block(mails, limits->day, DAY_MS, at_ms);
        if (later_ms == 0)
            later_ms = mails_block(mails, limits->month, MONTH_MS, at_ms);
        if (later_ms == 0)
            return at_ms;
        assert(later_ms > at_ms);
        at_ms = later_ms;
    }
    return 0;
}

struct slice
mails_load(struct views *views, struct slice contact)
{
    return views_get(views, VIEW_MAILS, contact);
}

static void
append_mail(struct buf *out, const struct mail *mail)
{
    uint8_t row[MAIL_SIZE];
    put_be64(row, (uint64_t)mail->due_ms);
    put_be64(row + 8, mail->seq);
    put_be32(row + 16, (uint32_t)mail->inviter);
    buf_append(out, row, sizeof(row));
}

void
mails_add(struct views *views, struct buf *scratch, struct slice contact, const struct mail *mail,
          msec_t now_ms)
{
    struct slice mails = mails_load(views, contact);
    bool added = false;
    size_t count = mails.size / MAIL_SIZE;
    buf_clear(scratch);
    for (size_t i = count < MAILS_COUNT_MAX ? 0 : 1; i < count; i++) {
        struct mail other = mail_at(mails, i);
        if (other.due_ms + MONTH_MS <= now_ms)
            continue;
        if (!added && other.due_ms > mail->due_ms) {
            append_mail(scratch, mail);
            added = true;
        }
        append_mail(scratch, &other);
    }
    if (!added)
        append_mail(scratch, mail);
    views_put(views, VIEW_MAILS, contact, views_row(views, scratch));
}

void
mails_except(struct slice mails, seq_t seq, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < mails.size / MAIL_SIZE; i++) {
        struct mail mail = mail_at(mails, i);
        if (mail.seq != seq)
            append_mail(out, &mail);
    }
}

void
mails_del(struct views *views, struct buf *scratch, struct slice contact, seq_t seq)
{
    mails_except(mails_load(views, contact), seq, scratch);
    struct slice row = views_row(views, scratch);
    if (row.size > 0)
        views_put(views, VIEW_MAILS, contact, row);
    else
        views_del(views, VIEW_MAILS, contact);
}

bool
mails_planned(struct slice mails, uint64_t inviter, msec_t now_ms, struct mail *out)
{
    for (size_t i = 0; i < mails.size / MAIL_SIZE; i++) {
        *out = mail_at(mails, i);
        if (out->due_ms > now_ms && (inviter == 0 || out->inviter == inviter))
            return true;
    }
    return false;
}

/* --- whom not to mail --------------------------------------------------------------------------
 */

static struct list_key
contact_key(struct slice contact)
{
    struct list_key key = {.size = contact.size};
    assert(contact.size == CONTACT_HASH_SIZE);
    memcpy(key.bytes, contact.data, contact.size);
    return key;
}

static struct list_key
suppressed_key(struct slice contact, uint64_t inviter)
{
    struct list_key key = contact_key(contact);
    list_key_u32(&key, inviter);
    return key;
}

bool
suppressed_has(struct views *views, struct slice contact, uint64_t inviter)
{
    struct list_key key = suppressed_key(contact, inviter);
    return views_get(views, VIEW_SUPPRESSED, list_key_slice(&key)).data != NULL;
}

void
suppressed_put(struct views *views, struct slice contact, uint64_t inviter)
{
    static const uint8_t value[1] = {1};
    struct list_key key = suppressed_key(contact, inviter);
    views_put(views, VIEW_SUPPRESSED, list_key_slice(&key), slice_of(value, sizeof(value)));
}

/* The first row of a table under @prefix: false if there is none. Copied, so that it may go. */
static bool
first_row(struct views *views, enum view_table table, struct slice prefix, struct list_key *key,
          uint64_t *number)
{
    struct slice found, value, none = {0};
    struct views_scan *scan = views_scan_begin(views, table, prefix, none);
    bool any = views_scan_next(scan, &found, &value);
    if (any) {
        assert(found.size <= sizeof(key->bytes));
        memcpy(key->bytes, found.data, found.size);
        key->size = found.size;
        *number = value.size == 4 ? get_be32(value.data) : 0;
    }
    views_scan_end(scan);
    return any;
}

bool
suppressed_any(struct views *views, struct slice contact)
{
    struct list_key prefix = contact_key(contact), key;
    uint64_t number;
    return first_row(views, VIEW_SUPPRESSED, list_key_slice(&prefix), &key, &number);
}

void
suppressed_clear(struct views *views, struct slice contact)
{
    struct list_key prefix = contact_key(contact), key;
    uint64_t number;
    while (first_row(views, VIEW_SUPPRESSED, list_key_slice(&prefix), &key, &number))
        views_del(views, VIEW_SUPPRESSED, list_key_slice(&key));
}

/* --- contacts whose invites are converted in slices ---------------------------------------------
 */

void
converting_put(struct views *views, struct slice contact, uint64_t member)
{
    uint8_t value[4];
    struct list_key key = contact_key(contact);
    views_put(views, VIEW_CONVERTING, list_key_slice(&key), number_key(member, value));
}

void
converting_del(struct views *views, struct slice contact)
{
    struct list_key key = contact_key(contact);
    views_del(views, VIEW_CONVERTING, list_key_slice(&key));
}

bool
converting_first(struct views *views, uint8_t contact[CONTACT_HASH_SIZE], uint64_t *member)
{
    struct list_key key;
    struct slice none = {0};
    if (!first_row(views, VIEW_CONVERTING, none, &key, member))
        return false;
    assert(key.size == CONTACT_HASH_SIZE);
    memcpy(contact, key.bytes, key.size);
    return true;
}
