/* What is sent. */
#include <stdio.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "proto/schema.h"
#include "run.h"

/* A request, before it is written. */
struct draft {
    const char *op;
    struct slice actor; /* goes to verb->actor */
    const struct literal *object;
    const struct verb *verb;
    const struct literal *fields; /* MAP; those outside of the arguments too */
};

/* --- reading messages ------------------------------------------------------------------------ */

struct slice
message_text(struct slice message, const char *name)
{
    struct reader reader;
    reader_init(&reader, map_find(message, name));
    return reader_peek(&reader) == READER_STR ? reader_str(&reader) : (struct slice){0};
}

static bool
op_is_command(struct slice name)
{
    enum kith_op op = kith_op_find((const char *)name.data, name.size);
    return op == KITH_OP_COUNT || kith_ops[op].kind == KITH_KIND_COMMAND;
}

bool
message_is_command(struct slice message)
{
    struct slice op = message_text(message, "op");
    return op.data && op_is_command(op);
}

/* --- writing them ---------------------------------------------------------------------------- */

/* A contact is written KIND:VALUE; what is not, goes as it is. */
static bool
write_contact(struct run *run, const struct literal *literal, struct buf *out)
{
    struct slice text = scope_text(&run->scope, literal);
    const uint8_t *colon = text.size > 0 ? memchr(text.data, ':', text.size) : NULL;
    if (!colon)
        return scope_encode(&run->scope, literal, out);
    size_t kind_size = (size_t)(colon - text.data);
    write_map(out, 2);
    write_cstr(out, "kind");
    write_str(out, slice_of(text.data, kind_size));
    write_cstr(out, "value");
    write_str(out, slice_of(colon + 1, text.size - kind_size - 1));
    return true;
}

static bool
write_arg(struct run *run, struct slice name, const struct literal *value, struct buf *out)
{
    write_str(out, name);
    if (slice_is(name, "contact") || slice_is(name, "proof"))
        return write_contact(run, value, out);
    return scope_encode(&run->scope, value, out);
}

static bool
write_args(struct run *run, const struct draft *draft, struct buf *out)
{
    bool good = true;
    uint32_t count = 0;
    size_t place = write_open_map(out);
    if (draft->actor.data) {
        write_cstr(out, draft->verb->actor);
        write_str(out, draft->actor);
        count++;
    }
    if (draft->object) {
        good = write_arg(run, slice_str(draft->verb->object), draft->object, out);
        count++;
    }
    for (const struct literal *field = draft->fields->first; field; field = field->next)
        if (!field->outside) {
            good =
                good && field->compare == COMPARE_EQUAL && write_arg(run, field->path, field, out);
            count++;
        }
    write_close_map(out, place, count);
    return good;
}

static const struct literal *
find_outside(const struct literal *fields, const char *name)
{
    for (const struct literal *field = fields->first; field; field = field->next)
        if (field->outside && slice_is(field->path, name))
            return field;
    return NULL;
}

static void
make_id(struct run *run, const struct line *line, char *id, size_t size)
{
    if (line && (line->is_secret || line->is_open))
        snprintf(id, size, "secret-%u", ++run->secret_count);
    else if (!line || line->is_given || line->statement != STATEMENT_REQUEST)
        snprintf(id, size, "given-%u", ++run->given_count);
    else
        snprintf(id, size, "c%u", ++run->id_count);
}

/* The id: as the line says, else one for a command and none for a query. */
static bool
write_id(struct run *run, const struct draft *draft, const struct line *line, struct buf *out,
         uint32_t *count)
{
    char id[32];
    const struct literal *given = find_outside(draft->fields, "id");
    if (given && literal_is(given, "none"))
        return true;
    if (!given && !op_is_command(slice_str(draft->op)))
        return true;
    write_cstr(out, "id");
    ++*count;
    if (given)
        return scope_encode(&run->scope, given, out);
    make_id(run, line, id, sizeof(id));
    write_cstr(out, id);
    return true;
}

static bool
write_outside(struct run *run, const struct draft *draft, struct buf *out, uint32_t *count)
{
    bool good = true;
    for (const struct literal *field = draft->fields->first; field; field = field->next) {
        if (!field->outside || slice_is(field->path, "id") || literal_is(field, "none"))
            continue;
        write_str(out, field->path);
        good = good && scope_encode(&run->scope, field, out);
        ++*count;
    }
    return good;
}

static bool
write_message(struct run *run, const struct draft *draft, const struct line *line, bool is_item,
              struct buf *out)
{
    size_t place = write_open_map(out);
    uint32_t count = 0;
    bool good = true;
    if (!is_item && !find_outside(draft->fields, "v")) {
        write_cstr(out, "v");
        write_uint(out, KITH_PROTOCOL_VERSION);
        count++;
    }
    if (!find_outside(draft->fields, "op")) {
        write_cstr(out, "op");
        write_cstr(out, draft->op);
        count++;
    }
    good = write_id(run, draft, line, out, &count);
    if (!find_outside(draft->fields, "args")) {
        write_cstr(out, "args");
        good = write_args(run, draft, out) && good;
        count++;
    }
    good = write_outside(run, draft, out, &count) && good;
    write_close_map(out, place, count);
    return good;
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool
is_op(struct slice word)
{
    return word.size > 0 && memchr(word.data, '.', word.size) != NULL;
}

bool
message_of_line(struct run *run, const struct line *line, bool is_item, struct buf *out)
{
    const struct literal *first = line->words->first;
    struct draft draft = {.fields = line->fields};
    struct slice word = first ? scope_text(&run->scope, first) : (struct slice){0};
    if (!word.data)
        return run_fail(run, line->number, "a request begins with who acts, or an operation");
    if (is_op(word) && line->words->count == 1) {
        draft.op = pool_text(&run->pool, word);
        return write_message(run, &draft, line, is_item, out) ||
               run_fail(run, line->number, "a value that cannot be sent");
    }
    const struct literal *verb = first->next;
    draft.actor = word;
    draft.verb = verb ? verb_find(verb->text) : NULL;
    draft.object = verb ? verb->next : NULL;
    if (!draft.verb)
        return run_fail(run, line->number, "no such verb, keyword or error");
    if (draft.object && (!draft.verb->object || draft.object->next))
        return run_fail(run, line->number, "more words than this verb takes");
    draft.op = draft.verb->op;
    return write_message(run, &draft, line, is_item, out) ||
           run_fail(run, line->number, "a value that cannot be sent");
}

void
message_of_verb(struct run *run, const char *verb, struct slice actor, const char *object,
                struct buf *out)
{
    const struct literal fields = {.kind = LITERAL_MAP};
    struct literal about = {.kind = LITERAL_TEXT, .times = 1};
    struct draft draft = {.actor = actor, .verb = verb_find(slice_str(verb)), .fields = &fields};
    assert(draft.verb != NULL);
    draft.op = draft.verb->op;
    if (object && draft.verb->object) {
        about.text = slice_str(object);
        draft.object = &about;
    }
    bool good = write_message(run, &draft, NULL, false, out);
    assert(good);
}
