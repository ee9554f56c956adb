/* histogram.h: how values are spread, in bounded memory and with a bounded error.
 *
 * Log-linear, as in Gil Tene's HdrHistogram: each power of two is cut into 128 equal buckets, so a
 * value is known to better than one per cent however large. Nothing is sampled, nothing dropped.
 */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7 /* 128 buckets a power of two: an error below 0.8 % */
#define HISTOGRAM_SUB      (1 << HISTOGRAM_SUB_BITS)
/* Values below 128 have a bucket each; above, 64 - 7 powers of two. */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, max;
    double sum;
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The least value that at least this fraction (0 to 1) of all are not above: the upper end of its
 * bucket, and never more than the exact maximum. 0 where nothing was added. */
uint64_t histogram_at(const struct histogram *histogram, double fraction);

double histogram_mean(const struct histogram *histogram);

#endif
