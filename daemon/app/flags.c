#include "app/flags.h"

#include <unistd.h>

#include "app/units.h"
#include "base/assert.h"
#include "base/nearest.h"

#define VERIFY_RATE_MIN (64 * 1024) /* with less it would never come to an end */

struct flag_row {
    const char *name;
    const char *argument;     /* what it takes, for the help; NULL: nothing */
    const char *key;          /* the setting it sets, or NULL */
    enum flags_action action; /* what is done instead of serving */
    const char *help;
};

static const struct flag_row rows[] = {
    {"--config", "FILE", .help = "read settings from FILE ($KITH_CONFIG)"},
    {"--data", "DIR", "storage.data", .help = "the data directory ($KITH_DATA)"},
    {"--command", "URL", "net.command",
     .help = "where commands come in, ipc:// or tcp://; may be repeated ($KITH_COMMAND)"},
    {"--events", "URL", "net.events",
     .help = "where events are published; may be repeated ($KITH_EVENTS)"},
    {"--clock", "system|manual", "daemon.clock",
     .help = "manual: time stands still and is moved by clock.advance; for tests"},
    {"--set", "KEY=VALUE", .help = "any setting, as in --set request.ttl=90d"},
    {"--check", .action = FLAGS_CHECK,
     .help = "tell what is wrong with the settings, or print all of them, and exit"},
    {"--verify", .action = FLAGS_VERIFY,
     .help = "read all the data, of a running daemon too, tell what is damaged, and exit"},
    {"--deep",
     .help = "with --verify: also make the views anew elsewhere, and compare; stopped only"},
    {"--online", .help = "with --verify: as beside a running daemon, whether one runs or not"},
    {"--rate", "SIZE", .help = "with --verify: read no more than so much a second, as in 32MiB"},
    {"--json", .help = "with --verify: a JSON object a line"},
    {"--print-config", .action = FLAGS_PRINT_CONFIG,
     .help = "print the reference of all settings, a file that sets nothing"},
    {"--help", .action = FLAGS_HELP, .help = "print this"},
    {"--version", .action = FLAGS_VERSION, .help = "print the version"},
};

static const struct {
    const char *variable, *key;
} variables[] = {
    {"KITH_DATA", "storage.data"},
    {"KITH_COMMAND", "net.command"},
    {"KITH_EVENTS", "net.events"},
};

void
flags_print_help(FILE *out)
{
    fprintf(out,
            "usage: kithd [FLAG]...\n\n"
            "The daemon that owns who knows whom. Without flags it serves on sockets in\n"
            "$RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/kith, else /run/kith, with its data in\n"
            "$STATE_DIRECTORY, else ./kith-data.\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", rows[i].name,
                 rows[i].argument ? rows[i].argument : "");
        fprintf(out, "  %-24s %s\n", left, rows[i].help);
    }
    fprintf(out, "\nSignals: TERM and INT stop it cleanly, HUP rereads the file and accepts the\n"
                 "system clock. Exit: 0 stopped; 1 failed; 2 wrong flags or settings.\n"
                 "With --verify: 0 sound; 1 damaged; 2 it could not look.\n"
                 "See kithd(8).\n");
}

static const struct flag_row *
find_flag(const char *word, size_t size)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, word, size) == 0)
            return &rows[i];
    return NULL;
}

static void
complain_unknown(const char *word, size_t size, struct problems *problems)
{
    const char *names[ARRAY_COUNT(rows)];
    char flag[CONFIG_FLAG_SIZE_MAX];
    snprintf(flag, sizeof(flag), "%.*s", (int)size, word);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        names[i] = rows[i].name;
    const char *nearest = nearest_of(flag, names, ARRAY_COUNT(rows));
    if (nearest)
        problems_add(problems, "%s: no such flag; did you mean %s?", flag, nearest);
    else
        problems_add(problems, "%s: no such flag; kithd --help lists all", flag);
}

static void
add_value(struct flags *flags, const char *what, const char *key, const char *text,
          struct problems *problems)
{
    if (flags->value_count == FLAGS_VALUE_COUNT_MAX) {
        problems_add(problems, "%s: more than %d settings by flag", what, FLAGS_VALUE_COUNT_MAX);
        return;
    }
    flags->values[flags->value_count++] = (struct config_value){what, key, text};
}

