#include "core/reply.h"

#include "codec/writer.h"
#include "proto/limits.h"

/* What is the same in every reply, encoded once: keys, and what stands between two values. */
static const uint8_t version_and_id[] = {0xa1, 'v', KITH_PROTOCOL_VERSION, 0xa2, 'i', 'd'};
static const uint8_t only_id[] = {0xa2, 'i', 'd'};
static const uint8_t ok_and_pos[] = {0xa2, 'o', 'k', 0xc3, 0xa3, 'p', 'o', 's'};
static const uint8_t not_ok_and_pos[] = {0xa2, 'o', 'k', 0xc2, 0xa3, 'p', 'o', 's'};
static const uint8_t at_key[] = {0xa2, 'a', 't'};

_Static_assert(KITH_PROTOCOL_VERSION < 0x80, "it is encoded in one byte");

/* Up to and with the key of the last value, which the caller writes. */
static void
write_head(struct buf *out, const struct reply_head *head, bool ok)
{
    write_map(out, 5 + !head->in_batch + head->dup);
    if (head->in_batch)
        write_raw(out, slice_of(only_id, sizeof(only_id)));
    else
        write_raw(out, slice_of(version_and_id, sizeof(version_and_id)));
    if (head->id.data)
        write_str(out, head->id);
    else
        write_nil(out);
    if (ok)
        write_raw(out, slice_of(ok_and_pos, sizeof(ok_and_pos)));
    else
        write_raw(out, slice_of(not_ok_and_pos, sizeof(not_ok_and_pos)));
    write_uint(out, head->pos);
    write_raw(out, slice_of(at_key, sizeof(at_key)));
    write_int(out, head->at_ms);
    if (head->dup) {
        write_cstr(out, "dup");
        write_bool(out, true);
    }
    write_cstr(out, ok ? "result" : "error");
}

void
reply_ok(struct buf *out, const struct reply_head *head, const struct entries *result,
         const struct entries *secrets)
{
    write_head(out, head, true);
    if (result->buf.failed || (secrets && secrets->buf.failed))
        out->failed = true;
    write_map(out, result->count + (secrets ? secrets->count : 0));
    write_raw(out, buf_slice(&result->buf));
    if (secrets)
        write_raw(out, buf_slice(&secrets->buf));
}

void
reply_nil(struct buf *out, const struct reply_head *head)
{
    write_head(out, head, true);
    write_nil(out);
}

static void
write_error(struct buf *out, const struct reply_head *head, enum kith_err err, const char *text,
            const struct entries *detail)
{
    write_head(out, head, false);
    write_map(out, 3 + (text != NULL) + (detail ? detail->count : 0));
    write_cstr(out, "code");
    write_cstr(out, kith_err_code(err));
    write_cstr(out, "class");
    write_cstr(out, kith_err_class(err));
    write_cstr(out, "retry");
    write_cstr(out, kith_err_retry(err));
    if (text) {
        write_cstr(out, "text");
        write_cstr(out, text);
    }
    if (detail && detail->buf.failed)
        out->failed = true;
    if (detail)
        write_raw(out, buf_slice(&detail->buf));
}

void
reply_error(struct buf *out, const struct reply_head *head, enum kith_err err, const char *text,
            const struct entries *detail, size_t room)
{
    size_t start = out->size;
    write_error(out, head, err, text && text[0] ? text : kith_err_text(err), detail);
    if (out->failed || out->size - start <= room)
        return;
    out->size = start;
    write_error(out, head, err, NULL, detail);
}
