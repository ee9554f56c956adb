/* op_args.h: the words of a command line as typed arguments, by the schema.
 *
 * `name=value` says which argument is meant; a bare word fills the next one: those that are
 * required first, then the others, each in the schema's order. Where an operation takes one member
 * or several
 * (`other`, `others`), several bare words are the several.
 */
#ifndef CLI_OP_ARGS_H
#define CLI_OP_ARGS_H

#include "base/fault.h"
#include "cli.h"
#include "proto/schema.h"

/* Put @words (borrowed) into @args as arguments of @op. On the next page of a list the
 * words that say where to start are checked but left out; the caller has put `after` himself.
 * False after telling what is wrong. */
bool op_args_put(const struct cli *cli, enum kith_op op, char *const *words, size_t count,
                 bool next_page, struct kith_args *args);

/* Put one value typed by @arg. False with @fault saying what it takes. */
bool op_args_put_value(struct kith_args *args, enum kith_arg arg, const char *text,
                       struct fault *fault);

#endif
