#include "core/stats.h"

const struct stat_row stat_rows[] = {
#define X(field, kind, help) {#field, STAT_##kind, offsetof(struct stats, field), help},
    STATS_LIST(X)
#undef X
};

const unsigned stat_count = ARRAY_COUNT(stat_rows);
