/* core/args.h: the arguments of one operation, checked against the schema.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_ARGS_H
#define KITH_CORE_ARGS_H

#include "base/types.h"
#include "codec/reader.h"
#include "proto/error.h"
#include "proto/schema.h"

struct args {
    uint64_t given; /* bit n: argument n came */
    union arg_value {
        struct slice text; /* MEMBER, STR, CHOICE */
        uint64_t number;
        bool truth;
        struct slice raw; /* MEMBERS, STRS, PAIRS, CONTACTS: the encoded array */
        struct contact_arg {
            struct slice kind, value;
        } contact;
        struct {
            struct slice accept, auto_word; /* absent: not given */
            bool has_auto_count;
            uint64_t auto_count;
        } policy;
        struct {
            bool profile_not_viewed, shares_interests;
        } hints;
    } value[KITH_ARG_COUNT]; /* only those given are set */
};

/* What is wrong, for the reply. */
struct args_fault {
    struct slice field; /* the argument's name, as the caller or the schema has it */
    char text[192];     /* a sentence with the fix; "" where the code says it all */
};

/* Check and take apart @raw, the encoded `args` map of a checked message (absent: no arguments).
 * Everything in @out is borrowed from the message.
 * KITH_OK; KITH_BAD_ARGUMENT, or the error of an argument that is never taken, with @fault set. */
enum kith_err args_decode(struct slice raw, enum kith_op op, struct args *out,
                          struct args_fault *fault);

static inline bool
args_has(const struct args *args, enum kith_arg arg)
{
    return args->given >> arg & 1;
}

/* Read one contact of a checked array of them. */
struct contact_arg args_next_contact(struct reader *reader);

/* The text of an argument; absent where it was not given. */
static inline struct slice
args_text(const struct args *args, enum kith_arg arg)
{
    return args_has(args, arg) ? args->value[arg].text : (struct slice){0};
}

static inline uint64_t
args_uint(const struct args *args, enum kith_arg arg, uint64_t otherwise)
{
    return args_has(args, arg) ? args->value[arg].number : otherwise;
}

#endif
