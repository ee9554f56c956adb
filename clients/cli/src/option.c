#include "option.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/nearest.h"
#include "fail.h"
#include "when.h"

#define OPTIONS_MAX   32  /* rows of one verb and the globals together */
#define NAME_SIZE_MAX 64  /* of an option as typed; longer ones are unknown anyway */
#define DAYS_MAX      366 /* no option of ours means a longer time */

static const struct option_row global_rows[] = {
    {"url", 'u', OPTION_TEXT, offsetof(struct cli, url), 0, 0, "URL",
     "command socket of kithd (default: $KITH_URL, else the local socket)"},
    {"events", 'e', OPTION_TEXT, offsetof(struct cli, events_url), 0, 0, "URL",
     "event socket of kithd (default: $KITH_EVENTS_URL, else beside the other)"},
    {"json", 'j', OPTION_FLAG, offsetof(struct cli, json), 0, 0, NULL,
     "JSON lines, errors too (the default in a pipe, but for errors)"},
    {"timeout", 't', OPTION_MS, offsetof(struct cli, timeout_ms), 1, 0, "MS",
     "how long to wait for an answer: 500, 2s, 1m (default 5s)"},
    {"help", 'h', OPTION_FLAG, offsetof(struct cli, help), 0, 0, NULL,
     "say what kith, or the verb, does and takes"},
    {"version", 'V', OPTION_FLAG, offsetof(struct cli, version), 0, 0, NULL, "say the version"},
};

const struct option_table option_globals = {global_rows, ARRAY_COUNT(global_rows)};

/* One table with the struct its rows write to. */
struct target {
    const struct option_table *table;
    char *values;
};

struct parser {
    struct cli *cli;
    const char *verb; /* NULL before it is known */
    struct target targets[2];
    size_t target_count;
    int argc;
    char **argv;
    int at; /* the next word to look at */
};

static const struct option_row *
find_in(const struct option_table *table, const char *name, size_t size)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        bool same = strncmp(row->name, name, size) == 0 && row->name[size] == 0;
        if (same || (size == 1 && row->letter == name[0]))
            return row;
    }
    return NULL;
}

static const struct option_row *
find(const struct parser *parser, const char *name, size_t size, char **values)
{
    for (size_t t = 0; t < parser->target_count; t++) {
        const struct option_row *row = find_in(parser->targets[t].table, name, size);
        if (row) {
            *values = parser->targets[t].values;
            return row;
        }
    }
    return NULL;
}

static bool
fail_unknown(const struct parser *parser, const char *name, size_t size)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    for (size_t t = 0; t < parser->target_count; t++)
        for (size_t i = 0; i < parser->targets[t].table->count; i++) {
            assert(count < OPTIONS_MAX);
            names[count++] = parser->targets[t].table->rows[i].name;
        }

    char word[NAME_SIZE_MAX] = "";
    memcpy(word, name, size < sizeof(word) ? size : sizeof(word) - 1);
    const char *near = nearest_of(word, names, count);
    const char *verb = parser->verb ? parser->verb : "";
    fail_usage(parser->cli, "there is no option --%s%s%s%s%s\nsee: kith %s%s--help", word,
               near ? "; did you mean --" : "", near ? near : "", near ? "?" : "",
               near || !parser->verb ? "" : " here", verb, *verb ? " " : "");
    return false;
}

static bool
set_uint(const struct parser *parser, const struct option_row *row, const char *text, uint64_t *to)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    uint64_t max = row->max ? row->max : UINT64_MAX;
    if (*text < '0' || *text > '9' || *end || errno || value < row->min || value > max) {
        if (row->max)
            fail_usage(parser->cli, "--%s takes a number from %llu to %llu, not '%s'", row->name,
                       (unsigned long long)row->min, (unsigned long long)row->max, text);
        else
            fail_usage(parser->cli, "--%s takes a number%s, not '%s'", row->name,
                       row->min ? " above 0" : "", text);
        return false;
    }
    *to = value;
    return true;
}

