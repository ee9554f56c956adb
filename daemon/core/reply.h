/* core/reply.h: answers, encoded.
 *
 * Layer: core. Thread: one at a time. Blocking: no.
 */
#ifndef KITH_CORE_REPLY_H
#define KITH_CORE_REPLY_H

#include "core/entries.h"
#include "proto/error.h"

/* What every answer says. */
struct reply_head {
    bool in_batch;   /* an item of a batch, which has no version */
    struct slice id; /* absent: nil */
    seq_t pos;
    msec_t at_ms;
    bool dup;
};

/* An answer to a command or query, its id not counted, never takes more than this without its
 * result or details; and in a batch each item is kept this much room for whatever becomes of it.
 * 4096 items with a UUID each still fit one message. */
#define REPLY_ITEM_SIZE_MAX 212

/* @result is an encoded map without its header of @result_count entries; @secrets may hold more
 * entries, which are told but not kept. */
void reply_ok(struct buf *out, const struct reply_head *head, const struct entries *result,
              const struct entries *secrets);
/* A result that is nil. */
void reply_nil(struct buf *out, const struct reply_head *head);

/* @text: NULL: the code's own. @detail may be NULL. If the answer would take more than @room bytes
 * the text is left out. */
void reply_error(struct buf *out, const struct reply_head *head, enum kith_err err,
                 const char *text, const struct entries *detail, size_t room);

#endif
