/* unit/store/look.h: looking at a data directory as `kithd --verify` does.
 *
 * Each test program is one file, so these are static and inline.
 */
#ifndef KITH_TEST_LOOK_H
#define KITH_TEST_LOOK_H

#include "scratch.h"

#include "store/verify.h"

static inline void
look_ignore_progress(void *context)
{
    (void)context;
}

/* At all of it, as @how says; what it does not say is filled in. */
static inline struct verify_state
look_at(struct verify how)
{
    struct verify_state seen = {0};
    how.map_size = SCRATCH_MAP_SIZE;
    how.state = &seen;
    how.progress = look_ignore_progress;
    verify_views(&how);
    verify_log(&how);
    assert_string_equal(seen.fault.text, "");
    return seen;
}

#endif
