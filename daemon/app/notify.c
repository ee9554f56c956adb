#include "app/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/assert.h"

/* sd_notify() fails only where the manager is gone, and then there is nobody to tell. */

void
notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
    /* systemd 253 and later want to know when the reload began; earlier ones ignore it. */
    struct timespec now;
    int rc = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(rc == 0);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void
notify_status(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(wanted >= 0);
    sd_notifyf(0, "STATUS=%s", text);
}

void
notify_extend(msec_t more_ms)
{
    assert(more_ms > 0);
    sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRId64 "\nWATCHDOG=1", more_ms * 1000);
}

void
notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

msec_t
notify_watchdog_interval(void)
{
    uint64_t limit_us;
    if (sd_watchdog_enabled(0, &limit_us) <= 0)
        return 0;
    return limit_us >= 2000 ? (msec_t)(limit_us / 2000) : 1;
}
