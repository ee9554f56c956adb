/* tally.h: refusals by code, each with the first example, for a summary.
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include "base/buf.h"
#include "kith.h"

#define TALLY_CODES_MAX 16 /* further codes are counted as "other" */
#define TALLY_TEXT_SIZE 192

struct tally {
    struct tally_row {
        char code[32];
        uint64_t count;
        char example[TALLY_TEXT_SIZE]; /* what was refused, and how it was put */
    } rows[TALLY_CODES_MAX];
    size_t row_count;
    uint64_t total;
};

/* Count the refusal in @reply of what @subject names. */
void tally_add(struct tally *tally, const struct kith_reply *reply, const char *subject);

/* Add what @from has counted. */
void tally_merge(struct tally *to, const struct tally *from);

/* Append as a JSON array of {code, count, example}. */
void tally_put_json(struct buf *out, const struct tally *tally);

/* Append as lines for people; nothing where nothing was refused. */
void tally_put_people(struct buf *out, const struct tally *tally);

#endif
