/* bench_echo.h: the bare transport: messages of a request's size over nanomsg and back, with
 * nothing done between. What kithd's rate is to be compared with, in the same run.
 */
#ifndef CLI_BENCH_ECHO_H
#define CLI_BENCH_ECHO_H

#include "bench_load.h"
#include "cli.h"

/* Start the other side as a process of its own (this program, with a hidden verb), drive it as
 * @load says, and stop it. False: it could not be measured, which was told. */
bool bench_echo_run(const struct cli *cli, const struct bench_load *load,
                    struct bench_result *result);

#endif
