/* option.h: one small parser for the options of every verb, driven by tables.
 *
 * `--name VALUE`, `--name=VALUE`, flags, `--` ends them; options may stand before, between and
 * after the words. An unknown option is answered with the nearest known one.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "cli.h"

enum option_type {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *, borrowed from argv */
    OPTION_UINT,    /* uint64_t within min and max */
    OPTION_MS,      /* uint64_t milliseconds: 500, 500ms, 2s, 5m */
    OPTION_SECONDS, /* uint64_t milliseconds, where a bare number means seconds: 10, 0.5, 500ms */
    OPTION_LIST     /* struct option_list: may be given several times */
};

#define OPTION_LIST_MAX 16 /* KITH_TYPES_COUNT_MAX is what it is for */

struct option_list {
    const char *at[OPTION_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

struct option_row {
    const char *name;
    char letter; /* 0: none */
    enum option_type type;
    size_t offset; /* of the field in the caller's struct */
    uint64_t min, max;
    const char *value; /* what it is called in the help: "URL"; NULL for flags */
    const char *help;
};

struct option_table {
    const struct option_row *rows;
    size_t count;
};

/* The flags that every verb takes; they land in struct cli. */
extern const struct option_table option_globals;

/* Find the verb: the first word that is neither an option nor its value. Returns its index in argv
 * (or argc), or -1 after telling what is wrong.
 *
 * Global flags before it land in @cli. Options of a verb may stand there too: which of them take a
 * value is looked up in @tables (borrowed), and they are left for option_parse(). */
int option_find_verb(struct cli *cli, const struct option_table *const *tables, size_t table_count,
                     int argc, char **argv);

/* The words and options of one verb. argv[0] is the verb. */
struct option_args {
    int count;
    char **at;
};

/* Parse all of @args by @table into @values (borrowed, holding the defaults) and into @cli. What is
 * no option is moved to the front, in order, and @args then holds the verb and its words only.
 * False after telling what is wrong: the exit code is CLI_INVALID. */
bool option_parse(struct cli *cli, const char *verb, const struct option_table *table, void *values,
                  struct option_args *args);

#endif
