/* Settings: each mistake with its place and what was meant, units, bounds, precedence, reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/config.h"
#include "app/flags.h"

static struct config config;

static const char *
no_environment(const char *name)
{
    (void)name;
    return NULL;
}

/* A file that goes when the test ends. */
struct temporary {
    char path[64];
};

static void
write_file(struct temporary *file, const void *text, size_t size)
{
    snprintf(file->path, sizeof(file->path), "/tmp/kith-test-config-XXXXXX");
    int fd = mkstemp(file->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static void
load(struct problems *problems, const char *path, const struct config_value *values,
     unsigned value_count, const char *(*lookup)(const char *))
{
    const struct config_sources sources = {path, values, value_count, lookup};
    problems_init(problems);
    config_load(&config, &sources, problems);
}

/* Load @text as a file. Expects exactly one problem, "PATH:" followed by @problem, or none if
 * that is NULL. */
static void
expect_file(const char *text, const char *problem)
{
    struct temporary file;
    struct problems problems;
    char expected[512];
    write_file(&file, text, strlen(text));
    load(&problems, file.path, NULL, 0, no_environment);
    unlink(file.path);
    const char *told = problems_next(&problems, NULL);
    snprintf(expected, sizeof(expected), "%s:%s", file.path, problem ? problem : "");
    if (problem && (!told || strcmp(told, expected) != 0))
        fail_msg("expected\n  %s\ngot\n  %s", expected, told ? told : "nothing");
    if (!problem && told)
        fail_msg("'%s' should be right: %s", text, told);
    assert_int_equal(problems.count, problem ? 1 : 0);
    problems_fini(&problems);
}

static const struct {
    const char *text, *problem;
} mistakes[] = {
    {"[request]\nttl = 90d\n", NULL},
    {"[request]\n  ttl=90d", NULL},
    {"# comment\n; another\n\n[note]\nmax = 10 ; short\n", NULL},
    {"[tier.free]\nconnect.day = 5\nconnect.week = 0\n", NULL},
    {"[tier.a.b]\nconnect.day = 5\n", NULL},
    {"[net]\ncommand = tcp://127.0.0.1:1 tcp://[::1]:65535, ipc://x\n", NULL},
    {"[net]\ncommand = tcp://127.0.0.1:1\ncommand = ipc://x\n", NULL},

    {"[request]\ntll = 90d\n", "2: request.tll: no such setting; did you mean request.ttl?"},
    {"\n[requst]\n\nttl = 90d\n", "4: requst.ttl: no such setting; did you mean request.ttl?"},
    {"[request]\nabsolutely = 1\n",
     "2: request.absolutely: no such setting; kithd --print-config lists all"},
    {"ttl = 90d\n", "1: ttl: no such setting; kithd --print-config lists all"},
    {"[request]\nttl = 90\n",
     "2: request.ttl = 90: is not a duration such as 30s, 15m, 24h or 21d"},
    {"[request]\nttl =\n", "2: request.ttl = : is not a duration such as 30s, 15m, 24h or 21d"},
    {"[request]\nttl = 1m\n", NULL},
    {"[request]\nttl = 59s\n", "2: request.ttl = 59s: is below the least, 1m"},
    {"[request]\nttl = 3650d\n", NULL},
    {"[request]\nttl = 3651d\n", "2: request.ttl = 3651d: is above the most, 3650d"},
    {"[connect]\ncost_plain = 0\ncost_personal = 10\nrefund_on_withdraw = 1\n", NULL},
    {"[connect]\ncost_duplicate = 11\n", "2: connect.cost_duplicate = 11: is above the most, 10"},
    {"[connect]\nrefund_on_withdraw = 2\n",
     "2: connect.refund_on_withdraw = 2: is above the most, 1"},
    {"[claim]\nttl = 59s\n", "2: claim.ttl = 59s: is below the least, 1m"},
    {"[cooldown]\nremover = 0s\n", NULL},
    {"[note]\nmax = 0\n", "2: note.max = 0: is below the least, 1"},
    {"[note]\nmax = ten\n", "2: note.max = ten: is not a whole number"},
    {"[storage]\nreserve = 64\n",
     "2: storage.reserve = 64: is not a size such as 512KiB, 64MiB or 1TiB"},
    {"[daemon]\nclock = moon\n", "2: daemon.clock = moon: is none of: system manual"},
    {"[net]\ncommand =\n", "2: net.command = : names no endpoint"},
    {"[request]\nttl = 90d\n\nttl = 91d\n", "4: request.ttl is set already, in line 2"},
    {"[tier.free]\nconnect.day = 1\nconnect.day = 2\n",
     "3: tier.free.connect.day is set already, in line 2"},
    {"[tier.free]\nconnect.dya = 1\n",
     "2: tier.free.connect.dya: no such setting; did you mean tier.free.connect.day?"},
    {"[tier.free]\nconnect.day = 1001\n",
     "2: tier.free.connect.day = 1001: is above the most, 1000"},
    {"[request\nttl = 90d\n", "1: the section's name needs a closing ]"},
    {"[request]\nnonsense\n", "2: expected [section], name = value, or # a comment"},
    {"[request]\nnonsense", "2: expected [section], name = value, or # a comment"},
    {"[request]\nttl = 90d # really\n",
     "2: request.ttl = 90d # really: is not a duration such as 30s, 15m, 24h or 21d"},
    {"[tier.5678901234567890123456789012345678901234567890]\n",
     "1: a section's name has at most 49 bytes"},
};

static void
test_each_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(mistakes); i++) {
        /* What follows a section that cannot be read is found to be misplaced as well. */
        if (mistakes[i].text[0] == '[' && !strchr(mistakes[i].text, ']'))
            continue;
        expect_file(mistakes[i].text, mistakes[i].problem);
    }
    expect_file("[request\n", "1: the section's name needs a closing ]");
}

