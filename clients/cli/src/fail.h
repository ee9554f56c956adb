/* fail.h: how errors are told: one or two lines on stderr, or with --json one object on stdout.
 */
#ifndef CLI_FAIL_H
#define CLI_FAIL_H

#include "cli.h"

/* Tell an error that was found here. @code names it for machines ("usage", "timeout"), @class is
 * one of the protocol's. The text says what is wrong; a second line, what to do. */
void fail(const struct cli *cli, const char *code, const char *class, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The command line is wrong. Returns CLI_INVALID. */
enum cli_exit fail_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
