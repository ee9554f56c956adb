#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "proto/schema.h"

#define REPORT_SIZE_MAX 4096 /* of one value in a report */

static bool run_lines(struct run *run, unsigned from, unsigned end);

/* --- failures -------------------------------------------------------------------------------- */

bool
run_fail(struct run *run, unsigned line, const char *format, ...)
{
    char text[8192];
    va_list args;
    if (run->failed)
        return false;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    show_text(&run->report, "%s:%u: %s: ", run->script->path, line, run->one->title);
    buf_append(&run->report, text, strlen(text));
    run->failed = true;
    return false;
}

bool
run_fail_with(struct run *run, unsigned line, struct slice value, const char *text)
{
    struct buf shown = {0};
    show_value(value, NULL, &shown);
    run_fail(run, line, "%s\n    got %.*s%s", text,
             shown.size < REPORT_SIZE_MAX ? (int)shown.size : REPORT_SIZE_MAX,
             (const char *)shown.data, shown.size < REPORT_SIZE_MAX ? "" : "...");
    buf_fini(&shown);
    return false;
}

/* --- messages -------------------------------------------------------------------------------- */

static bool
exchange(struct run *run)
{
    struct fault fault = {""};
    buf_clear(&run->reply);
    if (run->ops->exchange(run->backend, buf_slice(&run->message), &run->reply, &fault))
        return true;
    return run_fail(run, run->line, "%s", fault.text);
}

bool
run_exchange(struct run *run)
{
    struct slice id = message_text(buf_slice(&run->message), "id");
    run->event_pos = run->answered_pos;
    preview_ask(run);
    if (!exchange(run) || !judge_form(run, buf_slice(&run->reply), false, id))
        return false;
    if (!preview_compare(run, buf_slice(&run->reply)))
        return false;
    bool refused = !judge_is_ok(buf_slice(&run->reply));
    if (refused && id.data && message_is_command(buf_slice(&run->message)))
        return events_refused(run, id);
    return true;
}

/* Start the daemon where it is not running, and ask it for the time. */
static bool
start(struct run *run)
{
    struct fault fault = {""};
    struct buf hello = {0};
    if (run->backend)
        return true;
    run->backend = run->ops->open(run->dir, &run->settings, &fault);
    if (!run->backend)
        return run_fail(run, run->line, "%s", fault.text);
    write_map(&hello, 2);
    write_cstr(&hello, "v");
    write_uint(&hello, KITH_PROTOCOL_VERSION);
    write_cstr(&hello, "op");
    write_cstr(&hello, "server.hello");
    struct buf message = run->message;
    run->message = hello;
    bool good = run_exchange(run);
    run->message = message;
    buf_fini(&hello);
    run->mask = (struct show_mask){.on = true, .zero_ms = run->scope.now_ms};
    return good;
}

static bool
restart(struct run *run)
{
    struct fault fault = {""};
    if (!run->backend)
        return start(run);
    return run->ops->restart(run->backend, &run->settings, &fault) ||
           run_fail(run, run->line, "%s", fault.text);
}

/* What nobody said anything about must have succeeded. */
static bool
settle(struct run *run)
{
    if (!run->unjudged)
        return true;
    run->unjudged = false;
    if (judge_is_ok(run->judged))
        return true;
    return run_fail_with(run, run->asked_line, run->judged, "it was refused");
}

static void
look_at(struct run *run, struct slice reply, bool unjudged)
{
    run->judged = reply;
    run->asked_line = run->line;
    run->unjudged = unjudged;
}

/* For `again`. */
static void
remember(struct run *run)
{
    buf_clear(&run->last);
    buf_append(&run->last, run->message.data, run->message.size);
}

/* Send what is in run->message, for a statement. */
static bool
send_message(struct run *run)
{
    if (!start(run) || !run_exchange(run))
        return false;
    look_at(run, buf_slice(&run->reply), true);
    return true;
}

/* --- requests -------------------------------------------------------------------------------- */

static bool
collect_item(struct run *run, const struct line *line)
{
    run->item_count++;
    return message_of_line(run, line, true, &run->items);
}

static bool
check_item(struct run *run, const struct line *line)
{
    struct buf item = {0};
    bool good = message_of_line(run, line, true, &item);
    struct slice answer = reader_skip(&run->answers);
    if (good && run->answers.bad)
        good = run_fail(run, line->number, "the batch has no answer for this");
    if (good)
        good = judge_form(run, answer, true, message_text(buf_slice(&item), "id"));
    look_at(run, answer, true);
    buf_fini(&item);
    return good;
}

