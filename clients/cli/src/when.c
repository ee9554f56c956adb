#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "text.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct unit {
    const char *name;
    uint64_t ms;
} units[] = {
    {"ms", 1},   {"s", SECOND}, {"sec", SECOND}, {"m", MINUTE}, {"min", MINUTE},
    {"h", HOUR}, {"d", DAY},    {"day", DAY},    {"days", DAY}, {"w", 7 * DAY},
};

bool
when_parse_duration(const char *text, uint64_t unit_ms, uint64_t *ms)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *end = NULL;
    double number = strtod(text, &end);
    end += strspn(end, " ");
    uint64_t unit = *end ? 0 : unit_ms;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++)
        if (strcmp(end, units[i].name) == 0)
            unit = units[i].ms;
    if (unit == 0 || number * (double)unit > 9e15)
        return false;
    *ms = (uint64_t)(number * (double)unit + 0.5);
    return true;
}

static bool
parse_plain(const char *text, msec_t *ms)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return false;
    *ms = value;
    return true;
}

/* Behind date and time: nothing, Z, or +HH:MM. @offset_s stays where there is nothing. */
static bool
parse_zone(const char *text, bool *local, int *offset_s)
{
    *local = *text == 0;
    if (*local)
        return true;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *offset_s = 0;
        return true;
    }
    int hours = 0, minutes = 0, used = 0;
    if ((*text != '+' && *text != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2)
        return false;
    *offset_s = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return text[1 + used] == 0 && hours < 24 && minutes < 60;
}

static bool
parse_date(const char *text, msec_t *ms)
{
    struct tm tm = {.tm_isdst = -1};
    int used = 0, fraction = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
        return false;
    text += used;
    if (*text == 'T' || *text == 't' || *text == ' ') {
        used = 0;
        if (sscanf(++text, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &used) != 2)
            return false;
        text += used;
        if (*text == ':') {
            used = 0;
            if (sscanf(++text, "%2d%n", &tm.tm_sec, &used) != 1)
                return false;
            text += used;
        }
        if (*text == '.') {
            used = 0;
            if (sscanf(++text, "%3d%n", &fraction, &used) != 1 || fraction < 0)
                return false;
            for (int digits = used; digits < 3; digits++)
                fraction *= 10;
            text += used + (int)strspn(text + used, "0123456789");
        }
    }
    bool local = true;
    int offset_s = 0;
    if (!parse_zone(text, &local, &offset_s) || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t seconds = local ? mktime(&tm) : timegm(&tm) - offset_s;
    *ms = (msec_t)seconds * 1000 + fraction;
    return true;
}

static bool
parse_relative(const char *text, msec_t now_ms, bool future, msec_t *ms)
{
    char word[32];
    bool ahead = *text == '+' || (future && *text != '-');
    text += *text == '+' || *text == '-';
    size_t size = strlen(text);
    if (size >= 4 && strcmp(text + size - 4, " ago") == 0) {
        size -= 4;
        ahead = false;
    }
    if (size >= sizeof(word))
        return false;
    memcpy(word, text, size);
    word[size] = 0;
    uint64_t distance;
    if (!when_parse_duration(word, 0, &distance))
        return false;
    *ms = ahead ? now_ms + (msec_t)distance : now_ms - (msec_t)distance;
    return true;
}

bool
when_parse(const char *text, msec_t now_ms, bool future, msec_t *ms)
{
    if (strcmp(text, "now") == 0) {
        *ms = now_ms;
        return true;
    }
    return parse_plain(text, ms) || parse_date(text, ms) ||
           parse_relative(text, now_ms, future, ms);
}

static void
put_local(struct buf *out, msec_t ms, const char *format)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[64];
    if (ms < 0 || !localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), format, &tm))
        text_printf(out, "%lld", (long long)ms);
    else
        text_put_own(out, text);
}

void
when_put(struct buf *out, msec_t ms, msec_t now_ms)
{
    put_local(out, ms, "%Y-%m-%d %H:%M:%S");
    uint64_t distance = (uint64_t)(ms > now_ms ? ms - now_ms : now_ms - ms);
    if (distance < SECOND) {
        text_put_own(out, " (now)");
        return;
    }
    text_put_own(out, ms > now_ms ? " (in " : " (");
    when_put_duration(out, distance);
    text_put_own(out, ms > now_ms ? ")" : " ago)");
}

static bool
same_day(msec_t a_ms, msec_t b_ms)
{
    time_t a_s = (time_t)(a_ms / 1000), b_s = (time_t)(b_ms / 1000);
    struct tm a, b;
    return localtime_r(&a_s, &a) && localtime_r(&b_s, &b) && a.tm_yday == b.tm_yday &&
           a.tm_year == b.tm_year;
}

void
when_put_short(struct buf *out, msec_t ms, msec_t now_ms)
{
    put_local(out, ms, same_day(ms, now_ms) ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S");
    text_printf(out, ".%03d", ms < 0 ? 0 : (int)(ms % 1000));
}

void
when_put_duration(struct buf *out, uint64_t ms)
{
    static const struct {
        uint64_t below, unit;
        const char *name;
    } scale[] = {
        {SECOND, 1, "ms"},    {2 * MINUTE, SECOND, "s"}, {2 * HOUR, MINUTE, "min"},
        {2 * DAY, HOUR, "h"}, {UINT64_MAX, DAY, "d"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(scale); i++)
        if (ms < scale[i].below) {
            text_printf(out, "%llu %s", (unsigned long long)(ms / scale[i].unit), scale[i].name);
            return;
        }
}
