#include "core/entries.h"

void
entries_fini(struct entries *entries)
{
    buf_fini(&entries->buf);
    entries->count = 0;
}

void
entries_clear(struct entries *entries)
{
    buf_clear(&entries->buf);
    entries->count = 0;
}

void
entries_id(struct entries *entries, const char *name, const struct public_id *id)
{
    char text[PUBLIC_ID_TEXT_SIZE];
    public_id_text(id, text);
    entries_str(entries, name, slice_of(text, sizeof(text)));
}

struct entries_inner
entries_open_item(struct entries *entries)
{
    struct entries_inner inner = {.outer_count = entries->count};
    inner.place = write_open_map(&entries->buf);
    entries->count = 0;
    return inner;
}

struct entries_inner
entries_open(struct entries *entries, const char *name)
{
    entries_key(entries, name);
    return entries_open_item(entries);
}

void
entries_close(struct entries *entries, struct entries_inner inner)
{
    write_close_map(&entries->buf, inner.place, entries->count);
    entries->count = inner.outer_count;
}

void
entries_write(struct buf *out, const struct entries *entries)
{
    if (entries->buf.failed)
        out->failed = true;
    write_map(out, entries->count);
    write_raw(out, buf_slice(&entries->buf));
}
