#include "app/config_value.h"
#include "base/assert.h"

#define VALUE_SIZE_MAX 4200 /* all endpoints of a kind */
#define KEY_SIZE_MAX   160

static void
print_line(const struct config_row *row, const char *prefix, const void *base,
           const struct config_origin *origin, const char *file, FILE *out)
{
    char key[KEY_SIZE_MAX], value[VALUE_SIZE_MAX];
    snprintf(key, sizeof(key), "%s%s", prefix, row->key);
    config_print_value(row, base, value, sizeof(value));
    if (origin->line > 0)
        fprintf(out, "%-32s = %-12s  # %s:%u\n", key, value, file, origin->line);
    else
        fprintf(out, "%-32s = %-12s  # %s\n", key, value, origin->what);
}

void
config_print(const struct config *config, FILE *out)
{
    for (unsigned i = 0; i < config_row_count; i++)
        print_line(&config_rows[i], "", config, &config->origins[i], config->file, out);
    for (unsigned tier = 0; tier < config->settings.tier_count; tier++) {
        char prefix[KEY_SIZE_MAX / 2];
        snprintf(prefix, sizeof(prefix), "tier.%s.", config->settings.tiers[tier].name);
        for (unsigned i = 0; i < config_tier_row_count; i++)
            print_line(&config_tier_rows[i], prefix, &config->settings.tiers[tier],
                       &config->tier_origins[tier][i], config->file, out);
    }
}

static const char reference_head[] =
    "# kithd.conf: every setting, with its default. Nothing here needs to be set.\n"
    "#\n"
    "# Flags come before the environment (KITH_DATA, KITH_COMMAND, KITH_EVENTS), that before this\n"
    "# file. `kithd --check --config FILE` tells every mistake and what would be in force. A "
    "comment\n"
    "# stands on a line of its own. HUP makes the daemon read the file again; what needs a "
    "restart\n"
    "# says so.\n";

static void
print_bounds(const struct config_row *row, FILE *out)
{
    char least[UNITS_TEXT_SIZE], most[UNITS_TEXT_SIZE];
    switch (row->kind) {
    case CONFIG_COUNT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        fprintf(out, "# %s to %s", units_print(config_value_unit(row->kind), row->min, least),
                units_print(config_value_unit(row->kind), row->max, most));
        break;
    case CONFIG_PATH:
        fprintf(out, "# a path");
        break;
    case CONFIG_URLS:
        fprintf(out, "# at most %d endpoints, separated by spaces", CONFIG_URL_COUNT_MAX);
        break;
    case CONFIG_CHOICE:
        fprintf(out, "# one of: %s", row->choices);
        break;
    }
    fprintf(out, row->when == CONFIG_RESTART ? "; needs a restart\n" : "\n");
}

static void
print_reference_row(const struct config_row *row, const void *base, const char *name, FILE *out)
{
    char value[VALUE_SIZE_MAX];
    fprintf(out, "\n# %s\n", row->help);
    print_bounds(row, out);
    fprintf(out, "#%s = %s\n", name,
            row->sample ? row->sample : config_print_value(row, base, value, sizeof(value)));
}

static const char *
no_environment(const char *name)
{
    (void)name;
    return NULL;
}

void
config_print_reference(FILE *out)
{
    static struct config config;
    size_t section_size = 0;
    config_init(&config, no_environment);
    fputs(reference_head, out);
    for (unsigned i = 0; i < config_row_count; i++) {
        const char *key = config_rows[i].key;
        if (i == 0 || strncmp(key, config_rows[i - 1].key, section_size + 1) != 0) {
            section_size = strcspn(key, ".");
            fprintf(out, "\n[%.*s]\n", (int)section_size, key);
        }
        assert(key[section_size] == '.');
        print_reference_row(&config_rows[i], &config, key + section_size + 1, out);
    }
    fprintf(out, "\n# Limits of a tier; 0 is none. There are free, premium and unlimited (all 0);\n"
                 "# a section with another name makes that tier, with the limits of free.\n"
                 "[tier.free]\n");
    for (unsigned i = 0; i < config_tier_row_count; i++)
        print_reference_row(&config_tier_rows[i], &config.settings.tiers[0],
                            config_tier_rows[i].key, out);
}
