/* op_value.c: one typed value from its text: a function for each type of the schema. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/writer.h"
#include "json_read.h"
#include "op_args.h"
#include "when.h"

/* One value on its way from a word to the message. */
struct value {
    struct kith_args *args;
    const struct kith_arg_row *row;
    const char *text;
    struct fault *fault;
};

typedef bool put_fn(const struct value *value);

static bool
put_json(const struct value *value)
{
    struct buf msgpack = {0};
    size_t offset = 0;
    const char *wrong = json_read(value->text, &msgpack, &offset);
    if (wrong)
        fault_set(value->fault, "not JSON: %s (at character %zu)", wrong, offset + 1);
    else
        kith_put_msgpack(value->args, value->row->name, msgpack.data, msgpack.size);
    buf_fini(&msgpack);
    return !wrong;
}

static bool
put_text(const struct value *value)
{
    const struct kith_arg_row *row = value->row;
    size_t size = strlen(value->text);
    if (row->max > 0 && (size < row->min || size > row->max)) {
        fault_set(value->fault, "takes %llu to %llu bytes, not %zu", (unsigned long long)row->min,
                  (unsigned long long)row->max, size);
        return false;
    }
    kith_put_str(value->args, row->name, value->text);
    return true;
}

static bool
ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Numbers that the protocol names as times may be typed as times. */
static bool
parse_number(const struct value *value, uint64_t *number)
{
    const char *name = value->row->name;
    if (value->text[0] >= '0' && value->text[0] <= '9') {
        char *end = NULL;
        errno = 0;
        *number = strtoull(value->text, &end, 10);
        if (!*end && !errno)
            return true;
    }
    if (strcmp(name, "ms") == 0 || ends_in(name, "_ms"))
        return when_parse_duration(value->text, 1, number);
    if (strcmp(name, "since") == 0 || strcmp(name, "until") == 0) {
        msec_t ms = -1;
        if (!when_parse(value->text, cli_now_ms(), name[0] == 'u', &ms) || ms < 0)
            return false;
        *number = (uint64_t)ms;
        return true;
    }
    return false;
}

static bool
put_uint(const struct value *value)
{
    uint64_t number = 0;
    const struct kith_arg_row *row = value->row;
    if (!parse_number(value, &number)) {
        fault_set(value->fault, "takes a number, not '%.64s'", value->text);
        return false;
    }
    if (number < row->min || number > row->max) {
        fault_set(value->fault, "takes a number from %llu to %llu", (unsigned long long)row->min,
                  (unsigned long long)row->max);
        return false;
    }
    kith_put_int(value->args, row->name, (int64_t)number);
    return true;
}

