/* app/diagnostics.h: what goes to the journal, or to the terminal. Nothing else in the daemon
 * prints.
 *
 * Under systemd each line begins with its syslog priority (`<4>`), which the journal understands;
 * elsewhere with the local time, for people.
 *
 * Layer: app. Thread: any, once diag_init() is done. Blocking: as standard error does.
 */
#ifndef KITH_APP_DIAGNOSTICS_H
#define KITH_APP_DIAGNOSTICS_H

#define DIAG_LINE_SIZE_MAX 2048 /* a longer line is cut */

/* The numbers are those of syslog. */
enum diag_level { DIAG_ERROR = 3, DIAG_WARNING = 4, DIAG_NOTICE = 5, DIAG_INFO = 6 };

/* Find out where standard error leads to. Before that, lines are plain. */
void diag_init(void);

/* One line, without its newline. */
void diag(enum diag_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
