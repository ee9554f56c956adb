/* What must hold of replies. */
#include <stdio.h>

#include "proto/error.h"
#include "run.h"

/* --- the form of every reply ----------------------------------------------------------------- */

static bool
read_number(struct slice map, const char *name, int64_t *out)
{
    struct reader reader;
    struct slice value = map_find(map, name);
    reader_init(&reader, value);
    *out = reader_int(&reader);
    return value.data && !reader.bad;
}

static bool
is_kind(struct slice value, enum reader_type type)
{
    struct reader reader;
    reader_init(&reader, value);
    return value.data && reader_peek(&reader) == type;
}

bool
judge_is_ok(struct slice reply)
{
    struct reader reader;
    reader_init(&reader, map_find(reply, "ok"));
    return reader_bool(&reader) && !reader.bad;
}

/* Code, class and retry as in the one table, and a text for people. */
static const char *
error_form(struct run *run, struct slice error)
{
    struct slice code = message_text(error, "code");
    enum kith_err err = code.data ? kith_err_find(pool_text(&run->pool, code)) : KITH_ERR_COUNT;
    if (err == KITH_ERR_COUNT || err == KITH_OK)
        return "the error has no code that is known";
    if (!slice_is(message_text(error, "class"), kith_err_class(err)))
        return "the error's class is not that of its code";
    if (!slice_is(message_text(error, "retry"), kith_err_retry(err)))
        return "the error's retry is not that of its code";
    return message_text(error, "text").size > 0 ? NULL : "the error has no text";
}

static const char *
form_of(struct run *run, struct slice reply, bool is_item, struct slice id)
{
    int64_t pos, at_ms, version;
    if (!is_kind(map_find(reply, "ok"), READER_BOOL))
        return "`ok` is missing";
    if (!is_item && (!read_number(reply, "v", &version) || version != 1))
        return "`v` is not 1";
    if (!read_number(reply, "pos", &pos) || !read_number(reply, "at", &at_ms))
        return "`pos` or `at` is missing";
    bool bad_id = slice_is(message_text(map_find(reply, "error"), "field"), "id");
    if (id.data && !bad_id && !slice_equal(message_text(reply, "id"), id))
        return "`id` is not the one that was sent";
    if (!judge_is_ok(reply))
        return map_find(reply, "dup").data ? "a refusal is no `dup`"
                                           : error_form(run, map_find(reply, "error"));
    struct slice result = map_find(reply, "result");
    if (!is_kind(result, READER_MAP) && !is_kind(result, READER_NIL))
        return "`result` is missing";
    if (!map_find(reply, "dup").data && at_ms < run->scope.now_ms)
        return "`at` goes back";
    return NULL;
}

static void
note_reply(struct run *run, struct slice reply)
{
    int64_t pos, at_ms, now_ms;
    read_number(reply, "pos", &pos);
    read_number(reply, "at", &at_ms);
    if ((seq_t)pos > run->answered_pos)
        run->answered_pos = (seq_t)pos;
    if (read_number(map_find(reply, "result"), "now", &now_ms)) /* of clock.advance */
        at_ms = now_ms;
    if (at_ms > run->scope.now_ms)
        run->scope.now_ms = at_ms;
}

bool
judge_form(struct run *run, struct slice reply, bool is_item, struct slice id)
{
    const char *wrong = form_of(run, reply, is_item, id);
    if (wrong)
        return run_fail_with(run, run->line, reply, wrong);
    note_reply(run, reply);
    return true;
}

/* --- what a case says about one --------------------------------------------------------------- */

static bool
begin(struct run *run, const struct line *line)
{
    if (!run->judged.data)
        return run_fail(run, line->number, "there was no request before");
    run->unjudged = false;
    return true;
}

static bool
match(struct run *run, const struct line *line, struct slice got, const char *const *extra)
{
    const char *why;
    if (line->words->count > 0)
        return run_fail(run, line->number, "expected fields, NAME=VALUE");
    if (scope_match(&run->scope, line->fields, got, extra, &why))
        return true;
    return run_fail_with(run, line->number, run->judged, why);
}

bool
judge_ok(struct run *run, const struct line *line)
{
    if (!begin(run, line))
        return false;
    if (!judge_is_ok(run->judged))
        return run_fail_with(run, line->number, run->judged, "expected ok, got a refusal");
    struct slice result = map_find(run->judged, "result");
    if (line->words->count == 1 && line->words->first->kind == LITERAL_NIL)
        return is_kind(result, READER_NIL) ||
               run_fail_with(run, line->number, run->judged, "expected nil");
    return match(run, line, result, NULL);
}

bool
judge_error(struct run *run, const struct line *line)
{
    static const char *const always[] = {"code", "class", "retry", "text", NULL};
    char text[128];
    if (!begin(run, line))
        return false;
    struct slice error = map_find(run->judged, "error");
    if (judge_is_ok(run->judged) || !slice_equal(message_text(error, "code"), line->keyword)) {
        snprintf(text, sizeof(text), "expected %.*s", (int)line->keyword.size,
                 (const char *)line->keyword.data);
        return run_fail_with(run, line->number, run->judged, text);
    }
    return match(run, line, error, always);
}

bool
judge_reply(struct run *run, const struct line *line)
{
    return begin(run, line) && match(run, line, run->judged, NULL);
}