static bool
put_bool(const struct value *value)
{
    static const struct {
        const char *word;
        bool meaning;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (strcmp(words[i].word, value->text) == 0) {
            kith_put_bool(value->args, value->row->name, words[i].meaning);
            return true;
        }
    fault_set(value->fault, "takes true or false, not '%.64s'", value->text);
    return false;
}

static bool
put_choice(const struct value *value)
{
    const char *at = value->row->choices;
    size_t size = strlen(value->text);
    while (at && *at) {
        size_t word = strcspn(at, " ");
        if (word == size && strncmp(at, value->text, size) == 0) {
            kith_put_str(value->args, value->row->name, value->text);
            return true;
        }
        at += word + strspn(at + word, " ");
    }
    fault_set(value->fault, "takes one of: %s; not '%.64s'", value->row->choices, value->text);
    return false;
}

static uint32_t
write_split(struct buf *out, const char *text, size_t size, char separator)
{
    uint32_t count = 0;
    const char *end = text + size;
    for (;;) {
        const char *comma = memchr(text, separator, (size_t)(end - text));
        const char *stop = comma ? comma : end;
        write_str(out, slice_of(text, (size_t)(stop - text)));
        count++;
        if (!comma)
            return count;
        text = comma + 1;
    }
}

static void
put_written(const struct value *value, struct buf *msgpack)
{
    if (!msgpack->failed)
        kith_put_msgpack(value->args, value->row->name, msgpack->data, msgpack->size);
    buf_fini(msgpack);
}

/* a,b,c */
static bool
put_list(const struct value *value)
{
    if (value->text[0] == '[')
        return put_json(value);
    struct buf msgpack = {0};
    size_t place = write_open_array(&msgpack);
    uint32_t count = write_split(&msgpack, value->text, strlen(value->text), ',');
    write_close_array(&msgpack, place, count);
    put_written(value, &msgpack);
    return true;
}

/* 1,2,3 */
static bool
put_uints(const struct value *value)
{
    char text[16 * 1024];
    if (value->text[0] == '[')
        return put_json(value);
    struct value wrapped = *value;
    wrapped.text = text;
    if (snprintf(text, sizeof(text), "[%s]", value->text) < (int)sizeof(text))
        return put_json(&wrapped);
    fault_set(value->fault, "is too long");
    return false;
}

/* a:b,c:d */
static bool
put_pairs(const struct value *value)
{
    if (value->text[0] == '[')
        return put_json(value);
    struct buf msgpack = {0};
    size_t place = write_open_array(&msgpack);
    uint32_t count = 0;
    bool good = true;
    for (const char *at = value->text; good && at;) {
        size_t size = strcspn(at, ",");
        write_array(&msgpack, 2);
        good = write_split(&msgpack, at, size, ':') == 2;
        count++;
        at = at[size] ? at + size + 1 : NULL;
    }
    write_close_array(&msgpack, place, count);
    if (!good) {
        buf_fini(&msgpack);
        fault_set(value->fault, "takes pairs as a:b,c:d or as JSON [[\"a\",\"b\"], ...]");
        return false;
    }
    put_written(value, &msgpack);
    return true;
}

/* KIND:VALUE; the kind may be left out where it is plain. */
static bool
put_contact(const struct value *value)
{
    static const char *const kinds[] = {"email", "phone", "opaque"};
    const char *text = value->text;
    if (text[0] == '{')
        return put_json(value);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        size_t size = strlen(kinds[i]);
        if (strncmp(text, kinds[i], size) == 0 && text[size] == ':') {
            kith_put_contact(value->args, value->row->name, kinds[i], text + size + 1);
            return true;
        }
    }
    const char *kind = strchr(text, '@')                                    ? "email"
                       : text[0] == '+' && text[1] >= '0' && text[1] <= '9' ? "phone"
                                                                            : NULL;
    if (!kind) {
        fault_set(value->fault, "takes email:ADDRESS, phone:NUMBER or opaque:VALUE");
        return false;
    }
    kith_put_contact(value->args, value->row->name, kind, text);
    return true;
}

/* A type without a row here is typed as JSON. What an operation forbids is sent as it is, because
 * the daemon's own answer says why. */
static put_fn *const put_by_type[] = {
    [KITH_TYPE_MEMBER] = put_text,    [KITH_TYPE_STR] = put_text,
    [KITH_TYPE_UINT] = put_uint,      [KITH_TYPE_BOOL] = put_bool,
    [KITH_TYPE_CHOICE] = put_choice,  [KITH_TYPE_MEMBERS] = put_list,
    [KITH_TYPE_UINTS] = put_uints,    [KITH_TYPE_STRS] = put_list,
    [KITH_TYPE_PAIRS] = put_pairs,    [KITH_TYPE_CONTACT] = put_contact,
    [KITH_TYPE_FORBIDDEN] = put_text,
};

bool
op_args_put_value(struct kith_args *args, enum kith_arg arg, const char *text, struct fault *fault)
{
    assert(arg < KITH_ARG_COUNT);
    const struct kith_arg_row *row = &kith_args[arg];
    struct value value = {.args = args, .row = row, .text = text, .fault = fault};
    put_fn *put = (size_t)row->type < ARRAY_COUNT(put_by_type) ? put_by_type[row->type] : NULL;
    return (put ? put : put_json)(&value);
}
