#include "tally.h"

#include <stdio.h>

#include "base/assert.h"
#include "json_write.h"
#include "text.h"

static struct tally_row *
row_for(struct tally *tally, const char *code)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (strcmp(tally->rows[i].code, code) == 0)
            return &tally->rows[i];
    bool last = tally->row_count + 1 >= TALLY_CODES_MAX;
    if (tally->row_count == TALLY_CODES_MAX)
        return &tally->rows[TALLY_CODES_MAX - 1];
    struct tally_row *row = &tally->rows[tally->row_count++];
    snprintf(row->code, sizeof(row->code), "%s", last ? "other" : code);
    return row;
}

void
tally_add(struct tally *tally, const struct kith_reply *reply, const char *subject)
{
    const char *code = kith_reply_code(reply);
    const char *text = kith_get_str(kith_reply_error(reply), "text");
    struct tally_row *row = row_for(tally, code ? code : "none");
    assert(tally->row_count <= TALLY_CODES_MAX);
    if (row->count == 0)
        snprintf(row->example, sizeof(row->example), "%s: %s", subject, text ? text : "");
    row->count++;
    tally->total++;
}

void
tally_merge(struct tally *to, const struct tally *from)
{
    for (size_t i = 0; i < from->row_count; i++) {
        struct tally_row *row = row_for(to, from->rows[i].code);
        if (row->count == 0)
            memcpy(row->example, from->rows[i].example, sizeof(row->example));
        row->count += from->rows[i].count;
    }
    to->total += from->total;
}

void
tally_put_json(struct buf *out, const struct tally *tally)
{
    text_put_own(out, "[");
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct tally_row *row = &tally->rows[i];
        text_put_own(out, i > 0 ? "," : "");
        json_open(out);
        json_member_str(out, "code", row->code);
        json_member_int(out, "count", (int64_t)row->count);
        json_member_str(out, "example", row->example);
        json_close(out);
    }
    text_put_own(out, "]");
}

void
tally_put_people(struct buf *out, const struct tally *tally)
{
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct tally_row *row = &tally->rows[i];
        text_printf(out, "  %llu %s, such as ", (unsigned long long)row->count, row->code);
        text_put(out, row->example, strlen(row->example));
        text_put_own(out, "\n");
    }
}
