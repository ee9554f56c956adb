#include "app/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"

struct suffix {
    const char *text;
    int64_t factor;
};

/* Largest first: units_print takes the first that divides. Behind the smallest stand other ways to
 * write the same, which are only read. */
static const struct suffix durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct suffix sizes[] = {
    {"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1},
    {"T", 1LL << 40},   {"G", 1LL << 30},   {"M", 1LL << 20},   {"K", 1LL << 10},
};
static const struct suffix counts[] = {{"", 1}};

static const struct {
    const struct suffix *suffixes;
    size_t count;
    const char *expected;
} units[] = {
    [UNIT_COUNT] = {counts, ARRAY_COUNT(counts), "a whole number"},
    [UNIT_DURATION] = {durations, ARRAY_COUNT(durations),
                       "a duration such as 30s, 15m, 24h or 21d"},
    [UNIT_SIZE] = {sizes, ARRAY_COUNT(sizes), "a size such as 512KiB, 64MiB or 1TiB"},
};

bool
units_parse(enum unit unit, const char *text, int64_t *value)
{
    assert(text != NULL && value != NULL);
    int64_t number = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *at - '0', &number))
            return false;
    if (at == text)
        return false;
    if (at[0] == ' ' && at[1] != '\0')
        at++;
    if (number == 0 && *at == '\0') {
        *value = 0;
        return true;
    }
    for (size_t i = 0; i < units[unit].count; i++)
        if (strcmp(at, units[unit].suffixes[i].text) == 0)
            return !__builtin_mul_overflow(number, units[unit].suffixes[i].factor, &number) &&
                   (*value = number, true);
    return false;
}

const char *
units_print(enum unit unit, int64_t value, char out[UNITS_TEXT_SIZE])
{
    assert(value >= 0);
    if (value == 0) {
        memcpy(out, "0", 2);
        return out;
    }
    const struct suffix *suffix = units[unit].suffixes;
    while (value % suffix->factor != 0)
        suffix++; /* The smallest divides all. */
    assert(suffix < units[unit].suffixes + units[unit].count);
    snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 "%s", value / suffix->factor, suffix->text);
    return out;
}

const char *
units_expected(enum unit unit)
{
    return units[unit].expected;
}
