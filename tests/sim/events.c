/* The log, as a subscriber reads it: dense, in order, and as the model expects it. */
#include <stdio.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/sim.h"

#define PAGES_MAX 64

static uint32_t
audience_of(struct slice map)
{
    struct reader reader;
    struct slice value;
    uint32_t set = 0;
    if (!reply_find(map, "audience", &value))
        return 0;
    reader_init(&reader, value);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++) {
        int member = member_find(reader_str(&reader));
        if (member != NOBODY)
            set |= only(member);
    }
    return set;
}

static void
add_event(struct sim *sim, struct slice map)
{
    assert(sim->seen_count < SEEN_MAX);
    struct seen_event *event = &sim->seen[sim->seen_count++];
    *event = (struct seen_event){
        .seq = (seq_t)reply_num(map, "seq"),
        .at_ms = reply_num(map, "at"),
        .map = map,
        .type = reply_str(map, "type"),
        .cause = reply_str(map, "cause"),
        .audience = audience_of(map),
    };
    if (event->seq != sim->last_seq + 1)
        sim_fail(sim, "event %llu follows event %llu", (unsigned long long)event->seq,
                 (unsigned long long)sim->last_seq);
    if (event->at_ms < sim->last_ms)
        sim_fail(sim, "event %llu is from before the one before", (unsigned long long)event->seq);
    if (slice_is(event->type, "clock.advanced") && event->at_ms > sim->clock_ms)
        sim->clock_ms = event->at_ms;
    if (event->at_ms > sim->clock_ms)
        sim_fail(sim, "event %llu is from the future", (unsigned long long)event->seq);
    sim->last_seq = event->seq;
    sim->last_ms = event->at_ms;
    sim->events_total++;
}

struct slice
events_page(struct sim *sim, seq_t after, seq_t *next)
{
    struct buf *query = &sim->query;
    buf_clear(query);
    write_map(query, 3);
    write_cstr(query, "v");
    write_uint(query, KITH_PROTOCOL_VERSION);
    write_cstr(query, "op");
    write_cstr(query, "event.read");
    write_cstr(query, "args");
    write_map(query, 2);
    write_cstr(query, "after");
    write_uint(query, after);
    write_cstr(query, "limit");
    write_uint(query, KITH_EVENT_LIMIT_MAX);
    world_execute(&sim->world, buf_slice(query), sim->model.now_ms, &sim->answer);
    sim->queries++;

    struct reply reply;
    struct slice events = {0};
    if (!reply_read(buf_slice(&sim->answer), &reply) || !reply.ok ||
        !reply_find(reply.body, "events", &events))
        sim_fail(sim, "event.read is refused");
    *next = (seq_t)reply_num(reply.body, "next");
    if (*next <= after)
        sim_fail(sim, "event.read does not go on behind %llu", (unsigned long long)after);
    return events;
}

/* Of a connection that a closed member leaves, either may be named first. Where both are closed, it
 * is told to one of two who never look. */
static bool
take_part(struct sim *sim, const char *type, int a, int b, uint32_t audience, uint32_t *must,
          struct answer *follows)
{
    bool good = model_part(&sim->model, type, a, b, must, follows);
    if (good && sim->model.members[a].state == CLOSED && sim->model.members[b].state == CLOSED)
        *must = audience & (only(a) | only(b));
    return good;
}

/* What @event brings about at once is the daemon's own as well, and comes right behind it. */
static void
take_following(struct sim *sim, struct seen_event *event, const struct answer *follows)
{
    const struct seen_event *end = sim->seen + sim->seen_count;
    for (unsigned i = 0; i < follows->event_count; i++) {
        const struct model_event *wanted = &follows->events[i];
        event++;
        if (event == end || event->cause.data || !slice_is(event->type, wanted->type) ||
            event->audience != wanted->must)
            sim_fail(sim, "no event %s of the daemon itself in the feeds of %x behind event %llu",
                     wanted->type, wanted->must, (unsigned long long)event[-1].seq);
        event->taken = true;
    }
}

/* What the daemon does by itself must be due, and be told to whom it concerns. */
static void
take_own(struct sim *sim, struct seen_event *event)
{
    static struct answer follows;
    struct slice map = event->map;
    int from = member_find(reply_str(map, "from")), to = member_find(reply_str(map, "to"));
    int member = member_find(reply_str(map, "member")),
        other = member_find(reply_str(map, "other"));
    uint32_t must = 0;
    bool good = false;

    follows.event_count = 0;
    if (slice_is(event->type, "connection.expired"))
        good = model_expire(&sim->model, from, to, &must, &follows);
    else if (slice_is(event->type, "invite.expired"))
        good = model_expire_invite(&sim->model, reply_str(map, "invite"), &must);
    else if (slice_is(event->type, "invite.delivery_due"))
        good = model_deliver(&sim->model, reply_str(map, "invite"));
    else if (slice_is(event->type, "command.noted"))
        good = model_withhold(&sim->model);
    else if (slice_is(event->type, "connection.removed"))
        good =
            take_part(sim, "connection.removed", member, other, event->audience, &must, &follows);
    else if (slice_is(event->type, "connection.withdrawn"))
        good = take_part(sim, "connection.withdrawn", from, to, event->audience, &must, &follows);
    if (!good) {
        reply_print(stderr, map);
        sim_fail(sim, "\nthat event of the daemon itself is not due");
    }
    if (event->audience != must)
        sim_fail(sim, "event %llu of the daemon itself, %.*s, is in the feeds of %x, not %x",
                 (unsigned long long)event->seq, (int)event->type.size,
                 (const char *)event->type.data, event->audience, must);
    event->taken = true;
    take_following(sim, event, &follows);
}

