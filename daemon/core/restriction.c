#include "core/restriction.h"

#include "base/assert.h"
#include "base/endian.h"
#include "core/quota.h"

static const msec_t lengths_ms[LEVEL_MAX + 1] = LEVEL_LENGTH_MS;

msec_t
level_length_ms(uint64_t level)
{
    assert(level >= 1 && level <= LEVEL_MAX);
    return lengths_ms[level];
}

uint64_t
level_at(const struct member *member, msec_t now_ms)
{
    if (member->level == 0 || member->level == LEVEL_MAX)
        return member->level; /* the last one stays until it is lifted */
    uint64_t clean = (uint64_t)((now_ms - (msec_t)member->level_ms) / LEVEL_DECAY_MS);
    return member->level > clean ? member->level - clean : 0;
}

bool
is_restricted(const struct member *member, msec_t now_ms)
{
    if (member->level == 0)
        return false;
    return member->until_ms == 0 || (msec_t)member->until_ms > now_ms;
}

enum kith_err
refuse_restricted(const struct member *member, struct decision *out)
{
    entries_uint(&out->detail, "level", member->level);
    entries_cstr(&out->detail, "reason", words_name(&reason_words, member->reason));
    if (member->until_ms)
        entries_time(&out->detail, "until", (msec_t)member->until_ms);
    return KITH_RESTRICTED;
}

void
restrict_to(const struct member *member, uint64_t level, uint64_t reason, msec_t until_ms,
            msec_t evidence_ms, struct decision *out)
{
    msec_t length_ms = level_length_ms(level);
    struct event *event = decision_event(out, EVENT_QUOTA_RESTRICTED);
    event->member = member->id;
    event->level = level;
    event->reason = reason;
    event->until_ms = (uint64_t)(until_ms ? until_ms : length_ms ? out->now_ms + length_ms : 0);
    event->evidence_ms = (uint64_t)evidence_ms;
    event->audience = AUDIENCE_MEMBER;
    event->notify = true;
}

void
restriction_take(struct member *member, const struct event *event)
{
    assert(event->type == EVENT_QUOTA_RESTRICTED);
    assert(event->reason < REASON_COUNT);
    member->level = event->level;
    member->level_ms = (uint64_t)event->at_ms;
    member->until_ms = event->until_ms;
    member->reason = event->reason;
    member->evidence_ms[event->reason] = event->evidence_ms;
}

static void
step_up(const struct member *member, uint64_t reason, msec_t evidence_ms, struct decision *out)
{
    uint64_t level = level_at(member, out->now_ms);
    restrict_to(member, level < LEVEL_MAX ? level + 1 : LEVEL_MAX, reason, 0, evidence_ms, out);
}

/* The younger of what was used up and what is too old to count. */
static msec_t
fresh_after(const struct member *member, enum reason reason, msec_t length_ms, msec_t now_ms)
{
    msec_t used_ms = (msec_t)member->evidence_ms[reason];
    return used_ms > now_ms - length_ms ? used_ms : now_ms - length_ms;
}

/* --- requests ------------------------------------------------------------------------------- */

static bool
is_too_fast(const struct member *sender, const struct evidence *evidence, msec_t now_ms)
{
    struct slice stamps = sender->stamps;
    msec_t after_ms = fresh_after(sender, REASON_VELOCITY, VELOCITY_MS, now_ms);
    unsigned count = evidence->impersonal;

    if (!evidence->impersonal)
        return false; /* a personal request is no new evidence */
    for (size_t i = stamps_count(stamps); i > 0 && stamps_at(stamps, i - 1) > after_ms; i--)
        count += (stamps_flags(stamps, i - 1) & STAMP_IMPERSONAL) != 0;
    return count >= VELOCITY_COUNT;
}

static msec_t
print_at(struct slice prints, size_t index)
{
    return (msec_t)(get_be64(prints.data + index * PRINT_SIZE + 8) >> 1);
}

static bool
print_is_duplicate(struct slice prints, size_t index)
{
    return get_be64(prints.data + index * PRINT_SIZE + 8) & 1;
}

static bool
is_too_alike(const struct member *sender, const struct evidence *evidence, msec_t now_ms)
{
    struct slice prints = sender->prints;
    msec_t after_ms = fresh_after(sender, REASON_DUPLICATE, DUPLICATE_MS, now_ms);
    unsigned count = evidence->duplicate;

    if (!evidence->duplicate)
        return false;
    for (size_t i = prints.size / PRINT_SIZE; i > 0 && print_at(prints, i - 1) > after_ms; i--)
        count += print_is_duplicate(prints, i - 1);
    return count >= DUPLICATE_COUNT;
}

static void
load_rate(const struct member *sender, msec_t now_ms, struct rate *out)
{
    stamps_rate(sender->stamps, (msec_t)sender->evidence_ms[REASON_LOW_ACCEPTANCE], now_ms, out);
}

static bool
is_too_low(const struct rate *rate)
{
    int percent = rate_percent(rate);
    return percent >= 0 && percent < RATE_RESTRICTED;
}

void
restrict_sender(const struct member *sender, const struct evidence *evidence, struct decision *out)
{
    struct rate rate;
    assert(out->event_count > 0);
    if (!evidence->counted)
        return;
    load_rate(sender, out->now_ms, &rate);
    if (is_too_fast(sender, evidence, out->now_ms))
        step_up(sender, REASON_VELOCITY, out->now_ms, out);
    else if (is_too_alike(sender, evidence, out->now_ms))
        step_up(sender, REASON_DUPLICATE, out->now_ms, out);
    else if (is_too_low(&rate))
        step_up(sender, REASON_LOW_ACCEPTANCE, rate.newest_ms, out);
}

