#include "script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "proto/error.h"

#define NESTING_MAX 8 /* of for and batch */

static const char *const keywords[STATEMENT_COUNT] = {
    [STATEMENT_CASE] = "case",       [STATEMENT_NEEDS] = "needs",     [STATEMENT_SET] = "set",
    [STATEMENT_MEMBER] = "member",   [STATEMENT_OK] = "ok",           [STATEMENT_REPLY] = "reply",
    [STATEMENT_AGAIN] = "again",     [STATEMENT_RAW] = "raw",         [STATEMENT_BYTES] = "bytes",
    [STATEMENT_BATCH] = "batch",     [STATEMENT_EVENT] = "event",     [STATEMENT_NO] = "no",
    [STATEMENT_ADVANCE] = "advance", [STATEMENT_RESTART] = "restart", [STATEMENT_FOR] = "for",
    [STATEMENT_END] = "end",         [STATEMENT_WATCH] = "watch",     [STATEMENT_LOOK] = "look",
};

static bool
fail(struct script *script, unsigned number, const char *wrong)
{
    snprintf(script->wrong, sizeof(script->wrong), "%s:%u: %s", script->path, number, wrong);
    return false;
}

/* --- one line ------------------------------------------------------------------------------- */

static struct slice
trim(struct slice text)
{
    const uint8_t *at = text.data, *end = at + text.size;
    while (at < end && *at == ' ')
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\r'))
        end--;
    return slice_of(at, (size_t)(end - at));
}

/* A comment begins with # at the start or behind a space, outside of quotes. */
static struct slice
without_comment(struct slice text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '\'')
            quoted = !quoted;
        else if (c == '#' && !quoted && (i == 0 || text.data[i - 1] == ' '))
            return trim(slice_of(text.data, i));
    }
    return trim(text);
}

static struct slice
take_word(struct slice *text)
{
    size_t size = 0;
    while (size < text->size && text->data[size] != ' ')
        size++;
    struct slice word = slice_of(text->data, size);
    *text = trim(slice_of(text->data + size, text->size - size));
    return word;
}

static enum statement
find_statement(struct script *script, struct slice word)
{
    for (enum statement i = 0; i < STATEMENT_COUNT; i++)
        if (keywords[i] && slice_is(word, keywords[i]))
            return i;
    if (kith_err_find(pool_text(&script->pool, word)) != KITH_ERR_COUNT)
        return STATEMENT_ERROR;
    return STATEMENT_REQUEST;
}

static void
take_prefix(struct slice *text, const char *prefix, bool *found)
{
    struct slice rest = *text;
    *found = slice_is(take_word(&rest), prefix);
    if (*found)
        *text = rest;
}

static bool
read_line(struct script *script, struct slice text, struct line *line)
{
    take_prefix(&text, "secretly", &line->is_secret);
    take_prefix(&text, "openly", &line->is_open);
    take_prefix(&text, "given", &line->is_given);
    struct slice rest = text;
    line->keyword = take_word(&rest);
    line->statement = find_statement(script, line->keyword);
    if (line->statement == STATEMENT_REQUEST)
        rest = text;
    if (line->statement == STATEMENT_CASE) {
        script->cases[script->case_count++] = (struct script_case){
            .title = pool_text(&script->pool, rest), .first = script->line_count + 1};
        return true;
    }
    if (line->is_given && line->statement != STATEMENT_REQUEST)
        return fail(script, line->number, "`given` stands before a request");
    if (script->case_count == 0)
        return fail(script, line->number, "a file begins with `case`");
    const char *wrong = literal_parse_line(rest, &script->pool, &line->words, &line->fields);
    return wrong ? fail(script, line->number, wrong) : true;
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool
close_blocks(struct script *script, struct script_case *one)
{
    unsigned open[NESTING_MAX], depth = 0;
    for (unsigned i = one->first; i < one->end; i++) {
        struct line *line = &script->lines[i];
        one->is_twin |= line->statement == STATEMENT_WATCH;
        one->is_odd |= line->statement == STATEMENT_RAW || line->statement == STATEMENT_BYTES;
        for (struct literal *field = line->fields->first; field; field = field->next)
            one->is_odd |=
                field->outside && (!slice_is(field->path, "id") || literal_is(field, "none"));
        if (line->statement == STATEMENT_FOR || line->statement == STATEMENT_BATCH) {
            if (depth == NESTING_MAX)
                return fail(script, line->number, "too many blocks within blocks");
            open[depth++] = i;
        } else if (line->statement == STATEMENT_END) {
            if (depth == 0)
                return fail(script, line->number, "`end` of nothing");
            script->lines[open[--depth]].end = i;
        }
    }
    return depth == 0 || fail(script, script->lines[open[depth - 1]].number, "`end` is missing");
}

static bool
read_lines(struct script *script, struct slice content)
{
    const uint8_t *at = content.data, *end = at + content.size;
    for (unsigned number = 1; at < end; number++) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        struct slice text = without_comment(slice_of(at, (size_t)(stop - at)));
        at = stop + 1;
        if (text.size == 0)
            continue;
        struct line *line = &script->lines[script->line_count];
        line->number = number;
        if (!read_line(script, text, line))
            return false;
        script->line_count++;
    }
    for (unsigned i = 0; i < script->case_count; i++) {
        struct script_case *one = &script->cases[i];
        bool last = i + 1 == script->case_count;
        one->end = last ? script->line_count : one[1].first - 1;
        if (!close_blocks(script, one))
            return false;
    }
    return true;
}

static bool
read_content(struct script *script, struct buf *content)
{
    FILE *file = fopen(script->path, "re");
    if (!file)
        return fail(script, 1, strerror(errno));
    for (size_t got = 1; got > 0;) {
        uint8_t *room = buf_reserve(content, 65536);
        assert(room != NULL);
        got = fread(room, 1, 65536, file);
        content->size += got;
    }
    bool good = !ferror(file);
    fclose(file);
    return good || fail(script, 1, "cannot be read");
}

bool
script_read(struct script *script, const char *path)
{
    struct buf content = {0};
    *script = (struct script){.path = path};
    bool good = read_content(script, &content);
    if (good) {
        struct slice text = slice_of(pool_text(&script->pool, buf_slice(&content)), content.size);
        size_t lines_max = 1;
        for (size_t i = 0; i < text.size; i++)
            lines_max += text.data[i] == '\n';
        script->lines = pool_alloc(&script->pool, lines_max * sizeof(*script->lines));
        script->cases = pool_alloc(&script->pool, lines_max * sizeof(*script->cases));
        good = read_lines(script, text);
    }
    buf_fini(&content);
    return good;
}

void
script_fini(struct script *script)
{
    pool_fini(&script->pool);
}
