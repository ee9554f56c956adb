/* bench_disk.h: what the disk itself takes to make something durable.
 */
#ifndef CLI_BENCH_DISK_H
#define CLI_BENCH_DISK_H

#include "histogram.h"

/* Append 4 kB and fdatasync, @count times, in a file of its own in @dir, which is removed again.
 * Latencies in ns go to @latency. Returns 0 or an errno. */
int bench_disk_run(const char *dir, unsigned count, struct histogram *latency);

#endif