static bool
run_request(struct run *run, const struct line *line)
{
    if (run->mode == RUN_COLLECT)
        return collect_item(run, line);
    if (run->mode == RUN_CHECK)
        return check_item(run, line);
    if (!start(run)) /* before it is written: `now` may stand in it */
        return false;
    buf_clear(&run->message);
    if (!message_of_line(run, line, false, &run->message))
        return false;
    if (!line->is_given)
        remember(run);
    if (!send_message(run))
        return false;
    const struct literal *actor = line->words->first;
    if (run->watched.data && slice_equal(scope_text(&run->scope, actor), run->watched)) {
        run->unjudged = false; /* whatever it is, it is to be the same again */
        return twin_note(run, run->judged);
    }
    return !line->is_given || settle(run);
}

/* Send what is in run->message, which may be a batch: the answer to one has nothing of its own. */
static bool
send_anything(struct run *run)
{
    if (!map_find(buf_slice(&run->message), "batch").data)
        return send_message(run);
    run->event_pos = run->answered_pos;
    if (!start(run) || !exchange(run))
        return false;
    struct slice reply = buf_slice(&run->reply);
    bool answered = map_find(reply, "batch").data != NULL;
    look_at(run, reply, !answered);
    return answered || judge_form(run, reply, false, (struct slice){0});
}

static bool
run_again(struct run *run)
{
    if (run->last.size == 0)
        return run_fail(run, run->line, "nothing was sent before");
    buf_clear(&run->message);
    buf_append(&run->message, run->last.data, run->last.size);
    return send_anything(run);
}

static bool
run_raw(struct run *run, const struct line *line)
{
    const struct literal *map = line->words->first;
    buf_clear(&run->message);
    if (!start(run))
        return false;
    if (!map || !scope_encode(&run->scope, map, &run->message))
        return run_fail(run, line->number, "expected a value that can be sent");
    remember(run);
    return send_anything(run);
}

static int
hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool
run_bytes(struct run *run, const struct line *line)
{
    struct slice text = {0};
    buf_clear(&run->message);
    if (line->words->count == 1)
        text = scope_text(&run->scope, line->words->first);
    if (!text.data || text.size % 2 != 0)
        return run_fail(run, line->number, "expected hex digits in quotes");
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0)
            return run_fail(run, line->number, "expected hex digits in quotes");
        uint8_t byte = (uint8_t)(high << 4 | low);
        buf_append(&run->message, &byte, 1);
    }
    remember(run);
    return send_anything(run);
}

/* --- batches --------------------------------------------------------------------------------- */

static bool
send_batch(struct run *run)
{
    buf_clear(&run->message);
    write_map(&run->message, 2);
    write_cstr(&run->message, "v");
    write_uint(&run->message, KITH_PROTOCOL_VERSION);
    write_cstr(&run->message, "batch");
    write_array(&run->message, run->item_count);
    write_raw(&run->message, buf_slice(&run->items));
    remember(run);
    run->event_pos = run->answered_pos;
    return exchange(run);
}

static bool
check_answers(struct run *run, unsigned from, unsigned end)
{
    struct slice reply = buf_slice(&run->reply);
    struct slice answers = map_find(reply, "batch");
    if (!answers.data) { /* refused as a whole */
        look_at(run, reply, true);
        return judge_form(run, reply, false, (struct slice){0});
    }
    reader_init(&run->answers, answers);
    uint32_t count = reader_array(&run->answers);
    if (count != run->item_count)
        return run_fail_with(run, run->line, reply, "not as many answers as questions");
    run->mode = RUN_CHECK;
    bool good = run_lines(run, from, end) && settle(run);
    run->mode = RUN_SEND;
    if (good)
        look_at(run, reply, false);
    return good;
}

/* The lines run twice: to gather what is sent, and to judge what comes back. */
static bool
run_batch(struct run *run, unsigned from, unsigned end)
{
    unsigned id_count = run->id_count, given_count = run->given_count;
    unsigned secret_count = run->secret_count;
    if (run->mode != RUN_SEND)
        return run_fail(run, run->line, "a batch within a batch");
    if (!start(run))
        return false;
    buf_clear(&run->items);
    run->item_count = 0;
    run->mode = RUN_COLLECT;
    bool good = run_lines(run, from, end);
    run->mode = RUN_SEND;
    if (!good || !send_batch(run))
        return false;
    run->id_count = id_count;
    run->given_count = given_count;
    run->secret_count = secret_count;
    return check_answers(run, from, end);
}

/* --- members, time, settings ------------------------------------------------------------------ */

static bool
register_one(struct run *run, const struct line *line, struct slice name)
{
    struct literal member = {
        .kind = LITERAL_TEXT, .text = name, .times = 1, .path = slice_str("member")};
    struct literal word = {.kind = LITERAL_TEXT, .text = slice_str("member.register"), .times = 1};
    struct literal words = {.kind = LITERAL_ARRAY, .first = &word, .count = 1};
    struct literal fields = *line->fields;
    struct line request = *line;
    member.next = fields.first;
    fields.first = &member;
    fields.count++;
    request.words = &words;
    request.fields = &fields;
    request.is_given = true;
    request.statement = STATEMENT_REQUEST;
    return run_request(run, &request) && settle(run);
}

