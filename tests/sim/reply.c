#include "sim/reply.h"

#include <inttypes.h>

#include "codec/reader.h"
#include "tests/map.h"

bool
reply_read(struct slice message, struct reply *out)
{
    struct reader reader;
    bool has_body = false;
    *out = (struct reply){0};
    reader_init(&reader, message);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct slice key = reader_str(&reader);
        if (slice_is(key, "id") && reader_peek(&reader) == READER_STR)
            out->id = reader_str(&reader);
        else if (slice_is(key, "ok"))
            out->ok = reader_bool(&reader);
        else if (slice_is(key, "dup"))
            out->dup = reader_bool(&reader);
        else if (slice_is(key, "pos"))
            out->pos = reader_uint(&reader);
        else if (slice_is(key, "at"))
            out->at_ms = reader_int(&reader);
        else if (slice_is(key, "result") || slice_is(key, "error")) {
            out->body = reader_skip(&reader);
            has_body = slice_is(key, out->ok ? "result" : "error");
        } else
            reader_skip(&reader);
    }
    return !reader.bad && has_body && reader.at == reader.end;
}

bool
reply_find(struct slice map, const char *path, struct slice *value)
{
    struct slice here = map;
    while (*path) {
        size_t size = strcspn(path, ".");
        here = map_get(here, slice_of(path, size));
        if (!here.data)
            return false;
        path += size + (path[size] == '.');
    }
    *value = here;
    return true;
}

struct slice
reply_str(struct slice map, const char *path)
{
    struct reader reader;
    struct slice value;
    if (!reply_find(map, path, &value))
        return (struct slice){0};
    reader_init(&reader, value);
    return reader_str(&reader);
}

int64_t
reply_num(struct slice map, const char *path)
{
    struct reader reader;
    struct slice value;
    if (!reply_find(map, path, &value))
        return 0;
    reader_init(&reader, value);
    return reader_int(&reader);
}

/* --- for people ------------------------------------------------------------------------------ */

static void
print_bytes(FILE *out, struct slice text)
{
    static const size_t shown_max = 48;
    fputc('\'', out);
    for (size_t i = 0; i < text.size && i < shown_max; i++)
        fputc(text.data[i] < ' ' ? '?' : text.data[i], out);
    fputs(text.size > shown_max ? "…'" : "'", out);
}

static void
print_one(FILE *out, struct reader *reader)
{
    uint32_t count;
    switch (reader_peek(reader)) {
    case READER_NIL:
        reader_nil(reader);
        fputs("nil", out);
        return;
    case READER_BOOL:
        fputs(reader_bool(reader) ? "true" : "false", out);
        return;
    case READER_UINT:
    case READER_INT:
        fprintf(out, "%" PRId64, reader_int(reader));
        return;
    case READER_FLOAT:
        fprintf(out, "%g", reader_float(reader));
        return;
    case READER_STR:
    case READER_BIN:
        print_bytes(out, reader_bin(reader));
        return;
    case READER_ARRAY:
        count = reader_array(reader);
        fputc('[', out);
        for (uint32_t i = 0; i < count && !reader->bad; i++) {
            fputs(i ? ", " : "", out);
            print_one(out, reader);
        }
        fputc(']', out);
        return;
    case READER_MAP:
        count = reader_map(reader);
        fputc('{', out);
        for (uint32_t i = 0; i < count && !reader->bad; i++) {
            struct slice key = reader_bin(reader);
            fprintf(out, "%s%.*s: ", i ? ", " : "", (int)key.size, (const char *)key.data);
            print_one(out, reader);
        }
        fputc('}', out);
        return;
    case READER_NONE:
    case READER_OTHER:
        break;
    }
    reader->bad = true;
    fputs("<rubbish>", out);
}

void
reply_print(FILE *out, struct slice value)
{
    struct reader reader;
    reader_init(&reader, value);
    print_one(out, &reader);
}