static void
add_set(struct flags *flags, const char *argument, struct problems *problems)
{
    const char *equals = strchr(argument, '=');
    if (!equals || equals - argument >= CONFIG_FLAG_SIZE_MAX) {
        problems_add(problems, "--set %s: expected KEY=VALUE", argument);
        return;
    }
    if (flags->value_count < FLAGS_VALUE_COUNT_MAX)
        snprintf(flags->set_keys[flags->value_count], CONFIG_FLAG_SIZE_MAX, "%.*s",
                 (int)(equals - argument), argument);
    add_value(flags, "--set", flags->set_keys[flags->value_count % FLAGS_VALUE_COUNT_MAX],
              equals + 1, problems);
}

static void
take_rate(struct flags *flags, const char *argument, struct problems *problems)
{
    if (!units_parse(UNIT_SIZE, argument, &flags->rate) || flags->rate < VERIFY_RATE_MIN)
        problems_add(problems, "--rate %s: expected %s, from 64KiB up", argument,
                     units_expected(UNIT_SIZE));
}

static void
take(struct flags *flags, const struct flag_row *row, const char *argument,
     struct problems *problems)
{
    assert((row->argument != NULL) == (argument != NULL));
    if (row->key)
        add_value(flags, row->name, row->key, argument, problems);
    else if (strcmp(row->name, "--config") == 0)
        flags->file = argument;
    else if (strcmp(row->name, "--set") == 0)
        add_set(flags, argument, problems);
    else if (strcmp(row->name, "--rate") == 0)
        take_rate(flags, argument, problems);
    else if (strcmp(row->name, "--online") == 0)
        flags->online = true;
    else if (strcmp(row->name, "--deep") == 0)
        flags->deep = true;
    else if (strcmp(row->name, "--json") == 0)
        flags->json = true;
    else
        flags->action = row->action;
}

static void
read_words(struct flags *flags, int argc, char **argv, struct problems *problems)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        size_t size = strcspn(word, "=");
        const struct flag_row *row = find_flag(word, size);
        const char *argument = word[size] == '=' ? word + size + 1 : NULL;
        if (!row) {
            complain_unknown(word, size, problems);
            continue;
        }
        if (row->argument && !argument && i + 1 < argc)
            argument = argv[++i];
        if (row->argument && !argument)
            problems_add(problems, "%s needs its %s", row->name, row->argument);
        else if (!row->argument && argument)
            problems_add(problems, "%s takes nothing", row->name);
        else
            take(flags, row, argument, problems);
    }
}

/* The file that the environment names: $KITH_CONFIG, or where systemd keeps it, if it is there. */
static void
read_file_variable(struct flags *flags, const char *(*lookup)(const char *))
{
    const char *file = lookup("KITH_CONFIG"), *dir = lookup("CONFIGURATION_DIRECTORY");
    if (file && file[0]) {
        flags->file = file;
    } else if (dir && dir[0]) {
        snprintf(flags->file_path, sizeof(flags->file_path), "%.*s/kithd.conf",
                 (int)strcspn(dir, ":"), dir);
        if (access(flags->file_path, F_OK) == 0)
            flags->file = flags->file_path;
    }
}

void
flags_read(struct flags *flags, int argc, char **argv, const char *(*lookup)(const char *),
           struct problems *problems)
{
    assert(lookup != NULL);
    *flags = (struct flags){.action = FLAGS_SERVE};
    read_file_variable(flags, lookup);
    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        const char *text = lookup(variables[i].variable);
        if (text && text[0])
            add_value(flags, variables[i].variable, variables[i].key, text, problems);
    }
    read_words(flags, argc, argv, problems);
    if (flags->action != FLAGS_VERIFY &&
        (flags->online || flags->deep || flags->json || flags->rate))
        problems_add(problems, "%s goes with --verify",
                     flags->online ? "--online"
                     : flags->deep ? "--deep"
                     : flags->json ? "--json"
                                   : "--rate");
}
