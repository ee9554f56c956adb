/* complete.c: candidates for the shell: `kith __complete WORD... CURRENT` prints one a line.
 *
 * The scripts in completion/ only pass words on, so that what they offer is always what this
 * program takes. A candidate that wants a value right behind it ends in `=`.
 */
#include <stdio.h>

#include "op_find.h"
#include "verb.h"

/* What stands on the line so far. */
struct line {
    const char *current; /* the word under the cursor, maybe empty */
    char **words;        /* behind the name of the program; flags and their values taken out */
    size_t count;
};

static void
offer(const struct line *line, const char *prefix, const char *candidate, const char *suffix)
{
    size_t size = strlen(prefix);
    const char *current = line->current;
    if (strncmp(current, prefix, strlen(current) < size ? strlen(current) : size) != 0)
        return;
    if (strlen(current) > size && strncmp(current + size, candidate, strlen(current) - size) != 0)
        return;
    printf("%s%s%s\n", prefix, candidate, suffix);
}

static void
offer_options(const struct line *line, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        offer(line, "--", table->rows[i].name, "");
}

static void
offer_verbs(const struct line *line)
{
    for (size_t i = 0; i < verb_count; i++)
        if (!verbs[i]->hidden)
            offer(line, "", verbs[i]->name, "");
    for (int i = 0; i < KITH_OP_COUNT; i++) {
        offer(line, "", kith_ops[i].name, "");
        /* Short forms only once a letter is typed: the list is long enough without. */
        if (*line->current && op_is_short((enum kith_op)i))
            offer(line, "", op_last_word((enum kith_op)i), "");
    }
}

/* After `name=` the words that a choice or a flag has; else the names of the arguments. */
static void
offer_args(const struct line *line, enum kith_op op)
{
    for (int i = 0; i < KITH_ARG_COUNT; i++) {
        const struct kith_arg_row *row = &kith_args[i];
        if (!op_takes(op, (enum kith_arg)i, false) || row->type == KITH_TYPE_FORBIDDEN)
            continue;
        size_t size = strlen(row->name);
        if (strncmp(line->current, row->name, size) != 0 || line->current[size] != '=') {
            offer(line, "", row->name, "=");
            continue;
        }
        char prefix[64], word[64];
        snprintf(prefix, sizeof(prefix), "%s=", row->name);
        const char *at = row->type == KITH_TYPE_BOOL ? "true false" : row->choices;
        for (int used = 0; at && sscanf(at, "%63s%n", word, &used) == 1; at += used)
            offer(line, prefix, word, "");
    }
}

static void
offer_words(const struct line *line)
{
    static const char *const shells[] = {"bash", "zsh"};
    const struct verb *verb = verb_find(line->words[0]);
    enum kith_op op;
    if (verb == &verb_help && line->count == 1)
        offer_verbs(line);
    else if (verb == &verb_completion)
        for (size_t i = 0; i < ARRAY_COUNT(shells); i++)
            offer(line, "", shells[i], "");
    else if (!verb && op_find(line->words, line->count, &op))
        offer_args(line, op);
}

/* The verb is the first word that is no flag and no flag's value. */
static void
find_words(struct line *line, struct option_args *args)
{
    static const char *const with_value[] = {"--url", "--events", "--timeout", "-u", "-e", "-t"};
    int at = 1;
    while (at < args->count - 1 && args->at[at][0] == '-') {
        bool value = false;
        for (size_t i = 0; i < ARRAY_COUNT(with_value); i++)
            value |= strcmp(args->at[at], with_value[i]) == 0;
        at += value ? 2 : 1;
    }
    line->words = args->at + at;
    line->count = at < args->count - 1 ? (size_t)(args->count - 1 - at) : 0;
}

static enum cli_exit
complete_run(struct cli *cli, struct option_args *args)
{
    (void)cli;
    if (args->count < 2)
        return CLI_INVALID;
    struct line line = {.current = args->at[args->count - 1]};
    find_words(&line, args);
    if (line.current[0] == '-') {
        const struct verb *verb = line.count ? verb_find(line.words[0]) : NULL;
        offer_options(&line, &option_globals);
        if (line.count)
            offer_options(&line, verb ? verb->options : verb_op.options);
    } else if (line.count == 0) {
        offer_verbs(&line);
    } else {
        offer_words(&line);
    }
    return CLI_OK;
}

const struct verb verb_complete = {
    .name = "__complete",
    .words = "WORD...",
    .help = "candidates for a shell",
    .options = &option_none,
    .hidden = true,
    .run = complete_run,
};