/* m1..m9: as two names with a number at their end. */
static bool
split_range(struct slice word, struct slice *prefix, unsigned long *from, unsigned long *to)
{
    const char *text = (const char *)word.data;
    const char *dots = strstr(text, "..");
    if (!dots)
        return false;
    size_t size = strcspn(text, "0123456789");
    if (strncmp(text, dots + 2, size) != 0 || text + size >= dots)
        return false;
    *prefix = slice_of(text, size);
    *from = strtoul(text + size, NULL, 10);
    *to = strtoul(dots + 2 + size, NULL, 10);
    return true;
}

static bool
register_word(struct run *run, const struct line *line, const struct literal *word)
{
    struct slice prefix, text = scope_text(&run->scope, word);
    unsigned long from, to;
    if (!text.data)
        return run_fail(run, line->number, "expected the names of members");
    if (!split_range(text, &prefix, &from, &to))
        return register_one(run, line, text);
    for (unsigned long i = from; i <= to; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s%lu", (int)prefix.size, (const char *)prefix.data, i);
        if (!register_one(run, line, slice_str(name)))
            return false;
    }
    return true;
}

static bool
run_member(struct run *run, const struct line *line)
{
    if (run->mode != RUN_SEND)
        return run_fail(run, line->number, "not within a batch");
    for (const struct literal *word = line->words->first; word; word = word->next)
        if (!register_word(run, line, word))
            return false;
    return true;
}

static bool
run_advance(struct run *run, const struct line *line)
{
    struct literal word = {.kind = LITERAL_TEXT, .text = slice_str("clock.advance"), .times = 1};
    struct literal words = {.kind = LITERAL_ARRAY, .first = &word, .count = 1};
    struct literal fields = {.kind = LITERAL_MAP, .count = 1};
    struct line request = *line;
    int64_t ms;
    if (!start(run))
        return false;
    if (line->words->count != 1 || !scope_number(&run->scope, line->words->first, &ms))
        return run_fail(run, line->number, "expected how far, as in 21d-1s");
    /* To an instant is as far as it is away. */
    if (line->words->first->kind != LITERAL_INT)
        ms -= run->scope.now_ms;
    struct literal distance = {.kind = LITERAL_INT, .number = ms, .path = slice_str("ms")};
    fields.first = &distance;
    request.words = &words;
    request.fields = &fields;
    request.is_given = true;
    return run_request(run, &request) && settle(run);
}

static const char *
join(struct pool *pool, const char *prefix, struct slice rest)
{
    size_t size = strlen(prefix);
    char *text = pool_alloc(pool, size + rest.size + 1);
    memcpy(text, prefix, size);
    memcpy(text + size, rest.data, rest.size);
    return text;
}

