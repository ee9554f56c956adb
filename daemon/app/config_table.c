#include "app/config.h"
#include "base/assert.h"

#define CONFIG_TEXT_ROW(field, name, type, example, text)                             \
    {                                                                                 \
        .key = name, .kind = CONFIG_##type, .offset = offsetof(struct config, field), \
        .sample = example, .help = text                                               \
    }

/* In the order of the reference. */
const struct config_row config_rows[] = {
    {.key = "daemon.clock",
     .kind = CONFIG_CHOICE,
     .offset = offsetof(struct config, clock),
     .choices = "system manual",
     .help = "manual: time stands still and is moved by clock.advance; for tests only"},
    CONFIG_TEXT_ROW(data, "storage.data", PATH, "/var/lib/kith",
                    "the data directory; default $STATE_DIRECTORY, else ./kith-data"),
    CONFIG_TEXT_ROW(command, "net.command", URLS, "ipc:///run/kith/command.ipc",
                    "where commands and queries come in: ipc://PATH or tcp://ADDRESS:PORT"),
    CONFIG_TEXT_ROW(events, "net.events", URLS, "ipc:///run/kith/events.ipc",
                    "where events are published"),
#define X(name, text, unit, initial, least, most, moment, words) \
    {.key = text,                                                \
     .kind = CONFIG_##unit,                                      \
     .when = CONFIG_##moment,                                    \
     .offset = offsetof(struct config, name),                    \
     .value = initial,                                           \
     .min = least,                                               \
     .max = most,                                                \
     .help = words},
    CONFIG_NUMBER_LIST(X)
#undef X
#define X(name, text, unit, initial, least, most, words) \
    {.key = text,                                        \
     .kind = CONFIG_##unit,                              \
     .when = CONFIG_LIVE,                                \
     .offset = offsetof(struct config, settings.name),   \
     .value = initial,                                   \
     .min = least,                                       \
     .max = most,                                        \
     .help = words},
        SETTING_LIST(X)
#undef X
};

const unsigned config_row_count = ARRAY_COUNT(config_rows);

const struct config_row config_tier_rows[] = {
#define X(name, text, free_default, premium_default, most, words) \
    {.key = text,                                                 \
     .kind = CONFIG_COUNT,                                        \
     .when = CONFIG_LIVE,                                         \
     .offset = offsetof(struct tier, name),                       \
     .value = free_default,                                       \
     .max = most,                                                 \
     .help = words},
    TIER_LIMIT_LIST(X)
#undef X
};

const unsigned config_tier_row_count = ARRAY_COUNT(config_tier_rows);

_Static_assert(ARRAY_COUNT(config_rows) <= CONFIG_ROW_COUNT_MAX, "raise CONFIG_ROW_COUNT_MAX");
_Static_assert(ARRAY_COUNT(config_tier_rows) <= CONFIG_TIER_LIMIT_COUNT_MAX,
               "raise CONFIG_TIER_LIMIT_COUNT_MAX");
