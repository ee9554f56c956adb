#include "histogram.h"

#include <string.h>

#include "base/assert.h"

/* The power of two counts from the highest bit, and the seven bits behind it say which part. */
static unsigned
bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB)
        return (unsigned)value;
    unsigned high = 63 - (unsigned)__builtin_clzll(value);
    unsigned shift = high - HISTOGRAM_SUB_BITS;
    unsigned bucket = (shift + 1) * HISTOGRAM_SUB + (unsigned)(value >> shift) - HISTOGRAM_SUB;
    assert(bucket < HISTOGRAM_BUCKETS);
    return bucket;
}

/* The largest value that falls into @bucket. */
static uint64_t
bucket_end(unsigned bucket)
{
    if (bucket < HISTOGRAM_SUB)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_SUB - 1;
    uint64_t part = bucket % HISTOGRAM_SUB + HISTOGRAM_SUB;
    return ((part + 1) << shift) - 1;
}

void
histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += (double)value;
    if (value > histogram->max)
        histogram->max = value;
}

void
histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->count += from->count;
    to->sum += from->sum;
    if (from->max > to->max)
        to->max = from->max;
}

uint64_t
histogram_at(const struct histogram *histogram, double fraction)
{
    assert(fraction >= 0 && fraction <= 1);
    if (histogram->count == 0)
        return 0;
    double exact = fraction * (double)histogram->count;
    uint64_t rank = (uint64_t)exact;
    rank += (double)rank < exact; /* rounded up */
    if (rank == 0)
        rank = 1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t end = bucket_end(i);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}

double
histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? histogram->sum / (double)histogram->count : 0;
}
