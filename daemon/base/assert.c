#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void
assert_failed(const char *expr, const char *file, int line, const char *func)
{
    fprintf(stderr, "kith: assertion failed: %s (%s:%d, %s)\n", expr, file, line, func);
    abort();
}
