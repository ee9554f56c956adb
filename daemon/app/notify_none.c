#include "app/notify.h"

/* Where there is no libsystemd. */

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_status(const char *format, ...)
{
    (void)format;
}

void
notify_extend(msec_t more_ms)
{
    (void)more_ms;
}

void
notify_watchdog(void)
{
}

msec_t
notify_watchdog_interval(void)
{
    return 0;
}