void
restrict_unwelcome(const struct member *sender, const struct pair *accepted,
                   const struct rules *rules, struct decision *out)
{
    struct rate rate;
    struct quota_facts quota;
    assert(out->event_count > 0);
    if (stamps_count(sender->stamps) < RATE_COUNT_MIN || sender->state == MEMBER_CLOSED)
        return; /* most have sent fewer: they cost nothing more */
    load_rate(sender, out->now_ms, &rate);
    if (accepted && pair_is_counted(accepted))
        rate_accept(&rate, sender->stamps, (msec_t)accepted->created_ms, accepted->cost);
    if (!is_too_low(&rate))
        return;
    quota_load(rules, sender, out->now_ms, &quota);
    if (quota_counts(&quota))
        step_up(sender, REASON_LOW_ACCEPTANCE, rate.newest_ms, out);
}

/* --- reports -------------------------------------------------------------------------------- */

static unsigned
count_reports(const struct member *sender, uint64_t report, msec_t length_ms, msec_t now_ms)
{
    struct slice reports = sender->reports;
    msec_t after_ms = fresh_after(sender, REASON_REPORTS, length_ms, now_ms);
    unsigned count = 0;
    for (size_t i = 0; i < reports.size / REPORT_SIZE; i++) {
        const uint8_t *row = reports.data + i * REPORT_SIZE;
        count += row[12] == report && (msec_t)get_be64(row) > after_ms;
    }
    return count;
}

void
restrict_reported(const struct member *sender, uint64_t reporter, uint64_t report,
                  struct decision *out)
{
    assert(out->event_count > 0);
    if (reports_has(sender->reports, reporter, out->now_ms))
        return; /* one voice counts once */
    bool unknown = report == REPORT_UNKNOWN &&
                   count_reports(sender, report, REPORT_KEPT_MS, out->now_ms) + 1 >= UNKNOWN_COUNT;
    bool spam = report == REPORT_SPAM &&
                count_reports(sender, report, SPAM_MS, out->now_ms) + 1 >= SPAM_COUNT;
    if (unknown || spam)
        step_up(sender, REASON_REPORTS, out->now_ms, out);
}

/* --- what is remembered --------------------------------------------------------------------- */

unsigned
prints_earlier(struct slice prints, uint64_t print, uint64_t to, msec_t now_ms)
{
    uint32_t seen[PRINT_EARLIER];
    unsigned count = 0;
    for (size_t i = prints.size / PRINT_SIZE; i > 0 && count < PRINT_EARLIER; i--) {
        const uint8_t *row = prints.data + (i - 1) * PRINT_SIZE;
        uint32_t recipient = get_be32(row + 16);
        if (print_at(prints, i - 1) + PRINT_KEPT_MS <= now_ms)
            break;
        bool counts = get_be64(row) == print && recipient != to;
        for (unsigned k = 0; k < count; k++)
            counts = counts && seen[k] != recipient;
        if (counts)
            seen[count++] = recipient;
    }
    return count;
}

void
prints_add(struct buf *out, struct slice prints, uint64_t print, uint64_t to, bool duplicate,
           msec_t now_ms)
{
    uint8_t row[PRINT_SIZE];
    size_t count = prints.size / PRINT_SIZE, first = 0;
    while (first < count && print_at(prints, first) + PRINT_KEPT_MS <= now_ms)
        first++;
    if (count - first >= PRINT_COUNT_MAX)
        first = count - (PRINT_COUNT_MAX - 1);
    if (count > first)
        buf_append(out, prints.data + first * PRINT_SIZE, (count - first) * PRINT_SIZE);
    put_be64(row, print);
    put_be64(row + 8, (uint64_t)now_ms << 1 | duplicate);
    put_be32(row + 16, (uint32_t)to);
    buf_append(out, row, sizeof(row));
}

bool
reports_has(struct slice reports, uint64_t reporter, msec_t now_ms)
{
    for (size_t i = 0; i < reports.size / REPORT_SIZE; i++) {
        const uint8_t *row = reports.data + i * REPORT_SIZE;
        if (get_be32(row + 8) == reporter && (msec_t)get_be64(row) + REPORT_KEPT_MS > now_ms)
            return true;
    }
    return false;
}

void
reports_add(struct buf *out, struct slice reports, uint64_t reporter, uint64_t report,
            msec_t now_ms)
{
    uint8_t row[REPORT_SIZE];
    size_t count = reports.size / REPORT_SIZE, first = 0;
    while (first < count &&
           (msec_t)get_be64(reports.data + first * REPORT_SIZE) + REPORT_KEPT_MS <= now_ms)
        first++;
    if (count - first >= REPORT_COUNT_MAX)
        first = count - (REPORT_COUNT_MAX - 1);
    if (count > first)
        buf_append(out, reports.data + first * REPORT_SIZE, (count - first) * REPORT_SIZE);
    put_be64(row, (uint64_t)now_ms);
    put_be32(row + 8, (uint32_t)reporter);
    row[12] = (uint8_t)report;
    buf_append(out, row, sizeof(row));
}
