/* fuzz/choose.h: bytes as choices: messages that are mostly right.
 *
 * The bytes are used up from the front; behind their end every choice is the first. Which arguments
 * an operation takes, and of what type, comes from proto/schema.h, so that a new operation is part
 * of it.
 */
#ifndef KITH_TESTS_FUZZ_CHOOSE_H
#define KITH_TESTS_FUZZ_CHOOSE_H

#include "base/buf.h"
#include "proto/schema.h"

#define CHOOSE_WORD_COUNT 16 /* strings of earlier replies that are remembered */

struct choose {
    struct slice left;
    unsigned number; /* of the message, for its id */
    unsigned word_count;
    char words[CHOOSE_WORD_COUNT][KITH_TOKEN_SIZE_MAX + 1];
};

struct choice {
    enum kith_op op;
    char id[KITH_ID_SIZE_MAX + 1];
};

void choose_init(struct choose *choose, const uint8_t *data, size_t size); /* @data is borrowed */
bool choose_more(const struct choose *choose);

/* How far time goes on before the next message, ms: mostly not at all, at times beyond a limit. */
int64_t choose_time(struct choose *choose);

void choose_message(struct choose *choose, struct buf *out, struct choice *choice);

/* Remember the strings of a result, to be handed back as ids, tokens and places in a list. */
void choose_learn(struct choose *choose, struct slice result);

/* The messages that make the state that all begin with, and those that look at it. False behind
 * the last one. */
bool choose_begin(unsigned number, struct buf *out);
bool choose_look(unsigned number, struct buf *out);

#endif