void
events_read(struct sim *sim)
{
    seq_t end = world_last_seq(&sim->world);
    sim->seen_count = 0;
    sim->clock_ms = sim->model.now_ms;
    buf_clear(&sim->events);
    if (sim->last_seq == end)
        return;
    /* Pages are gathered first, since slices into a growing buffer would not stay. */
    size_t sizes[PAGES_MAX];
    unsigned pages = 0;
    for (seq_t next = sim->last_seq; next < end;) {
        struct slice events = events_page(sim, next, &next);
        assert(pages < PAGES_MAX);
        buf_append(&sim->events, events.data, events.size);
        sizes[pages++] = events.size;
    }
    const uint8_t *at = sim->events.data;
    for (unsigned i = 0; i < pages; at += sizes[i++]) {
        struct reader reader;
        reader_init(&reader, slice_of(at, sizes[i]));
        uint32_t count = reader_array(&reader);
        for (uint32_t j = 0; j < count; j++)
            add_event(sim, reader_skip(&reader));
    }
    if (sim->last_seq != end)
        sim_fail(sim, "the log ends at %llu, event.read at %llu", (unsigned long long)end,
                 (unsigned long long)sim->last_seq);
}

void
events_check_log(struct sim *sim)
{
    seq_t end = world_last_seq(&sim->world);
    sim->last_seq = 0;
    sim->last_ms = 0;
    sim->clock_ms = sim->model.now_ms;
    while (sim->last_seq < end) {
        struct reader reader;
        seq_t next;
        reader_init(&reader, events_page(sim, sim->last_seq, &next));
        uint32_t count = reader_array(&reader);
        sim->seen_count = 0;
        for (uint32_t i = 0; i < count; i++)
            add_event(sim, reader_skip(&reader));
        if (next != sim->last_seq)
            sim_fail(sim, "event.read skips events behind %llu", (unsigned long long)sim->last_seq);
    }
    sim->events_total = end;
    sim->seen_count = 0;
}

void
events_take_own(struct sim *sim, seq_t last)
{
    for (unsigned i = 0; i < sim->seen_count && sim->seen[i].seq <= last; i++)
        if (!sim->seen[i].cause.data && !sim->seen[i].taken)
            take_own(sim, &sim->seen[i]);
}

/* --- the events of one command --------------------------------------------------------------- */

static bool
says_so(const struct seen_event *event, const struct model_event *wanted)
{
    for (unsigned i = 0; i < wanted->say_count; i++) {
        const struct model_field *field = &wanted->says[i];
        struct reader reader;
        struct slice value;
        bool there = reply_find(event->map, field->path, &value);
        if (!there)
            return false;
        reader_init(&reader, value);
        if (field->type == FIELD_STR ? !slice_is(reader_str(&reader), field->str)
                                     : reader_bool(&reader) != (field->num != 0))
            return false;
    }
    return true;
}

static struct seen_event *
find_event(struct sim *sim, const char *id, const struct model_event *wanted)
{
    for (unsigned i = 0; i < sim->seen_count; i++) {
        struct seen_event *event = &sim->seen[i];
        if (!event->taken && slice_is(event->type, wanted->type) && slice_is(event->cause, id) &&
            (event->audience & wanted->must) == wanted->must &&
            (event->audience & ~wanted->may) == 0 && says_so(event, wanted))
            return event;
    }
    return NULL;
}

static void
bind(struct sim *sim, const struct seen_event *event, char *id, const char *path)
{
    struct slice text = reply_str(event->map, path);
    if (text.size == 0 || text.size >= REQUEST_SIZE_MAX)
        sim_fail(sim, "event %llu has no %s", (unsigned long long)event->seq, path);
    memcpy(id, text.data, text.size);
    id[text.size] = 0;
}

static _Noreturn void
miss(struct sim *sim, const char *id, const struct model_event *wanted)
{
    char says[256] = "";
    for (unsigned i = 0; i < wanted->say_count; i++) {
        const struct model_field *field = &wanted->says[i];
        size_t size = strlen(says);
        snprintf(says + size, sizeof(says) - size, ", %s %s", field->path,
                 field->type == FIELD_STR ? field->str
                 : field->num             ? "true"
                                          : "false");
    }
    sim_fail(sim, "%s: no event %s in the feeds of %x (at most %x)%s", id, wanted->type,
             wanted->must, wanted->may, says);
}

void
events_compare(struct sim *sim, const char *id, const struct answer *answer, seq_t pos)
{
    seq_t last = 0;
    for (unsigned i = 0; i < answer->event_count; i++) {
        const struct model_event *wanted = &answer->events[i];
        struct seen_event *event = find_event(sim, id, wanted);
        if (!event)
            miss(sim, id, wanted);
        event->taken = true;
        if (event->seq > last)
            last = event->seq;
        if (wanted->word)
            bind(sim, event, wanted->word, wanted->word_path);
    }
    if (answer->event_count > 0 && last != pos)
        sim_fail(sim, "%s: pos is %llu, its last event %llu", id, (unsigned long long)pos,
                 (unsigned long long)last);
}

void
events_compare_end(struct sim *sim)
{
    if (sim->sweeps)
        events_take_own(sim, sim->last_seq);
    for (unsigned i = 0; i < sim->seen_count; i++) {
        const struct seen_event *event = &sim->seen[i];
        if (!event->taken)
            sim_fail(sim, "event %llu, %.*s, in the feeds of %x, was not expected",
                     (unsigned long long)event->seq, (int)event->type.size,
                     (const char *)event->type.data, event->audience);
    }
}
