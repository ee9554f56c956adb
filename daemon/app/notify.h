/* app/notify.h: what the service manager is told (sd_notify).
 *
 * notify.c is built where libsystemd is; notify_none.c, which does nothing, elsewhere. Without a
 * service manager (no NOTIFY_SOCKET) each call does nothing as well.
 *
 * Layer: app. Thread: any. Blocking: no.
 */
#ifndef KITH_APP_NOTIFY_H
#define KITH_APP_NOTIFY_H

#include "base/types.h"

/* Endpoints are bound and the views are up to date; also the end of a reload. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* One line that `systemctl status` shows. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* There is progress, and this much more time may be needed: to start, to stop, or, where a
 * watchdog runs, within one turn. */
void notify_extend(msec_t more_ms);

/* A turn was completed. */
void notify_watchdog(void);

/* How often notify_watchdog() is to be called: half of what the manager allows; 0: not at all. */
msec_t notify_watchdog_interval(void);

#endif
