/* main.c: find the verb and run it. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "fail.h"
#include "help.h"
#include "style.h"
#include "verb.h"

#define VERBS_MAX 16 /* verbs with options of their own */

/* A flag that decides how everything else is told is looked for before anything can fail. */
static bool
is_given(int argc, char **argv, const char *flag, const char *letter)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], flag) == 0 || strcmp(argv[i], letter) == 0)
            return true;
    return false;
}

static int
find_verb(struct cli *cli, int argc, char **argv)
{
    const struct option_table *tables[VERBS_MAX];
    size_t count = 0;
    tables[count++] = verb_op.options;
    for (size_t i = 0; i < verb_count; i++)
        tables[count++] = verbs[i]->options;
    assert(count <= VERBS_MAX);
    return option_find_verb(cli, tables, count, argc, argv);
}

/* Bring the verb at @at to the front, so that options before and after it are parsed alike. */
static struct option_args
put_first(int at, int argc, char **argv)
{
    char *verb = argv[at];
    memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof(*argv));
    argv[1] = verb;
    return (struct option_args){argc - 1, argv + 1};
}

static enum cli_exit
run(struct cli *cli, int argc, char **argv)
{
    int at = find_verb(cli, argc, argv);
    if (at < 0)
        return CLI_INVALID;
    struct option_args args = {argc - at, argv + at};
    if (at < argc && strcmp(argv[at], verb_complete.name) == 0)
        return verb_complete.run(cli, &args);
    if (cli->version)
        return verb_version.run(cli, &args);
    if (cli->help)
        return help_put(cli, argc - at, argv + at);
    if (at == argc) {
        help_overview(stderr);
        return CLI_INVALID;
    }
    const struct verb *verb = verb_find(argv[at]);
    args = put_first(at, argc, argv);
    return (verb ? verb : &verb_op)->run(cli, &args);
}

int
main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    struct cli cli = {
        .json = is_given(argc, argv, "--json", "-j"),
        .help = is_given(argc, argv, "--help", "-h"),
    };
    cli.people = !cli.json && isatty(STDOUT_FILENO);
    cli.colour = cli.people && style_wanted(stdout);

    enum cli_exit code = run(&cli, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "kith: cannot write to standard output: %s\n", strerror(errno));
        return code == CLI_OK ? CLI_INTERNAL : (int)code;
    }
    return (int)code;
}
