#include "value.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "proto/limits.h"

struct kith_value {
    uint8_t kind;     /* enum kith_kind */
    bool is_negative; /* of an INT: `number` is an int64_t */
    uint32_t size;    /* bytes of a STR or BIN, elements of an ARRAY, pairs of a MAP */
    union {
        uint64_t number; /* of an INT, or a BOOL */
        double real;
        char *text;
        struct kith_value *child; /* of a MAP: name, value, name, value, ... */
    };
};

/* ---- Decoding --------------------------------------------------------------------------------*/

struct decoder {
    struct reader reader;
    uint8_t *bytes; /* what the reader reads, writable */
    size_t size;
    struct kith_value *free, *end; /* nodes not yet used */
    char *spare;                   /* room for the one string that ends where the bytes end */
};

/* How many values there are, 0 if they are not whole; and the size of the last one. */
static size_t
count_nodes(struct slice bytes, size_t *last_size)
{
    struct reader reader;
    reader_init(&reader, bytes);
    size_t count = 0;
    *last_size = 0;
    for (enum reader_type type; (type = reader_peek(&reader)) != READER_NONE; count++) {
        if (type == READER_ARRAY)
            reader_array(&reader);
        else if (type == READER_MAP)
            reader_map(&reader);
        else
            *last_size = reader_skip(&reader).size;
    }
    return reader.bad ? 0 : count;
}

static void
decode_text(struct decoder *decoder, struct slice text, struct kith_value *out)
{
    out->size = (uint32_t)text.size;
    out->text = decoder->spare;
    if (!text.data)
        return;
    size_t offset = (size_t)(text.data - decoder->bytes);
    assert(offset + text.size <= decoder->size);
    if (offset + text.size < decoder->size)
        out->text = (char *)decoder->bytes + offset;
    else /* No byte behind it can be made zero: there may be no memory. */
        memcpy(decoder->spare, text.data, text.size);
}

static void decode_value(struct decoder *decoder, struct kith_value *out);

static void
decode_children(struct decoder *decoder, uint32_t count, unsigned nodes_each,
                struct kith_value *out)
{
    if ((size_t)(decoder->end - decoder->free) < (size_t)count * nodes_each) {
        decoder->reader.bad = true; /* Fewer values were counted: the bytes end early. */
        return;
    }
    out->size = count;
    out->child = decoder->free;
    decoder->free += (size_t)count * nodes_each;
    for (uint32_t i = 0; i < count * nodes_each; i++)
        decode_value(decoder, &out->child[i]);
}

static void
decode_number(struct decoder *decoder, enum reader_type type, struct kith_value *out)
{
    out->is_negative = type == READER_INT;
    if (out->is_negative)
        out->number = (uint64_t)reader_int(&decoder->reader);
    else
        out->number = reader_uint(&decoder->reader);
}

/* Recursion ends: check_message() has bounded the depth. */
static void
decode_value(struct decoder *decoder, struct kith_value *out)
{
    static const uint8_t kinds[] = {
        [READER_NONE] = KITH_KIND_NIL,    [READER_NIL] = KITH_KIND_NIL,
        [READER_BOOL] = KITH_KIND_BOOL,   [READER_UINT] = KITH_KIND_INT,
        [READER_INT] = KITH_KIND_INT,     [READER_FLOAT] = KITH_KIND_FLOAT,
        [READER_STR] = KITH_KIND_STR,     [READER_BIN] = KITH_KIND_BIN,
        [READER_ARRAY] = KITH_KIND_ARRAY, [READER_MAP] = KITH_KIND_MAP,
        [READER_OTHER] = KITH_KIND_NIL,
    };
    struct reader *reader = &decoder->reader;
    enum reader_type type = reader_peek(reader);
    *out = (struct kith_value){.kind = kinds[type]};

    switch (type) {
    case READER_NONE:
        break;
    case READER_NIL:
    case READER_OTHER:
        reader_skip(reader);
        break;
    case READER_BOOL:
        out->number = reader_bool(reader);
        break;
    case READER_UINT:
    case READER_INT:
        decode_number(decoder, type, out);
        break;
    case READER_FLOAT:
        out->real = reader_float(reader);
        break;
    case READER_STR:
    case READER_BIN:
        decode_text(decoder, reader_bin(reader), out);
        break;
    case READER_ARRAY:
        decode_children(decoder, reader_array(reader), 1, out);
        break;
    case READER_MAP:
        decode_children(decoder, reader_map(reader), 2, out);
        break;
    }
}