static bool
run_set(struct run *run, const struct line *line)
{
    for (const struct literal *field = line->fields->first; field; field = field->next) {
        if (run->settings.count == BACKEND_SETTINGS_MAX)
            return run_fail(run, line->number, "too many settings");
        const char *source = pool_text(&run->pool, field->source);
        const char *equals = strchr(source, '=');
        const char *prefix = backend_setting_prefix(field->path);
        if (!equals || !prefix)
            return run_fail(run, line->number, "expected KEY=VALUE of a setting that there is");
        unsigned i = run->settings.count++;
        run->settings.list[i].key = join(&run->pool, prefix, field->path);
        run->settings.list[i].text = equals + 1;
    }
    return run->backend ? restart(run) : true;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static bool
run_for(struct run *run, const struct line *line, unsigned from, unsigned end)
{
    const struct literal *name = line->words->first, *range = name ? name->next : NULL;
    struct slice text = range ? scope_text(&run->scope, range) : (struct slice){0};
    const char *dots = text.data ? strstr((const char *)text.data, "..") : NULL;
    if (!dots || name->kind != LITERAL_TEXT)
        return run_fail(run, line->number, "expected NAME FROM..TO");
    long first = strtol((const char *)text.data, NULL, 10), last = strtol(dots + 2, NULL, 10);
    for (long i = first; i <= last; i++) {
        struct buf number = {0};
        write_int(&number, i);
        scope_keep(&run->scope, name->text, buf_slice(&number));
        buf_fini(&number);
        if (!run_lines(run, from, end))
            return false;
    }
    return true;
}

static bool
run_watch(struct run *run, const struct line *line)
{
    const struct literal *name = line->words->first;
    run->watched = name ? scope_text(&run->scope, name) : (struct slice){0};
    return run->watched.data || run_fail(run, line->number, "expected whom to watch");
}

static bool
run_look(struct run *run, const struct line *line)
{
    const struct literal *name = line->words->first;
    if (!name || !start(run))
        return run_fail(run, line->number, "expected whom to ask about");
    struct slice text = scope_text(&run->scope, name);
    run->judged = (struct slice){0};
    return twin_look(run, pool_text(&run->pool, text));
}

static bool
is_judge(enum statement statement)
{
    return statement == STATEMENT_OK || statement == STATEMENT_ERROR ||
           statement == STATEMENT_REPLY;
}

static bool
run_line(struct run *run, unsigned index)
{
    const struct line *line = &run->script->lines[index];
    switch (line->statement) {
    case STATEMENT_SET:
        return run_set(run, line);
    case STATEMENT_MEMBER:
        return run_member(run, line);
    case STATEMENT_REQUEST:
        return run_request(run, line);
    case STATEMENT_OK:
        return judge_ok(run, line);
    case STATEMENT_ERROR:
        return judge_error(run, line);
    case STATEMENT_REPLY:
        return judge_reply(run, line);
    case STATEMENT_AGAIN:
        return run_again(run);
    case STATEMENT_RAW:
        return run_raw(run, line);
    case STATEMENT_BYTES:
        return run_bytes(run, line);
    case STATEMENT_BATCH:
        return run_batch(run, index + 1, line->end);
    case STATEMENT_EVENT:
        return events_expect(run, line);
    case STATEMENT_NO:
        return events_expect_none(run);
    case STATEMENT_ADVANCE:
        return run_advance(run, line);
    case STATEMENT_RESTART:
        return restart(run);
    case STATEMENT_FOR:
        return run_for(run, line, index + 1, line->end);
    case STATEMENT_WATCH:
        return run_watch(run, line);
    case STATEMENT_LOOK:
        return run_look(run, line);
    case STATEMENT_NEEDS: /* was looked at before */
    case STATEMENT_CASE:
    case STATEMENT_END:
    case STATEMENT_COUNT:
        return true;
    }
    return true;
}

static bool
run_lines(struct run *run, unsigned from, unsigned end)
{
    for (unsigned i = from; i < end; i++) {
        const struct line *line = &run->script->lines[i];
        if (run->with_secrets ? line->is_open : line->is_secret)
            continue;
        if (run->mode == RUN_COLLECT && is_judge(line->statement))
            continue;
        if (!is_judge(line->statement) && !settle(run))
            return false;
        run->line = line->number;
        if (!run_line(run, i))
            return false;
        if (line->statement == STATEMENT_FOR || line->statement == STATEMENT_BATCH)
            i = line->end;
    }
    return true;
}

/* --- cases ----------------------------------------------------------------------------------- */

static void
finish(struct run *run)
{
    struct fault fault = {""};
    if (!run->backend)
        return;
    if (!run->failed && !run->ops->audit(run->backend, &fault))
        run_fail(run, run->line, "after the case: %s", fault.text);
    if (!run->ops->close(run->backend, &fault))
        run_fail(run, run->line, "at the end: %s", fault.text);
    run->backend = NULL;
}

bool
run_case(struct run *run)
{
    assert(run->backend == NULL && !run->failed);
    if (!run->scope.pool)
        run->scope.pool = &run->pool;
    bool good = run_lines(run, run->one->first, run->one->end) && settle(run) && census(run);
    assert(good == !run->failed);
    finish(run);
    buf_fini(&run->message);
    buf_fini(&run->last);
    buf_fini(&run->reply);
    buf_fini(&run->items);
    buf_fini(&run->foretold);
    buf_fini(&run->mask.opaque);
    pool_fini(&run->pool);
    return !run->failed;
}

static bool
is_there(struct slice word)
{
    const char *text = (const char *)word.data;
    const char *colon = memchr(text, ':', word.size);
    size_t size = colon ? (size_t)(colon - text) : word.size;
    enum kith_op op = kith_op_find(text, size);
    if (!colon)
        return op != KITH_OP_COUNT || backend_setting_prefix(word) != NULL;
    return op != KITH_OP_COUNT &&
           kith_arg_find(op, colon + 1, word.size - size - 1) != KITH_ARG_COUNT;
}

bool
run_has_needs(const struct script *script, const struct script_case *one, struct slice *missing)
{
    for (unsigned i = one->first; i < one->end; i++) {
        const struct line *line = &script->lines[i];
        if (line->statement != STATEMENT_NEEDS)
            continue;
        for (const struct literal *word = line->words->first; word; word = word->next)
            if (!is_there(word->source)) {
                *missing = word->source;
                return false;
            }
    }
    return true;
}
