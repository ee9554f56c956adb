#include "proto/error.h"

#include <string.h>

#define X(name, text) [KITH_CLASS_##name] = text,
static const char *const class_names[] = {KITH_CLASS_LIST(X)};
#undef X
#define X(name, text) [KITH_RETRY_##name] = text,
static const char *const retry_names[] = {KITH_RETRY_LIST(X)};
#undef X

static const struct {
    const char *code, *text;
    enum kith_class class;
    enum kith_retry retry;
} rows[KITH_ERR_COUNT] = {[KITH_OK] = {"ok", "done", KITH_CLASS_INVALID, KITH_RETRY_NEVER},
#define X(name, code, class, retry, text) \
    [KITH_##name] = {code, text, KITH_CLASS_##class, KITH_RETRY_##retry},
                          KITH_ERR_LIST(X)
#undef X
};

const char *
kith_err_code(enum kith_err err)
{
    return rows[err].code;
}

const char *
kith_err_text(enum kith_err err)
{
    return rows[err].text;
}

const char *
kith_err_class(enum kith_err err)
{
    return class_names[rows[err].class];
}

const char *
kith_err_retry(enum kith_err err)
{
    return retry_names[rows[err].retry];
}

enum kith_err
kith_err_find(const char *code)
{
    for (int err = KITH_OK; err < KITH_ERR_COUNT; err++)
        if (strcmp(rows[err].code, code) == 0)
            return (enum kith_err)err;
    return KITH_ERR_COUNT;
}
