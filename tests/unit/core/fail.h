/* unit/core/fail.h: the n-th call of what may fail, failing.
 *
 * What core/ and the layers below call and what can let them down (memory, the libraries that
 * normalise text, reads of log and views) is replaced when the program is linked (--wrap, in
 * unit/CMakeLists.txt). Each replacement fails once, when it is its turn, as the real one fails,
 * and else calls the real one.
 */
#ifndef KITH_TEST_FAIL_H
#define KITH_TEST_FAIL_H

#include "world.h"

#include <idn2.h>
#include <utf8proc.h>

#include "store/views_inner.h"

static struct {
    unsigned left;    /* calls until the one that fails; 0: none does */
    const char *only; /* calls of this one alone are counted; NULL: all are */
    const char *what; /* the one that failed; NULL: none has yet */
} fail;

/* Let the @nth call from here fail; 0: none. */
static inline void
fail_at(unsigned nth)
{
    fail.left = nth;
    fail.only = NULL;
    fail.what = NULL;
}

/* The same of the calls of @what alone. */
static inline void
fail_at_only(const char *what, unsigned nth)
{
    fail_at(nth);
    fail.only = what;
}

static inline bool
fails(const char *what)
{
    if (fail.only && strcmp(fail.only, what) != 0)
        return false;
    if (fail.left == 0 || --fail.left > 0)
        return false;
    fail.what = what;
    return true;
}

#define REAL(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

/* clang-format off */
REAL(void *, malloc, size_t size)
{
    return fails("malloc") ? NULL : __real_malloc(size);
}

REAL(void *, calloc, size_t count, size_t size)
{
    return fails("calloc") ? NULL : __real_calloc(count, size);
}

REAL(void *, realloc, void *old, size_t size)
{
    return fails("realloc") ? NULL : __real_realloc(old, size);
}

REAL(utf8proc_ssize_t, utf8proc_map, const utf8proc_uint8_t *text, utf8proc_ssize_t size,
     utf8proc_uint8_t **out, utf8proc_option_t options)
{
    return fails("utf8proc_map") ? UTF8PROC_ERROR_NOMEM
                                 : __real_utf8proc_map(text, size, out, options);
}

REAL(utf8proc_ssize_t, utf8proc_map_custom, const utf8proc_uint8_t *text, utf8proc_ssize_t size,
     utf8proc_uint8_t **out, utf8proc_option_t options, utf8proc_custom_func custom, void *data)
{
    return fails("utf8proc_map_custom")
               ? UTF8PROC_ERROR_NOMEM
               : __real_utf8proc_map_custom(text, size, out, options, custom, data);
}

REAL(int, idn2_to_ascii_8z, const char *text, char **out, int flags)
{
    return fails("idn2_to_ascii_8z") ? IDN2_MALLOC : __real_idn2_to_ascii_8z(text, out, flags);
}

/* A row that does not check: from here on the views say nothing. */
static inline bool
fails_in_views(struct views *views, const char *what)
{
    if (!fails(what))
        return false;
    views->err = KITH_INTERNAL;
    return true;
}

REAL(struct slice, views_get, struct views *views, enum view_table table, struct slice key)
{
    return fails_in_views(views, "views_get") ? (struct slice){0}
                                              : __real_views_get(views, table, key);
}

REAL(bool, views_scan_next, struct views_scan *scan, struct slice *key, struct slice *value)
{
    if (fails_in_views(store_views(world.store), "views_scan_next"))
        return false;
    return __real_views_scan_next(scan, key, value);
}

REAL(unsigned, views_feed_read, struct views *views, const struct feed_key *key, uint64_t skip,
     seq_t *out, unsigned count_max)
{
    return fails_in_views(views, "views_feed_read")
               ? 0
               : __real_views_feed_read(views, key, skip, out, count_max);
}

REAL(seq_t, log_append, struct log *log, msec_t at_ms, struct slice body)
{
    return fails("log_append") ? 0 : __real_log_append(log, at_ms, body);
}

REAL(enum kith_err, log_read, struct log *log, seq_t seq, struct log_record *out)
{
    return fails("log_read") ? KITH_INTERNAL : __real_log_read(log, seq, out);
}

REAL(bool, log_scan_next, struct log_scan *scan, struct log_record *out)
{
    if (!fails("log_scan_next"))
        return __real_log_scan_next(scan, out);
    scan->err = KITH_INTERNAL;
    return false;
}

REAL(enum kith_err, log_find_time, struct log *log, msec_t at_ms, seq_t *seq)
{
    return fails("log_find_time") ? KITH_INTERNAL : __real_log_find_time(log, at_ms, seq);
}

REAL(enum kith_err, state_get, const struct state *from, enum state_table table, struct slice name,
     struct slice *value)
{
    return fails("state_get") ? KITH_INTERNAL : __real_state_get(from, table, name, value);
}

REAL(enum kith_err, keys_get, struct keys *keys, struct slice member, uint8_t key[SEAL_KEY_SIZE])
{
    return fails("keys_get") ? KITH_INTERNAL : __real_keys_get(keys, member, key);
}
/* clang-format on */

#endif