static void
test_all_mistakes_are_told(void **state)
{
    static const char text[] = "[request]\nttl = x\nfoo\n[nte]\nmax = 5\n[storage]\nreserve = 1\n";
    struct temporary file;
    struct problems problems;
    (void)state;
    write_file(&file, text, sizeof(text) - 1);
    load(&problems, file.path, NULL, 0, no_environment);
    unlink(file.path);
    assert_int_equal(problems.count, 4);
    unsigned lines[] = {2, 3, 5, 7}, i = 0;
    for (const char *told = NULL; (told = problems_next(&problems, told)); i++)
        assert_int_equal(strtoul(told + strlen(file.path) + 1, NULL, 10), lines[i]);
    assert_int_equal(i, 4);
    problems_fini(&problems);
}

static void
test_hostile_files(void **state)
{
    struct temporary file;
    struct problems problems;
    (void)state;

    char text[5000];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 20, "\n[request]\nttl = 1d\n\n", 20);
    write_file(&file, text, sizeof(text));
    load(&problems, file.path, NULL, 0, no_environment);
    assert_int_equal(problems.count, 1); /* the long line; what follows is read */
    assert_int_equal(config.settings.request_ttl, DAY_MS);
    unlink(file.path);
    problems_fini(&problems);

    write_file(&file, "[request]\nt\0tl = 1d\n", 20);
    load(&problems, file.path, NULL, 0, no_environment);
    assert_int_equal(problems.count, 1);
    unlink(file.path);
    problems_fini(&problems);

    load(&problems, "/nonexistent/kithd.conf", NULL, 0, no_environment);
    assert_string_equal(problems_next(&problems, NULL),
                        "/nonexistent/kithd.conf: No such file or directory");
    problems_fini(&problems);

    load(&problems, "/tmp", NULL, 0, no_environment);
    assert_int_equal(problems.count, 1);
    problems_fini(&problems);

    memset(text, 'x', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = '\n';
    write_file(&file, text, sizeof(text));
    load(&problems, file.path, NULL, 0, no_environment);
    assert_int_equal(problems.count, sizeof(text) / 2);
    unsigned told = 0;
    for (const char *line = NULL; (line = problems_next(&problems, line));)
        told++;
    assert_int_equal(told, PROBLEMS_COUNT_MAX);
    unlink(file.path);
    problems_fini(&problems);
}

static void
test_a_new_tier_starts_with_the_limits_of_free(void **state)
{
    (void)state;
    expect_file("[tier.free]\nconnect.week = 70\n[tier.gold]\nconnect.day = 500\n", NULL);
    const struct tier *gold = settings_tier(&config.settings, slice_str("gold"));
    assert_non_null(gold);
    assert_int_equal(gold->connect_day, 500);
    assert_int_equal(gold->connect_week, 70);
    assert_int_equal(config.settings.tier_count, 4);
}

static const char *
systemd_environment(const char *name)
{
    return strcmp(name, "STATE_DIRECTORY") == 0     ? "/var/lib/kith:/var/lib/other"
           : strcmp(name, "RUNTIME_DIRECTORY") == 0 ? "/run/kithd"
           : strcmp(name, "XDG_RUNTIME_DIR") == 0   ? "/run/user/7"
                                                    : NULL;
}

