/* op_find.h: which operation somebody means.
 *
 * `connection.request`, `connection request`, or `request` where only one operation ends so.
 */
#ifndef CLI_OP_FIND_H
#define CLI_OP_FIND_H

#include "cli.h"
#include "proto/schema.h"

/* Look at @words (borrowed, at least one). Returns how many of them name the operation, 1 or 2,
 * with *@op set; 0 where none is meant clearly. */
size_t op_find(char *const *words, size_t count, enum kith_op *op);

/* Tell that @word names nothing: the nearest, or all that it may stand for. */
enum cli_exit op_fail_unknown(const struct cli *cli, const char *word);

/* What stands behind the last dot of an operation's name. */
const char *op_last_word(enum kith_op op);

/* True where no other operation ends in the same word, and no verb is called so. */
bool op_is_short(enum kith_op op);

/* Append "connection.request FROM TO [note=…]" to @out. */
void op_put_usage(struct buf *out, enum kith_op op);

/* True where @op takes (needs, with @required_only) @arg. */
bool op_takes(enum kith_op op, enum kith_arg arg, bool required_only);

#endif