static bool
set_time(const struct parser *parser, const struct option_row *row, const char *text, uint64_t *to)
{
    uint64_t ms;
    uint64_t unit = row->type == OPTION_SECONDS ? 1000 : 1;
    if (!when_parse_duration(text, unit, &ms) || ms < row->min ||
        ms > UINT64_C(86400000) * DAYS_MAX) {
        fail_usage(parser->cli, "--%s takes a time such as 500ms, 2s or 5m, not '%s'", row->name,
                   text);
        return false;
    }
    *to = ms;
    return true;
}

static bool
add_to_list(const struct parser *parser, const struct option_row *row, const char *text,
            struct option_list *list)
{
    if (list->count == OPTION_LIST_MAX) {
        fail_usage(parser->cli, "--%s may be given %d times at most", row->name, OPTION_LIST_MAX);
        return false;
    }
    list->at[list->count++] = text;
    return true;
}

static bool
set(const struct parser *parser, const struct option_row *row, char *values, const char *text)
{
    void *to = values + row->offset;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)to = true;
        return true;
    case OPTION_TEXT:
        *(const char **)to = text;
        return true;
    case OPTION_UINT:
        return set_uint(parser, row, text, to);
    case OPTION_MS:
    case OPTION_SECONDS:
        return set_time(parser, row, text, to);
    case OPTION_LIST:
        return add_to_list(parser, row, text, to);
    }
    assert(!"an option type without a case");
    return false;
}

/* The option at parser->at; takes the next word too where that is its value. */
static bool
take_option(struct parser *parser)
{
    const char *word = parser->argv[parser->at++];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    char *values = NULL;
    const struct option_row *row = find(parser, name, size, &values);
    if (!row)
        return fail_unknown(parser, name, size);

    const char *text = equals ? equals + 1 : NULL;
    if (row->type == OPTION_FLAG) {
        if (!text)
            return set(parser, row, values, NULL);
        fail_usage(parser->cli, "--%s takes no value", row->name);
        return false;
    }
    if (!text && parser->at < parser->argc)
        text = parser->argv[parser->at++];
    if (!text) {
        fail_usage(parser->cli, "--%s needs a value: --%s %s", row->name, row->name, row->value);
        return false;
    }
    return set(parser, row, values, text);
}

/* "-" alone is a word (standard input), and so is a negative number or time. */
static bool
is_option(const char *word)
{
    return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

/* Pass over an option that is some verb's, with its value. False where it is none. */
static bool
pass_over(struct parser *parser, const struct option_table *const *tables, size_t table_count)
{
    const char *word = parser->argv[parser->at];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    size_t size = strcspn(name, "=");
    for (size_t t = 0; t < table_count; t++) {
        const struct option_row *row = find_in(tables[t], name, size);
        if (!row)
            continue;
        bool takes_next = row->type != OPTION_FLAG && name[size] == 0;
        parser->at += takes_next && parser->at + 1 < parser->argc ? 2 : 1;
        return true;
    }
    return false;
}

int
option_find_verb(struct cli *cli, const struct option_table *const *tables, size_t table_count,
                 int argc, char **argv)
{
    struct parser parser = {.cli = cli,
                            .targets = {{&option_globals, (char *)cli}},
                            .target_count = 1,
                            .argc = argc,
                            .argv = argv,
                            .at = 1};
    while (parser.at < argc && is_option(argv[parser.at]) && strcmp(argv[parser.at], "--") != 0)
        if (!pass_over(&parser, tables, table_count) && !take_option(&parser))
            return -1;
    parser.at += parser.at < argc && strcmp(argv[parser.at], "--") == 0;
    return parser.at;
}

bool
option_parse(struct cli *cli, const char *verb, const struct option_table *table, void *values,
             struct option_args *args)
{
    assert(args->count >= 1);
    assert(table->count + option_globals.count <= OPTIONS_MAX);
    struct parser parser = {.cli = cli,
                            .verb = verb,
                            .targets = {{table, values}, {&option_globals, (char *)cli}},
                            .target_count = 2,
                            .argc = args->count,
                            .argv = args->at,
                            .at = 1};
    int words = 1;
    bool ended = false;
    while (parser.at < args->count) {
        char *word = args->at[parser.at];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            parser.at++;
        } else if (!ended && is_option(word)) {
            if (!take_option(&parser))
                return false;
        } else {
            args->at[words++] = word;
            parser.at++;
        }
    }
    args->count = words;
    return true;
}