static const char *
user_environment(const char *name)
{
    return strcmp(name, "XDG_RUNTIME_DIR") == 0 ? "/run/user/7" : NULL;
}

static void
test_default_places(void **state)
{
    (void)state;
    config_init(&config, no_environment);
    assert_string_equal(config.data, "./kith-data");
    assert_string_equal(config.command.url[0], "ipc:///run/kith/command.ipc");
    assert_string_equal(config.events.url[0], "ipc:///run/kith/events.ipc");
    config_init(&config, user_environment);
    assert_string_equal(config.command.url[0], "ipc:///run/user/7/kith/command.ipc");
    config_init(&config, systemd_environment);
    assert_string_equal(config.data, "/var/lib/kith");
    assert_string_equal(config.command.url[0], "ipc:///run/kithd/command.ipc");
    assert_int_equal(config.command.count, 1);
}

static const char *
kith_environment(const char *name)
{
    return strcmp(name, "KITH_DATA") == 0     ? "/from/environment"
           : strcmp(name, "KITH_EVENTS") == 0 ? "ipc:///from/environment"
                                              : NULL;
}

static void
test_flags_before_environment_before_file_before_defaults(void **state)
{
    static const char text[] = "[storage]\ndata = /from/file\nreserve = 1MiB\n"
                               "[net]\nevents = ipc:///from/file\ncommand = ipc:///from/file\n";
    struct temporary file;
    struct problems problems;
    static struct flags flags;
    (void)state;
    write_file(&file, text, sizeof(text) - 1);
    char *words[] = {(char[]){"kithd"},     (char[]){"--data=/from/flag"},
                     (char[]){"--command"}, (char[]){"ipc:///one"},
                     (char[]){"--command"}, (char[]){"tcp://127.0.0.1:5"},
                     (char[]){"--config"},  file.path,
                     (char[]){"--set"},     (char[]){"request.ttl=5d"}};
    problems_init(&problems);
    flags_read(&flags, ARRAY_COUNT(words), words, kith_environment, &problems);
    assert_int_equal(problems.count, 0);
    assert_string_equal(flags.file, file.path);

    load(&problems, flags.file, flags.values, flags.value_count, kith_environment);
    unlink(file.path);
    assert_int_equal(problems.count, 0);
    assert_string_equal(config.data, "/from/flag");
    assert_string_equal(config.events.url[0], "ipc:///from/environment");
    assert_int_equal(config.events.count, 1);
    assert_int_equal(config.command.count, 2); /* the flags', together, instead of the file's */
    assert_string_equal(config.command.url[0], "ipc:///one");
    assert_string_equal(config.command.url[1], "tcp://127.0.0.1:5");
    assert_int_equal(config.reserve, MIB);
    assert_int_equal(config.settings.request_ttl, 5 * DAY_MS);
    assert_int_equal(config.settings.note_max, 300);
    problems_fini(&problems);
}

static const struct {
    const char *words[3];
    const char *problem;
} wrong_flags[] = {
    {{"--dta=x"}, "--dta: no such flag; did you mean --data?"},
    {{"--frobnicate"}, "--frobnicate: no such flag; kithd --help lists all"},
    {{"serve"}, "serve: no such flag; kithd --help lists all"},
    {{"--data"}, "--data needs its DIR"},
    {{"--check=yes"}, "--check takes nothing"},
    {{"--set", "request.ttl"}, "--set request.ttl: expected KEY=VALUE"},
    {{"--online"}, "--online goes with --verify"},
    {{"--rate", "1MiB"}, "--rate goes with --verify"},
    {{"--verify", "--rate=65535"},
     "--rate 65535: expected a size such as 512KiB, 64MiB or 1TiB, from 64KiB up"},
    {{"--verify", "--rate=63KiB"},
     "--rate 63KiB: expected a size such as 512KiB, 64MiB or 1TiB, from 64KiB up"},
};

static void
test_wrong_flags(void **state)
{
    static struct flags flags;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong_flags); i++) {
        struct problems problems;
        char copies[3][64], *words[4] = {(char[]){"kithd"}};
        int count = 1;
        for (; count < 4 && wrong_flags[i].words[count - 1]; count++) {
            snprintf(copies[count - 1], 64, "%s", wrong_flags[i].words[count - 1]);
            words[count] = copies[count - 1];
        }
        problems_init(&problems);
        flags_read(&flags, count, words, no_environment, &problems);
        assert_int_equal(problems.count, 1);
        assert_string_equal(problems_next(&problems, NULL), wrong_flags[i].problem);
        problems_fini(&problems);
    }
}

