/* What is in the log. */
#include "codec/writer.h"
#include "run.h"

#define PAGE_LIMIT 100

/* A page of events behind @after; the array is borrowed until the next. */
static bool
read_page(struct run *run, seq_t after, struct buf *page, struct slice *events)
{
    struct buf message = {0};
    struct fault fault = {""};
    write_map(&message, 3);
    write_cstr(&message, "v");
    write_uint(&message, 1);
    write_cstr(&message, "op");
    write_cstr(&message, "event.read");
    write_cstr(&message, "args");
    write_map(&message, 2);
    write_cstr(&message, "after");
    write_uint(&message, after);
    write_cstr(&message, "limit");
    write_uint(&message, PAGE_LIMIT);

    buf_clear(page);
    bool good = run->ops->exchange(run->backend, buf_slice(&message), page, &fault);
    buf_fini(&message);
    if (!good)
        return run_fail(run, run->line, "%s", fault.text);
    *events = map_find(map_find(buf_slice(page), "result"), "events");
    return events->data || run_fail_with(run, run->line, buf_slice(page), "events are not read");
}

static seq_t
seq_of(struct slice event)
{
    struct reader reader;
    reader_init(&reader, map_find(event, "seq"));
    return reader_uint(&reader);
}

static bool
is_of_interest(struct slice event)
{
    struct slice cause = message_text(event, "cause");
    return cause.size < 6 || memcmp(cause.data, "given-", 6) != 0;
}

/* The next event of interest behind run->event_pos, which it then is; absent at the end. */
static bool
next_event(struct run *run, struct buf *page, struct slice *event)
{
    *event = (struct slice){0};
    for (;;) {
        struct slice events;
        struct reader reader;
        if (!read_page(run, run->event_pos, page, &events))
            return false;
        reader_init(&reader, events);
        uint32_t count = reader_array(&reader);
        if (count == 0)
            return true;
        for (uint32_t i = 0; i < count; i++) {
            struct slice one = reader_skip(&reader);
            run->event_pos = seq_of(one);
            if (is_of_interest(one)) {
                *event = one;
                return true;
            }
        }
    }
}

static void
consume(struct run *run)
{
    if (run->event_pos > run->answered_pos)
        run->answered_pos = run->event_pos;
}

static bool
match_event(struct run *run, const struct line *line, struct slice event)
{
    static const char *const always[] = {"v",     "seq",      "at",     "type",
                                         "cause", "audience", "notify", NULL};
    const char *why;
    const struct literal *type = line->words->first;
    if (!event.data)
        return run_fail(run, line->number, "expected the event %.*s, and there is none",
                        (int)type->source.size, (const char *)type->source.data);
    if (!slice_equal(message_text(event, "type"), type->text))
        return run_fail_with(run, line->number, event, "expected an event of another type");
    return scope_match(&run->scope, line->fields, event, always, &why) ||
           run_fail_with(run, line->number, event, why);
}

bool
events_expect(struct run *run, const struct line *line)
{
    struct buf page = {0};
    struct slice event;
    if (line->words->count != 1 || line->words->first->kind != LITERAL_TEXT)
        return run_fail(run, line->number, "expected a type, then fields");
    bool good = next_event(run, &page, &event) && match_event(run, line, event);
    consume(run);
    buf_fini(&page);
    return good;
}

bool
events_expect_none(struct run *run)
{
    struct buf page = {0};
    struct slice event;
    bool good = next_event(run, &page, &event);
    if (good && event.data)
        good = run_fail_with(run, run->line, event, "expected no event");
    consume(run);
    buf_fini(&page);
    return good;
}

bool
events_refused(struct run *run, struct slice id)
{
    struct buf page = {0};
    seq_t after = run->event_pos;
    bool good = true;
    for (uint32_t count = 1; good && count > 0;) {
        struct slice events;
        struct reader reader;
        good = read_page(run, after, &page, &events);
        reader_init(&reader, events);
        count = good ? reader_array(&reader) : 0;
        for (uint32_t i = 0; i < count && good; i++) {
            struct slice event = reader_skip(&reader);
            after = seq_of(event);
            if (slice_equal(message_text(event, "cause"), id))
                good = run_fail_with(run, run->line, event, "it was refused, and left an event");
        }
    }
    buf_fini(&page);
    return good;
}
