#include "app/config.h"

#include <stdlib.h>

#include "app/config_value.h"
#include "base/assert.h"
#include "base/nearest.h"

#define TIER_PREFIX    "tier."
#define LINE_SIZE_MAX  1024
#define VALUE_SIZE_MAX 512
#define DIR_DATA       "./kith-data"
#define DIR_RUNTIME    "/run/kith"

/* The first directory of a variable that systemd sets: a list separated by colons. */
static bool
first_directory(const char *list, char out[CONFIG_PATH_SIZE_MAX])
{
    size_t size = list ? strcspn(list, ":") : 0;
    if (size == 0 || size >= CONFIG_PATH_SIZE_MAX)
        return false;
    memcpy(out, list, size);
    out[size] = '\0';
    return true;
}

static void
default_url(struct config_urls *urls, const char *dir, const char *name)
{
    *urls = (struct config_urls){.count = 1};
    int wanted = snprintf(urls->url[0], CONFIG_URL_SIZE_MAX, "ipc://%s/%s", dir, name);
    if (wanted >= CONFIG_URL_SIZE_MAX) /* A directory too long for a socket anyway. */
        snprintf(urls->url[0], CONFIG_URL_SIZE_MAX, "ipc://%s/%s", DIR_RUNTIME, name);
}

static void
default_places(struct config *config, const char *(*lookup)(const char *))
{
    if (!first_directory(lookup("STATE_DIRECTORY"), config->data))
        snprintf(config->data, sizeof(config->data), DIR_DATA);

    char dir[CONFIG_PATH_SIZE_MAX];
    const char *user_dir = lookup("XDG_RUNTIME_DIR");
    if (first_directory(lookup("RUNTIME_DIRECTORY"), dir))
        ;
    else if (user_dir && user_dir[0] == '/' && strlen(user_dir) < CONFIG_URL_SIZE_MAX)
        snprintf(dir, sizeof(dir), "%s/kith", user_dir);
    else
        snprintf(dir, sizeof(dir), DIR_RUNTIME);
    default_url(&config->command, dir, "command.ipc");
    default_url(&config->events, dir, "events.ipc");
}

void
config_init(struct config *config, const char *(*lookup)(const char *))
{
    const struct config_origin origin = {.what = "default"};
    *config = (struct config){0};
    settings_init(&config->settings);
    default_places(config, lookup);
    for (unsigned i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        config->origins[i] = origin;
        if (row->kind != CONFIG_PATH && row->kind != CONFIG_URLS)
            memcpy((char *)config + row->offset, &row->value, sizeof(row->value));
    }
    for (unsigned tier = 0; tier < TIER_COUNT_MAX; tier++)
        for (unsigned i = 0; i < config_tier_row_count; i++)
            config->tier_origins[tier][i] = origin;
}

/* Where one value goes, and where it came from before. */
struct target {
    const struct config_row *row;
    void *base;
    struct config_origin *origin;
};

static void
suggest(const struct config_row *rows, unsigned count, const char *prefix, const char *key,
        const char *where, struct problems *problems)
{
    const char *words[CONFIG_ROW_COUNT_MAX];
    assert(count <= CONFIG_ROW_COUNT_MAX);
    for (unsigned i = 0; i < count; i++)
        words[i] = rows[i].key;
    const char *nearest = nearest_of(key, words, count);
    if (nearest)
        problems_add(problems, "%s: %s%s: no such setting; did you mean %s%s?", where, prefix, key,
                     prefix, nearest);
    else
        problems_add(problems, "%s: %s%s: no such setting; kithd --print-config lists all", where,
                     prefix, key);
}

static bool
find_plain(struct config *config, const char *key, const char *where, struct target *target,
           struct problems *problems)
{
    for (unsigned i = 0; i < config_row_count; i++) {
        if (strcmp(config_rows[i].key, key) != 0)
            continue;
        *target = (struct target){&config_rows[i], config, &config->origins[i]};
        return true;
    }
    suggest(config_rows, config_row_count, "", key, where, problems);
    return false;
}

/* The tier of that name, made if there is none. */
static struct tier *
find_tier(struct settings *settings, struct slice name, const char *where,
          struct problems *problems)
{
    for (unsigned i = 0; i < settings->tier_count; i++)
        if (slice_is(name, settings->tiers[i].name))
            return &settings->tiers[i];
    struct tier *tier = settings_add_tier(settings, name);
    if (!tier)
        problems_add(problems, "%s: tier.%.*s: at most %d tiers, with names of 1 to %d bytes",
                     where, (int)name.size, (const char *)name.data, TIER_COUNT_MAX,
                     TIER_NAME_SIZE_MAX);
    return tier;
}