static void
test_too_many_flags(void **state)
{
    static struct flags flags;
    struct problems problems;
    char *words[FLAGS_VALUE_COUNT_MAX + 2], word[] = "--set", flag[] = "--set=note.max=5";
    (void)state;
    words[0] = word;
    for (unsigned i = 1; i < ARRAY_COUNT(words); i++)
        words[i] = flag;
    problems_init(&problems);
    flags_read(&flags, ARRAY_COUNT(words) - 1, words, no_environment, &problems);
    assert_int_equal(problems.count, 0);
    flags_read(&flags, ARRAY_COUNT(words), words, no_environment, &problems);
    assert_int_equal(problems.count, 1);
    problems_fini(&problems);
}

/* The reference sets nothing; with its # taken away it is right, and says what is so anyway. */
static void
test_the_reference_is_true(void **state)
{
    static struct config defaults;
    struct temporary file;
    struct problems problems;
    char *text = NULL, line[512];
    size_t size = 0;
    unsigned set_count = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    config_print_reference(out);
    fclose(out);

    snprintf(file.path, sizeof(file.path), "/tmp/kith-test-config-XXXXXX");
    out = fdopen(mkstemp(file.path), "w");
    FILE *in = fmemopen(text, size, "r");
    while (fgets(line, sizeof(line), in)) {
        bool setting = line[0] == '#' && line[1] != ' ' && line[1] != '\n';
        set_count += setting;
        fputs(line + setting, out);
    }
    fclose(in);
    fclose(out);
    free(text);

    load(&problems, file.path, NULL, 0, no_environment);
    unlink(file.path);
    assert_null(problems_next(&problems, NULL));
    assert_int_equal(set_count, config_row_count + config_tier_row_count);
    config_init(&defaults, no_environment);
    assert_memory_equal(&config.settings, &defaults.settings, sizeof(config.settings));
    assert_int_equal(config.map_size, defaults.map_size);
    assert_int_equal(config.reserve, defaults.reserve);
    problems_fini(&problems);
}

static unsigned told_count;
static char told_line[512];

static void
tell(const char *line)
{
    told_count++;
    snprintf(told_line, sizeof(told_line), "%s", line);
}

static void
expect_change(const char *key, const char *text, const char *line)
{
    static struct config next;
    struct problems problems;
    problems_init(&problems);
    config_init(&config, no_environment);
    config_init(&next, no_environment);
    config_set(&next, key, text, (struct config_origin){.what = "file", .line = 1}, "f:1",
               &problems);
    assert_int_equal(problems.count, 0);
    told_count = 0;
    config_apply(&config, &next, tell);
    assert_int_equal(told_count, 1);
    assert_string_equal(told_line, line);
    problems_fini(&problems);
}

static void
test_reload(void **state)
{
    (void)state;
    expect_change("request.ttl", "90d", "request.ttl: 90d, was 180d");
    assert_int_equal(config.settings.request_ttl, 90 * DAY_MS);
    expect_change("storage.reserve", "1MiB", "storage.reserve: 1MiB, was 64MiB");
    assert_int_equal(config.reserve, MIB);
    expect_change("tier.free.connect.day", "7", "tier.free.connect.day: 7, was 25");
    assert_int_equal(config.settings.tiers[0].connect_day, 7);
    expect_change("tier.gold.connect.day", "7", "tier.gold: new");
    assert_int_equal(config.settings.tier_count, 4);
    expect_change("storage.map_size", "32MiB",
                  "storage.map_size: 32MiB takes effect with a restart; still 1TiB");
    assert_int_equal(config.map_size, TIB);
    expect_change("net.command", "ipc://x",
                  "net.command: ipc://x takes effect with a restart; still "
                  "ipc:///run/kith/command.ipc");
    assert_string_equal(config.command.url[0], "ipc:///run/kith/command.ipc");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake),
        cmocka_unit_test(test_all_mistakes_are_told),
        cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_a_new_tier_starts_with_the_limits_of_free),
        cmocka_unit_test(test_default_places),
        cmocka_unit_test(test_flags_before_environment_before_file_before_defaults),
        cmocka_unit_test(test_wrong_flags),
        cmocka_unit_test(test_too_many_flags),
        cmocka_unit_test(test_the_reference_is_true),
        cmocka_unit_test(test_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