/* When all is decoded, the bytes behind the strings are nobody's any more. */
static void
terminate_texts(struct kith_value *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i].kind == KITH_KIND_STR || nodes[i].kind == KITH_KIND_BIN)
            nodes[i].text[nodes[i].size] = '\0';
}

static bool
reserve(struct value_tree *tree, size_t size)
{
    if (tree->capacity >= size)
        return true;
    free(tree->block);
    tree->block = malloc(size);
    tree->capacity = tree->block ? size : 0;
    return tree->block;
}

const struct kith_value *
value_decode(struct value_tree *tree, uint8_t *bytes, size_t size)
{
    assert(size <= UINT32_MAX);
    size_t last_size;
    size_t count = count_nodes(slice_of(bytes, size), &last_size);
    if (count == 0 || !reserve(tree, count * sizeof(struct kith_value) + last_size + 1))
        return NULL;

    struct kith_value *nodes = tree->block;
    struct decoder decoder = {
        .bytes = bytes,
        .size = size,
        .free = nodes + 1,
        .end = nodes + count,
        .spare = (char *)(nodes + count),
    };
    reader_init(&decoder.reader, slice_of(bytes, size));
    decode_value(&decoder, &nodes[0]);
    if (decoder.reader.bad || decoder.free != decoder.end)
        return NULL;
    terminate_texts(nodes, count);
    return &nodes[0];
}

void
value_tree_fini(struct value_tree *tree)
{
    free(tree->block);
    *tree = (struct value_tree){0};
}

/* ---- Looking ---------------------------------------------------------------------------------*/

static bool
is_kind(const struct kith_value *value, enum kith_kind kind)
{
    return value && value->kind == kind;
}

static bool
is_text(const struct kith_value *value)
{
    return is_kind(value, KITH_KIND_STR) || is_kind(value, KITH_KIND_BIN);
}

enum kith_kind
kith_value_kind(const struct kith_value *value)
{
    return value ? (enum kith_kind)value->kind : KITH_KIND_ABSENT;
}

int64_t
kith_value_int(const struct kith_value *value)
{
    if (!is_kind(value, KITH_KIND_INT))
        return 0;
    return value->is_negative || value->number <= INT64_MAX ? (int64_t)value->number : INT64_MAX;
}

uint64_t
kith_value_uint(const struct kith_value *value)
{
    return is_kind(value, KITH_KIND_INT) && !value->is_negative ? value->number : 0;
}

double
kith_value_float(const struct kith_value *value)
{
    if (is_kind(value, KITH_KIND_FLOAT))
        return value->real;
    if (!is_kind(value, KITH_KIND_INT))
        return 0;
    return value->is_negative ? (double)(int64_t)value->number : (double)value->number;
}

bool
kith_value_bool(const struct kith_value *value)
{
    return is_kind(value, KITH_KIND_BOOL) && value->number != 0;
}

const char *
kith_value_str(const struct kith_value *value)
{
    return is_text(value) ? value->text : NULL;
}

size_t
kith_value_size(const struct kith_value *value)
{
    return is_text(value) ? value->size : 0;
}

size_t
kith_value_count(const struct kith_value *value)
{
    return is_kind(value, KITH_KIND_ARRAY) || is_kind(value, KITH_KIND_MAP) ? value->size : 0;
}

const struct kith_value *
kith_value_at(const struct kith_value *array, size_t index)
{
    return is_kind(array, KITH_KIND_ARRAY) && index < array->size ? &array->child[index] : NULL;
}

const char *
kith_value_key_at(const struct kith_value *map, size_t index)
{
    return is_kind(map, KITH_KIND_MAP) && index < map->size ? map->child[2 * index].text : NULL;
}

const struct kith_value *
kith_value_entry_at(const struct kith_value *map, size_t index)
{
    return is_kind(map, KITH_KIND_MAP) && index < map->size ? &map->child[2 * index + 1] : NULL;
}

const struct kith_value *
kith_get(const struct kith_value *map, const char *name)
{
    struct slice wanted = slice_str(name);
    for (size_t i = 0; i < kith_value_count(map) && map->kind == KITH_KIND_MAP; i++) {
        const struct kith_value *key = &map->child[2 * i];
        if (slice_equal(slice_of(key->text, key->size), wanted))
            return key + 1;
    }
    return NULL;
}

const char *
kith_get_str(const struct kith_value *map, const char *name)
{
    return kith_value_str(kith_get(map, name));
}

int64_t
kith_get_int(const struct kith_value *map, const char *name)
{
    return kith_value_int(kith_get(map, name));
}

bool
kith_get_bool(const struct kith_value *map, const char *name)
{
    return kith_value_bool(kith_get(map, name));
}
