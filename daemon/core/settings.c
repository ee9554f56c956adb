#include "core/settings.h"

static const struct settings defaults = {
#define X(field, key, unit, value, min, max, help) .field = value,
    SETTING_LIST(X)
#undef X
        .tiers =
        {
            {.name = "free",
#define X(field, key, free_default, premium_default, max, help) .field = free_default,
             TIER_LIMIT_LIST(X)
#undef X
            },
            {.name = "premium",
#define X(field, key, free_default, premium_default, max, help) .field = premium_default,
             TIER_LIMIT_LIST(X)
#undef X
            },
            {.name = "unlimited"},
        },
    .tier_count = 3,
};

void
settings_init(struct settings *settings)
{
    *settings = defaults;
}

const struct tier *
settings_tier(const struct settings *settings, struct slice name)
{
    if (name.size == 0 || name.size > TIER_NAME_SIZE_MAX)
        return NULL;
    for (unsigned i = 0; i < settings->tier_count; i++) {
        const char *own = settings->tiers[i].name;
        if (own[0] == (char)name.data[0] && own[name.size] == 0 &&
            memcmp(own, name.data, name.size) == 0)
            return &settings->tiers[i];
    }
    return NULL;
}

struct tier *
settings_add_tier(struct settings *settings, struct slice name)
{
    if (name.size == 0 || name.size > TIER_NAME_SIZE_MAX)
        return NULL;
    if (settings->tier_count == TIER_COUNT_MAX || settings_tier(settings, name))
        return NULL;
    struct tier *tier = &settings->tiers[settings->tier_count++];
    *tier = settings->tiers[0];
    memset(tier->name, 0, sizeof(tier->name));
    memcpy(tier->name, name.data, name.size);
    return tier;
}
