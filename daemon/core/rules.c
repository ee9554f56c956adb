#include "core/rules.h"

const struct tier *
rules_tier(const struct rules *rules, const struct member *member)
{
    const struct tier *tier = settings_tier(rules->settings, member->tier);
    return tier ? tier : &rules->settings->tiers[0];
}

bool
rules_is_full(const struct rules *rules, const struct member *member)
{
    uint64_t max = rules_tier(rules, member)->connections_max;
    return max > 0 && member->connections >= max;
}

bool
rules_is_new(const struct rules *rules, const struct member *member, msec_t now_ms)
{
    return now_ms - (msec_t)member->since_ms < rules->settings->account_new;
}
