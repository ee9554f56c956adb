#include "op_find.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/nearest.h"
#include "fail.h"
#include "text.h"
#include "verb.h"

#define NAME_SIZE_MAX 64 /* no operation's name is longer */
#define NAMES_MAX     (2 * KITH_OP_COUNT + 16)

bool
op_takes(enum kith_op op, enum kith_arg arg, bool required_only)
{
    assert(op < KITH_OP_COUNT && arg < KITH_ARG_COUNT);
    const struct kith_op_row *row = &kith_ops[op];
    return ((required_only ? row->required : row->required | row->optional) >> arg & 1) != 0;
}

const char *
op_last_word(enum kith_op op)
{
    const char *dot = strrchr(kith_ops[op].name, '.');
    assert(dot);
    return dot + 1;
}

/* How many operations end in @word; the last of them in *@op. */
static size_t
count_short(const char *word, enum kith_op *op)
{
    size_t count = 0;
    for (int i = 0; i < KITH_OP_COUNT; i++)
        if (strcmp(op_last_word((enum kith_op)i), word) == 0) {
            *op = (enum kith_op)i;
            count++;
        }
    return count;
}

bool
op_is_short(enum kith_op op)
{
    enum kith_op any;
    const char *word = op_last_word(op);
    return !verb_find(word) && count_short(word, &any) == 1;
}

size_t
op_find(char *const *words, size_t count, enum kith_op *op)
{
    assert(count > 0);
    *op = kith_op_find(words[0], strlen(words[0]));
    if (*op != KITH_OP_COUNT)
        return 1;
    char name[NAME_SIZE_MAX];
    if (count > 1 &&
        (size_t)snprintf(name, sizeof(name), "%s.%s", words[0], words[1]) < sizeof(name)) {
        *op = kith_op_find(name, strlen(name));
        if (*op != KITH_OP_COUNT)
            return 2;
    }
    return count_short(words[0], op) == 1 ? 1 : 0;
}

/* Operations that begin with "@word." or end in ".@word": appended as a list; how many there are.
 */
static size_t
put_meant(struct buf *out, const char *word)
{
    size_t size = strlen(word), count = 0;
    for (int i = 0; i < KITH_OP_COUNT; i++) {
        const char *name = kith_ops[i].name;
        bool meant = strcmp(op_last_word((enum kith_op)i), word) == 0 ||
                     (strncmp(name, word, size) == 0 && name[size] == '.');
        if (!meant)
            continue;
        text_put_own(out, count++ ? " " : "");
        text_put_own(out, name);
    }
    return count;
}

static const char *
nearest_name(const char *word)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < verb_count; i++)
        if (!verbs[i]->hidden)
            names[count++] = verbs[i]->name;
    for (int i = 0; i < KITH_OP_COUNT; i++) {
        names[count++] = kith_ops[i].name;
        names[count++] = op_last_word((enum kith_op)i);
    }
    assert(count <= NAMES_MAX);
    return nearest_of(word, names, count);
}

enum cli_exit
op_fail_unknown(const struct cli *cli, const char *word)
{
    struct buf meant = {0};
    size_t count = put_meant(&meant, word);
    buf_append(&meant, "", 1);
    const char *near = nearest_name(word);
    if (count > 0 && !meant.failed)
        fail_usage(cli, "'%s' may mean several:\n%s", word, (const char *)meant.data);
    else if (near)
        fail_usage(cli, "there is no verb or operation '%s'; did you mean '%s'?\nsee: kith help",
                   word, near);
    else
        fail_usage(cli, "there is no verb or operation '%s'\nsee: kith help", word);
    buf_fini(&meant);
    return CLI_INVALID;
}

static void
put_upper(struct buf *out, const char *text)
{
    for (; *text; text++) {
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        buf_append(out, &c, 1);
    }
}

void
op_put_usage(struct buf *out, enum kith_op op)
{
    text_put_own(out, kith_ops[op].name);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < KITH_ARG_COUNT; i++) {
            enum kith_arg arg = (enum kith_arg)i;
            bool required = op_takes(op, arg, true);
            if (!op_takes(op, arg, false) || required != (pass == 0) ||
                kith_args[arg].type == KITH_TYPE_FORBIDDEN)
                continue;
            text_put_own(out, required ? " " : " [");
            if (required)
                put_upper(out, kith_args[arg].name);
            else
                text_printf(out, "%s=...]", kith_args[arg].name);
        }
}
