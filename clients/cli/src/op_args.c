#include "op_args.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/nearest.h"
#include "fail.h"
#include "op_find.h"
#include "text.h"

#define NAME_SIZE_MAX 64

struct filling {
    const struct cli *cli;
    enum kith_op op;
    bool next_page;
    struct kith_args *args;
    bool given[KITH_ARG_COUNT];
};

static bool
fail_with_usage(const struct filling *filling, const char *what)
{
    struct buf usage = {0};
    op_put_usage(&usage, filling->op);
    buf_append(&usage, "", 1);
    fail_usage(filling->cli, "%s\n%s", what, usage.failed ? "" : (const char *)usage.data);
    buf_fini(&usage);
    return false;
}

static bool
fail_unknown(const struct filling *filling, const char *name)
{
    const char *names[KITH_ARG_COUNT];
    size_t count = 0;
    for (int i = 0; i < KITH_ARG_COUNT; i++)
        if (op_takes(filling->op, (enum kith_arg)i, false))
            names[count++] = kith_args[i].name;
    const char *near = nearest_of(name, names, count);
    char what[256];
    snprintf(what, sizeof(what), "%s takes no '%.64s'%s%s%s", kith_ops[filling->op].name, name,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return fail_with_usage(filling, what);
}

static bool
says_start(const char *name)
{
    static const char *const names[] = {"after", "since", "end"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool
put(struct filling *filling, enum kith_arg arg, const char *text)
{
    const char *name = kith_args[arg].name;
    char what[FAULT_SIZE_MAX + 128];
    if (filling->given[arg]) {
        snprintf(what, sizeof(what), "%s: '%s' is given twice", kith_ops[filling->op].name, name);
        return fail_with_usage(filling, what);
    }
    filling->given[arg] = true;
    if (filling->next_page && says_start(name))
        return true;
    struct fault fault = {0};
    if (op_args_put_value(filling->args, arg, text, &fault))
        return true;
    fail_usage(filling->cli, "%s: %s %s", kith_ops[filling->op].name, name, fault.text);
    return false;
}

/* The size of the name in `name=value`, or 0 where the word is a bare value: what stands before the
 * sign must look like a name. */
static size_t
name_size(const char *word)
{
    size_t size = strspn(word, "abcdefghijklmnopqrstuvwxyz_");
    return word[size] == '=' && size < NAME_SIZE_MAX ? size : 0;
}

static bool
put_named(struct filling *filling, const char *word, size_t size)
{
    enum kith_arg arg = kith_arg_find(filling->op, word, size);
    if (arg != KITH_ARG_COUNT)
        return put(filling, arg, word + size + 1);
    char name[NAME_SIZE_MAX];
    memcpy(name, word, size);
    name[size] = 0;
    return fail_unknown(filling, name);
}

/* The next argument that a bare word fills, or KITH_ARG_COUNT. */
static enum kith_arg
next_open(const struct filling *filling)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < KITH_ARG_COUNT; i++)
            if (!filling->given[i] && op_takes(filling->op, (enum kith_arg)i, pass == 0) &&
                kith_args[i].type != KITH_TYPE_FORBIDDEN)
                return (enum kith_arg)i;
    return KITH_ARG_COUNT;
}

/* `others` for `other`, `members` for `member`, where the operation takes both. */
static enum kith_arg
plural_of(const struct filling *filling, enum kith_arg arg)
{
    char name[NAME_SIZE_MAX];
    if (kith_args[arg].type != KITH_TYPE_MEMBER || op_takes(filling->op, arg, true))
        return KITH_ARG_COUNT;
    snprintf(name, sizeof(name), "%ss", kith_args[arg].name);
    return kith_arg_find(filling->op, name, strlen(name));
}

static bool
put_several(struct filling *filling, enum kith_arg arg, char *const *words, size_t count)
{
    const char *values[KITH_OTHERS_COUNT_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (name_size(words[i]))
            continue;
        if (used == KITH_OTHERS_COUNT_MAX)
            return fail_with_usage(filling, "too many members at once");
        values[used++] = words[i];
    }
    filling->given[arg] = true;
    kith_put_strs(filling->args, kith_args[arg].name, values, used);
    return true;
}

static size_t
count_bare(char *const *words, size_t count)
{
    size_t bare = 0;
    for (size_t i = 0; i < count; i++)
        bare += name_size(words[i]) == 0;
    return bare;
}

static bool
put_bare(struct filling *filling, char *const *words, size_t count)
{
    size_t left = count_bare(words, count);
    for (size_t i = 0; i < count; i++) {
        if (name_size(words[i]))
            continue;
        enum kith_arg arg = next_open(filling);
        if (arg == KITH_ARG_COUNT) {
            char what[256];
            snprintf(what, sizeof(what), "%s takes no further word: '%.64s'",
                     kith_ops[filling->op].name, words[i]);
            return fail_with_usage(filling, what);
        }
        enum kith_arg several = left > 1 ? plural_of(filling, arg) : KITH_ARG_COUNT;
        if (several != KITH_ARG_COUNT)
            return put_several(filling, several, words + i, count - i);
        if (!put(filling, arg, words[i]))
            return false;
        left--;
    }
    return true;
}

static bool
check_required(const struct filling *filling)
{
    for (int i = 0; i < KITH_ARG_COUNT; i++) {
        if (filling->given[i] || !op_takes(filling->op, (enum kith_arg)i, true))
            continue;
        char what[256];
        snprintf(what, sizeof(what), "%s needs '%s': %.128s", kith_ops[filling->op].name,
                 kith_args[i].name, kith_args[i].help);
        return fail_with_usage(filling, what);
    }
    return true;
}

bool
op_args_put(const struct cli *cli, enum kith_op op, char *const *words, size_t count,
            bool next_page, struct kith_args *args)
{
    assert(op < KITH_OP_COUNT);
    struct filling filling = {.cli = cli, .op = op, .next_page = next_page, .args = args};
    /* Named ones first, so that bare words fill what they leave. */
    for (size_t i = 0; i < count; i++) {
        size_t size = name_size(words[i]);
        if (size > 0 && !put_named(&filling, words[i], size))
            return false;
    }
    return put_bare(&filling, words, count) && check_required(&filling);
}
