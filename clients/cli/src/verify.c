/* verify.c: `kith verify`: the daemon's own program looks at the data. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "verb.h"

#define ARGUMENTS_MAX 10
#define PROGRAM       "kithd"

struct verify_values {
    const char *data, *rate;
    bool online, deep;
};

static const struct option_row verify_rows[] = {
    {.name = "data",
     .letter = 'd',
     .type = OPTION_TEXT,
     .offset = offsetof(struct verify_values, data),
     .value = "DIR",
     .help = "the data directory (default: as kithd finds it)"},
    {.name = "deep",
     .type = OPTION_FLAG,
     .offset = offsetof(struct verify_values, deep),
     .help = "also make the views anew elsewhere, and compare; for a stopped kithd"},
    {.name = "online",
     .type = OPTION_FLAG,
     .offset = offsetof(struct verify_values, online),
     .help = "as beside a running kithd, whether one runs or not"},
    {.name = "rate",
     .type = OPTION_TEXT,
     .offset = offsetof(struct verify_values, rate),
     .value = "SIZE",
     .help = "read no more than so much a second, as in 32MiB (default: no limit)"},
};
static const struct option_table verify_table = {verify_rows, ARRAY_COUNT(verify_rows)};

/* The one that stands beside this program, if there is one; else PATH decides. */
static const char *
program_find(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - sizeof(PROGRAM));
    if (length <= 0)
        return PROGRAM;
    path[length] = 0;
    char *name = strrchr(path, '/');
    if (!name)
        return PROGRAM;
    memcpy(name + 1, PROGRAM, sizeof(PROGRAM));
    return access(path, X_OK) == 0 ? path : PROGRAM;
}

static enum cli_exit
verify_main(struct cli *cli, struct option_args *args)
{
    struct verify_values values = {0};
    const char *arguments[ARGUMENTS_MAX];
    char path[PATH_MAX];
    size_t count = 0;
    if (!option_parse(cli, args->at[0], &verify_table, &values, args))
        return CLI_INVALID;
    if (args->count > 1)
        return fail_usage(cli, "%s: verify takes no words\nkith verify --data DIR", args->at[1]);

    arguments[count++] = program_find(path, sizeof(path));
    arguments[count++] = "--verify";
    if (values.data) {
        arguments[count++] = "--data";
        arguments[count++] = values.data;
    }
    if (values.rate) {
        arguments[count++] = "--rate";
        arguments[count++] = values.rate;
    }
    if (values.online)
        arguments[count++] = "--online";
    if (values.deep)
        arguments[count++] = "--deep";
    if (cli->json)
        arguments[count++] = "--json";
    arguments[count] = NULL;
    fflush(stdout);
    /* It does not write to its arguments; the type has no const for old times' sake. */
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    fail(cli, "no_kithd", "unavailable", "cannot run %s: %s\nrun it where kithd is installed",
         arguments[0], strerror(errno));
    return CLI_UNREACHABLE;
}

const struct verb verb_verify = {
    .name = "verify",
    .words = "",
    .help = "look at all the data of a kithd, running or not: is it as it was written?",
    .more =
        "  Exit: 0 sound; 1 damaged; 2 it could not look (there is no data, or not for this user).",
    .options = &verify_table,
    .run = verify_main,
};
