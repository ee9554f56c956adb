/* app/problems.h: everything that is wrong with a configuration, gathered to be told at once.
 *
 * Layer: app.
 */
#ifndef KITH_APP_PROBLEMS_H
#define KITH_APP_PROBLEMS_H

#include "base/buf.h"

#define PROBLEMS_COUNT_MAX 100 /* more are counted, not kept: the file is not one of ours */

struct problems {
    struct buf texts; /* zero-terminated, one behind the other */
    unsigned count;
};

void problems_init(struct problems *problems);
void problems_fini(struct problems *problems);

void problems_add(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Walk them: begin with NULL; NULL again at the end. Borrowed until the next problems_add. */
const char *problems_next(const struct problems *problems, const char *text);

#endif
