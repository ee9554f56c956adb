#include "help.h"

#include "base/assert.h"
#include "fail.h"
#include "op_find.h"
#include "text.h"
#include "verb.h"

#define HELP_COLUMN 26 /* where explanations start */

static const char exit_codes[] =
    "Exit codes:\n"
    "  0 ok   1 refused by a rule   2 the command line or message is wrong\n"
    "  3 unreachable or too late   4 busy or unavailable: try again   5 internal\n";

static void
put_line(FILE *to, const char *left, const char *right)
{
    int width = (int)strlen(left);
    fprintf(to, "  %s%*s%s\n", left, width < HELP_COLUMN - 2 ? HELP_COLUMN - 2 - width : 1, "",
            right);
}

static void
put_options(FILE *to, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        struct buf left = {0};
        if (row->letter)
            text_printf(&left, "-%c, ", row->letter);
        text_printf(&left, "--%s%s%s", row->name, row->value ? " " : "",
                    row->value ? row->value : "");
        buf_append(&left, "", 1);
        if (!left.failed)
            put_line(to, (const char *)left.data, row->help);
        buf_fini(&left);
    }
}

static void
put_verbs(FILE *to)
{
    for (size_t i = 0; i < verb_count; i++)
        if (!verbs[i]->hidden)
            put_line(to, verbs[i]->name, verbs[i]->help);
}

static void
put_ops(FILE *to)
{
    for (int i = 0; i < KITH_OP_COUNT; i++) {
        enum kith_op op = (enum kith_op)i;
        put_line(to, kith_ops[op].name, kith_ops[op].help);
    }
}

void
help_overview(FILE *to)
{
    fputs("kith: talk to kithd, which owns who knows whom\n\n"
          "  kith [FLAGS] VERB ...                  flags before or after the verb\n"
          "  kith [FLAGS] OPERATION name=value ...  or bare words, in the order of its help\n\n"
          "  kith connection.request from=ada to=bob note='We met at the fair'\n"
          "  kith accept bob ada\n"
          "  kith status ada bob\n"
          "  kith watch --type connection.\n\n"
          "Verbs (kith VERB --help):\n",
          to);
    put_verbs(to);
    fputs("\nFlags:\n", to);
    put_options(to, &option_globals);
    fputs("\nOperations (kith help OPERATION); the last word alone will do where it is the only "
          "one:\n",
          to);
    put_ops(to);
    fputc('\n', to);
    fputs(exit_codes, to);
}

static void
put_verb(const struct verb *verb)
{
    printf("kith %s%s%s\n  %s\n", verb->name, *verb->words ? " " : "", verb->words, verb->help);
    if (verb->more)
        printf("\n%s\n", verb->more);
    if (verb->options->count > 0)
        printf("\nOptions:\n");
    put_options(stdout, verb->options);
    printf("\nFlags of every verb:\n");
    put_options(stdout, &option_globals);
}

static const char *
form_of(const struct kith_arg_row *row)
{
    static const char *const forms[] = {
        [KITH_TYPE_MEMBER] = "MEMBER",     [KITH_TYPE_STR] = "TEXT",
        [KITH_TYPE_UINT] = "NUMBER",       [KITH_TYPE_BOOL] = "true|false",
        [KITH_TYPE_CHOICE] = "WORD",       [KITH_TYPE_MEMBERS] = "A,B,...",
        [KITH_TYPE_UINTS] = "N,N,...",     [KITH_TYPE_STRS] = "A,B,...",
        [KITH_TYPE_PAIRS] = "A:B,C:D,...", [KITH_TYPE_CONTACT] = "KIND:VALUE",
    };
    const char *form = (size_t)row->type < ARRAY_COUNT(forms) ? forms[row->type] : NULL;
    return form ? form : "JSON";
}

static void
put_arg(const struct kith_arg_row *row)
{
    struct buf left = {0}, right = {0};
    text_printf(&left, "%s=%s", row->name, form_of(row));
    buf_append(&left, "", 1);
    text_put_own(&right, row->help);
    if (row->choices)
        text_printf(&right, " (%s)", row->choices);
    buf_append(&right, "", 1);
    if (!left.failed && !right.failed)
        put_line(stdout, (const char *)left.data, (const char *)right.data);
    buf_fini(&left);
    buf_fini(&right);
}

static void
put_args(enum kith_op op, bool required, const char *title)
{
    for (int i = 0; i < KITH_ARG_COUNT; i++) {
        enum kith_arg arg = (enum kith_arg)i;
        if (!op_takes(op, arg, false) || op_takes(op, arg, true) != required ||
            kith_args[arg].type == KITH_TYPE_FORBIDDEN)
            continue;
        fputs(title, stdout);
        title = "";
        put_arg(&kith_args[arg]);
    }
}

static void
put_op(enum kith_op op)
{
    struct buf usage = {0};
    op_put_usage(&usage, op);
    buf_append(&usage, "", 1);
    printf("kith %s\n  %s (a %s)\n", usage.failed ? kith_ops[op].name : (const char *)usage.data,
           kith_ops[op].help, kith_ops[op].kind == KITH_KIND_COMMAND ? "command" : "query");
    buf_fini(&usage);
    if (op_is_short(op))
        printf("  in short: kith %s\n", op_last_word(op));
    put_args(op, true, "\nNeeds:\n");
    put_args(op, false, "\nTakes:\n");
    printf("\nOptions:\n");
    put_options(stdout, verb_op.options);
    printf("\nFlags of every verb:\n");
    put_options(stdout, &option_globals);
}

enum cli_exit
help_put(const struct cli *cli, int count, char *const *words)
{
    assert(count >= 0);
    if (count == 0) {
        help_overview(stdout);
        return CLI_OK;
    }
    enum kith_op op;
    const struct verb *verb = verb_find(words[0]);
    if (verb)
        put_verb(verb);
    else if (op_find(words, (size_t)count, &op))
        put_op(op);
    else
        return op_fail_unknown(cli, words[0]);
    return CLI_OK;
}

static enum cli_exit
help_run(struct cli *cli, struct option_args *args)
{
    if (!option_parse(cli, args->at[0], &option_none, NULL, args))
        return CLI_INVALID;
    return help_put(cli, args->count - 1, args->at + 1);
}

const struct verb verb_help = {
    .name = "help",
    .words = "[VERB|OPERATION]",
    .help = "what there is, and what it takes",
    .options = &option_none,
    .run = help_run,
};
