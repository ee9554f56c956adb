/* Settings and the tiers of members. */
#include "facts.h"

static void
test_three_tiers_are_built_in(void **state)
{
    (void)state;
    static const char long_name[TIER_NAME_SIZE_MAX + 1] = "free";
    assert_int_equal(settings.tier_count, 3);
    assert_string_equal(settings.tiers[0].name, "free");
    assert_string_equal(settings.tiers[1].name, "premium");
    assert_string_equal(settings.tiers[2].name, "unlimited");
    assert_ptr_equal(settings_tier(&settings, slice_str("premium")), &settings.tiers[1]);
    assert_null(settings_tier(&settings, slice_str("gold")));
    assert_null(settings_tier(&settings, slice_str("fre")));
    assert_null(settings_tier(&settings, slice_str("freed")));
    assert_null(settings_tier(&settings,
                              (struct slice){(const uint8_t *)long_name, TIER_NAME_SIZE_MAX + 1}));
    assert_null(settings_tier(&settings, (struct slice){0}));
    assert_int_equal(settings.tiers[1].note_month, 0);
#define X(field, key, free_default, premium_default, max, help) \
    assert_int_equal(settings.tiers[0].field, free_default);    \
    assert_int_equal(settings.tiers[1].field, premium_default); \
    assert_int_equal(settings.tiers[2].field, 0);
    TIER_LIMIT_LIST(X)
#undef X
}

static void
test_defaults_are_within_their_bounds(void **state)
{
    (void)state;
#define X(field, key, unit, value, min, max, help) \
    assert_int_equal(settings.field, value);       \
    assert_true(settings.field >= (min) && settings.field <= (max));
    SETTING_LIST(X)
#undef X
}

static void
test_a_tier_of_the_operator_starts_as_free(void **state)
{
    (void)state;
    char name[TIER_NAME_SIZE_MAX + 2];
    memset(name, 'x', sizeof(name));
    assert_null(settings_add_tier(&settings, slice_str("")));
    assert_null(settings_add_tier(&settings, slice_str("premium")));
    assert_null(settings_add_tier(&settings, slice_of(name, TIER_NAME_SIZE_MAX + 1)));
    struct tier *longest = settings_add_tier(&settings, slice_of(name, TIER_NAME_SIZE_MAX));
    assert_non_null(longest);
    assert_int_equal(strlen(longest->name), TIER_NAME_SIZE_MAX);
    assert_int_equal(longest->connect_day, settings.tiers[0].connect_day);
    assert_ptr_equal(settings_tier(&settings, slice_of(name, TIER_NAME_SIZE_MAX)), longest);
}

static void
test_there_is_room_for_so_many_tiers(void **state)
{
    (void)state;
    char name[16];
    for (unsigned i = settings.tier_count; i < TIER_COUNT_MAX; i++) {
        snprintf(name, sizeof(name), "tier-%u", i);
        assert_non_null(settings_add_tier(&settings, slice_str(name)));
    }
    assert_null(settings_add_tier(&settings, slice_str("one-more")));
}

static void
test_a_member_has_the_limits_of_his_tier(void **state)
{
    (void)state;
    struct member member = {.since_ms = (uint64_t)(NOW - 30 * DAY_MS)};
    assert_ptr_equal(rules_tier(&rules, &member), &settings.tiers[0]);
    member.tier = slice_str("gold"); /* the operator has taken it away */
    assert_ptr_equal(rules_tier(&rules, &member), &settings.tiers[0]);
    member.tier = slice_str("premium");
    assert_ptr_equal(rules_tier(&rules, &member), &settings.tiers[1]);

    member.connections = 29999;
    assert_false(rules_is_full(&rules, &member));
    member.connections = 30000;
    assert_true(rules_is_full(&rules, &member));
    member.tier = slice_str("unlimited");
    assert_false(rules_is_full(&rules, &member));

    assert_false(rules_is_new(&rules, &member, NOW));
    assert_true(rules_is_new(&rules, &member, NOW - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_three_tiers_are_built_in),
        facts_test(test_defaults_are_within_their_bounds),
        facts_test(test_a_tier_of_the_operator_starts_as_free),
        facts_test(test_there_is_room_for_so_many_tiers),
        facts_test(test_a_member_has_the_limits_of_his_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
