#include "proto/schema.h"

#include <string.h>

const struct kith_arg_row kith_args[KITH_ARG_COUNT] = {
#define X(id, name, type, min, max, choices, help) \
    [KITH_ARG_##id] = {name, sizeof(name) - 1, KITH_TYPE_##type, min, max, choices, help},
    KITH_ARG_LIST(X)
#undef X
};

#define A(id) (UINT64_C(1) << KITH_ARG_##id)
const struct kith_op_row kith_ops[KITH_OP_COUNT] = {
#define X(id, name, kind, required, optional, help) \
    [KITH_OP_##id] = {name, sizeof(name) - 1, KITH_KIND_##kind, required, optional, help},
    KITH_OP_LIST(X)
#undef X
};
#undef A

/* The last eight bytes, in which names of one size mostly differ; 0 where there are fewer. */
static inline uint64_t
tail_of(const char *name, size_t size)
{
    uint64_t tail = 0;
    if (size >= sizeof(tail))
        memcpy(&tail, name + size - sizeof(tail), sizeof(tail));
    return tail;
}

enum kith_op
kith_op_find(const char *name, size_t size)
{
    uint64_t tail = tail_of(name, size);
    for (int op = 0; op < KITH_OP_COUNT; op++) {
        const struct kith_op_row *row = &kith_ops[op];
        if (row->name_size == size && tail_of(row->name, size) == tail &&
            memcmp(row->name, name, size) == 0)
            return (enum kith_op)op;
    }
    return KITH_OP_COUNT;
}

enum kith_arg
kith_arg_find(enum kith_op op, const char *name, size_t size)
{
    uint64_t taken = kith_ops[op].required | kith_ops[op].optional;
    for (; taken; taken &= taken - 1) {
        int arg = __builtin_ctzll(taken);
        if (kith_args[arg].name_size == size && memcmp(kith_args[arg].name, name, size) == 0)
            return (enum kith_arg)arg;
    }
    return KITH_ARG_COUNT;
}
