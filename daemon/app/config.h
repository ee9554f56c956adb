/* app/config.h: everything an operator may set, and where each value came from.
 *
 * One table (config_rows) knows every setting: its key, kind, default, bounds, whether HUP changes
 * it, and its help. It is made of the lists in core/settings.h and the one below. A key is the
 * section and the name in the file, joined by a dot: `ttl` in [request] is `request.ttl`. A limit
 * of a tier stands in [tier.NAME]; naming a new tier makes it, with the limits of free.
 *
 * A value is taken from the flags, else the environment, else the file, else the default. All that
 * is wrong is told at once, not the first alone.
 *
 * Layer: app. Thread: loop thread only. Blocking: config_load() reads a file.
 */
#ifndef KITH_APP_CONFIG_H
#define KITH_APP_CONFIG_H

#include <stdio.h>

#include "app/problems.h"
#include "app/units.h"
#include "core/settings.h"

#define CONFIG_PATH_SIZE_MAX 1024 /* of a path, its end included */
#define CONFIG_URL_SIZE_MAX  256  /* a host name has at most 253 bytes, an ipc path 107 */
#define CONFIG_URL_COUNT_MAX 16   /* of each kind */
#define CONFIG_FLAG_SIZE_MAX 128  /* a setting's key, its end included */

#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/* clang-format off */
#define CONFIG_NUMBER_LIST(X) /* field, key, unit, default, min, max, when, help */                 \
    X(map_size,          "storage.map_size",          SIZE,     1 * TIB,   16 * MIB,  64 * TIB,       RESTART, "address space reserved for the log, and again for the views")          \
    X(overlay_size,      "storage.overlay_size",      SIZE,     320 * MIB, 4 * MIB,   1 * TIB,        RESTART, "memory for changes not yet checkpointed; full, commands wait")         \
    X(checkpoint_events, "storage.checkpoint_events", COUNT,    350000,    1,         100000000,      RESTART, "a checkpoint of the views begins after this many events")              \
    X(checkpoint_ms,     "storage.checkpoint_every",  DURATION, 5 * SECOND_MS, 10,     HOUR_MS,        RESTART, "or after this long, whichever comes first")                            \
    X(checkpoint_memory, "storage.checkpoint_memory", SIZE,     32 * MIB,  16 * KIB,  1 * TIB,        RESTART, "memory for pages that a checkpoint changes; full, they are committed, and it goes on") \
    X(commit_aside,      "storage.commit_aside",      COUNT,    64,        0,         8192,           LIVE,    "batches of so many messages, or events, are committed by a thread meanwhile; 0: none")               \
    X(reserve,           "storage.reserve",           SIZE,     64 * MIB,  0,         1 * TIB,        LIVE,    "with less room left on the disk, commands are refused; 0: never")      \
    X(connections_max,   "net.connections_max",       COUNT,    4096,      1,         60000,          RESTART, "peers connected at once; more are turned away")                        \
    X(kept_size,         "net.kept_size",             SIZE,     8 * MIB,   1 * MIB,   1 * GIB,        RESTART, "replies kept for one peer that does not read")                         \
    X(kept_ms,           "net.kept_for",              DURATION, 10 * SECOND_MS, SECOND_MS, HOUR_MS,   RESTART, "and how long they are kept")                                           \
    X(wait_max_ms,       "net.wait_max",              DURATION, 100,       1,         HOUR_MS,        LIVE,    "overloaded, what waited longer to be taken is answered busy")
/* clang-format on */

struct config_urls {
    unsigned count;
    char url[CONFIG_URL_COUNT_MAX][CONFIG_URL_SIZE_MAX];
};

/* Where a value came from: the default, a line of the file, a variable, a flag. */
struct config_origin {
    const char *what; /* borrowed for ever; "default", "file", "KITH_DATA", "--data" … */
    unsigned line;    /* in the file, else 0 */
};

#define CONFIG_ROW_COUNT_MAX        64
#define CONFIG_TIER_LIMIT_COUNT_MAX 32

struct config {
    char file[CONFIG_PATH_SIZE_MAX]; /* "" if there is none */
    char data[CONFIG_PATH_SIZE_MAX];
    struct config_urls command, events;
    int64_t clock; /* enum config_clock */
#define X(field, key, unit, value, min, max, when, help) int64_t field;
    CONFIG_NUMBER_LIST(X)
#undef X
    struct settings settings;
    struct config_origin origins[CONFIG_ROW_COUNT_MAX]; /* one a row of config_rows */
    struct config_origin tier_origins[TIER_COUNT_MAX][CONFIG_TIER_LIMIT_COUNT_MAX];
};

enum config_clock { CONFIG_CLOCK_SYSTEM, CONFIG_CLOCK_MANUAL };

enum config_kind {
    CONFIG_COUNT,
    CONFIG_DURATION,
    CONFIG_SIZE,
    CONFIG_PATH,  /* char[CONFIG_PATH_SIZE_MAX] */
    CONFIG_URLS,  /* struct config_urls; separated by spaces or commas */
    CONFIG_CHOICE /* int64_t: the position in `choices` */
};

enum config_when { CONFIG_RESTART, CONFIG_LIVE };

struct config_row {
    const char *key;
    enum config_kind kind;
    enum config_when when; /* what a change needs */
    size_t offset;         /* into struct config; of a tier's limit into struct tier */
    int64_t value;         /* the default of a number or choice */
    int64_t min, max;
    const char *choices; /* separated by spaces; else NULL */
    const char *sample;  /* for the reference, where the default depends on the environment */
    const char *help;
};

extern const struct config_row config_rows[];
extern const unsigned config_row_count;
extern const struct config_row config_tier_rows[]; /* keys without `tier.NAME.` */
extern const unsigned config_tier_row_count;

/* One value given on the command line or in the environment. */
struct config_value {
    const char *what; /* "--data", "KITH_DATA": for messages; borrowed for ever */
    const char *key, *text;
};

struct config_sources {
    const char *file;                  /* NULL: none */
    const struct config_value *values; /* in rising precedence */
    unsigned value_count;
    const char *(*lookup)(const char *); /* getenv(): $STATE_DIRECTORY and its like */
};

/* The defaults. @lookup as in config_sources. */
void config_init(struct config *config, const char *(*lookup)(const char *));

/* Defaults, file, values. What is wrong is added to @problems, and @config is then not to be
 * used. */
void config_load(struct config *config, const struct config_sources *sources,
                 struct problems *problems);

/* Set one value. @where begins the message if it is wrong, as in `kithd.conf:12`. */
void config_set(struct config *config, const char *key, const char *text,
                struct config_origin origin, const char *where, struct problems *problems);

/* Read @config->file. One function a file: config_file.c. */
void config_read_file(struct config *config, struct problems *problems);

/* A value as one would write it, cut to @size. @base: a struct config, or a struct tier for a row
 * of config_tier_rows. Returns @out. */
const char *config_print_value(const struct config_row *row, const void *base, char *out,
                               size_t size);

/* Every setting with its value and where that came from. */
void config_print(const struct config *config, FILE *out);

/* The reference: a file that sets nothing and explains everything. */
void config_print_reference(FILE *out);

/* Take over from @next what may change while running. @tell is called with a line for each
 * difference, those that need a restart included. */
void config_apply(struct config *config, const struct config *next, void (*tell)(const char *line));

#endif