/* A tier's name may have dots itself, so the limit is looked for at the end of the key. */
static bool
find_tier_limit(struct config *config, const char *key, const char *where, struct target *target,
                struct problems *problems)
{
    const char *name = key + strlen(TIER_PREFIX);
    size_t size = strlen(name);
    for (unsigned i = 0; i < config_tier_row_count; i++) {
        const struct config_row *row = &config_tier_rows[i];
        size_t limit_size = strlen(row->key);
        if (size < limit_size + 2 || name[size - limit_size - 1] != '.' ||
            strcmp(name + size - limit_size, row->key) != 0)
            continue;
        struct slice tier_name = slice_of(name, size - limit_size - 1);
        struct tier *tier = find_tier(&config->settings, tier_name, where, problems);
        if (!tier)
            return false;
        *target =
            (struct target){row, tier, &config->tier_origins[tier - config->settings.tiers][i]};
        return true;
    }
    size_t prefix_size = strcspn(name, ".");
    char prefix[LINE_SIZE_MAX];
    const char *limit = name[prefix_size] ? name + prefix_size + 1 : "";
    snprintf(prefix, sizeof(prefix), "%.*s", (int)(limit - key) * (*limit != '\0'), key);
    suggest(config_tier_rows, config_tier_row_count, prefix, *limit ? limit : key, where, problems);
    return false;
}

void
config_set(struct config *config, const char *key, const char *text, struct config_origin origin,
           const char *where, struct problems *problems)
{
    assert(origin.what != NULL);
    struct target target;
    bool found = strncmp(key, TIER_PREFIX, strlen(TIER_PREFIX)) == 0
                     ? find_tier_limit(config, key, where, &target, problems)
                     : find_plain(config, key, where, &target, problems);
    if (!found)
        return;

    bool again = target.origin->what == origin.what;
    if (again && origin.line > 0 && target.row->kind != CONFIG_URLS) {
        problems_add(problems, "%s: %s is set already, in line %u", where, key,
                     target.origin->line);
        return;
    }
    char wrong[VALUE_WRONG_SIZE];
    if (!config_value_read(target.row, target.base, text, again, wrong))
        problems_add(problems, "%s: %s = %s: %s", where, key, text, wrong);
    else
        *target.origin = origin;
}

void
config_load(struct config *config, const struct config_sources *sources, struct problems *problems)
{
    config_init(config, sources->lookup);
    if (sources->file) {
        if (strlen(sources->file) >= sizeof(config->file))
            problems_add(problems, "the configuration file's path is longer than %d bytes",
                         CONFIG_PATH_SIZE_MAX - 1);
        else
            memcpy(config->file, sources->file, strlen(sources->file) + 1);
    }
    if (config->file[0])
        config_read_file(config, problems);
    for (unsigned i = 0; i < sources->value_count; i++) {
        const struct config_value *value = &sources->values[i];
        config_set(config, value->key, value->text, (struct config_origin){.what = value->what},
                   value->what, problems);
    }
}

static void
tell_difference(const struct config_row *row, const char *prefix, const void *before,
                const void *after, void (*tell)(const char *line))
{
    char old[VALUE_SIZE_MAX], new[VALUE_SIZE_MAX], line[2 * VALUE_SIZE_MAX + LINE_SIZE_MAX];
    config_print_value(row, before, old, sizeof(old));
    config_print_value(row, after, new, sizeof(new));
    snprintf(line, sizeof(line),
             row->when == CONFIG_LIVE ? "%s%s: %s, was %s"
                                      : "%s%s: %s takes effect with a restart; still %s",
             prefix, row->key, new, old);
    tell(line);
}

static void
apply_tiers(const struct settings *settings, const struct settings *next,
            void (*tell)(const char *line))
{
    for (unsigned tier = 0; tier < next->tier_count; tier++) {
        const struct tier *after = &next->tiers[tier];
        const struct tier *before = settings_tier(settings, slice_str(after->name));
        char prefix[LINE_SIZE_MAX];
        snprintf(prefix, sizeof(prefix), TIER_PREFIX "%s%s", after->name, before ? "." : ": new");
        if (!before)
            tell(prefix);
        for (unsigned i = 0; before && i < config_tier_row_count; i++)
            if (!config_value_equal(&config_tier_rows[i], before, after))
                tell_difference(&config_tier_rows[i], prefix, before, after, tell);
    }
    for (unsigned tier = 0; tier < settings->tier_count; tier++) {
        const char *name = settings->tiers[tier].name;
        char line[LINE_SIZE_MAX];
        snprintf(line, sizeof(line), TIER_PREFIX "%s: gone", name);
        if (!settings_tier(next, slice_str(name)))
            tell(line);
    }
}

void
config_apply(struct config *config, const struct config *next, void (*tell)(const char *line))
{
    for (unsigned i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (config_value_equal(row, config, next))
            continue;
        tell_difference(row, "", config, next, tell);
        if (row->when == CONFIG_RESTART)
            continue;
        config_value_copy(row, config, next);
        config->origins[i] = next->origins[i];
    }
    apply_tiers(&config->settings, &next->settings, tell);
    memcpy(config->settings.tiers, next->settings.tiers, sizeof(config->settings.tiers));
    config->settings.tier_count = next->settings.tier_count;
    memcpy(config->tier_origins, next->tier_origins, sizeof(config->tier_origins));
}
