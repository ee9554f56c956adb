/* The error list is complete and without doubles. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/error.h"

static int
is_code(const char *text)
{
    for (const char *at = text; *at; at++)
        if (!islower((unsigned char)*at) && *at != '_')
            return 0;
    return *text != 0;
}

static int
is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return 1;
    return 0;
}

static void
rows_are_complete(void **state)
{
    (void)state;
#define X(name, text) text,
    static const char *const classes[] = {KITH_CLASS_LIST(X)};
    static const char *const retries[] = {KITH_RETRY_LIST(X)};
#undef X
    for (int err = KITH_OK; err < KITH_ERR_COUNT; err++) {
        assert_true(is_code(kith_err_code((enum kith_err)err)));
        assert_true(strlen(kith_err_text((enum kith_err)err)) > 0);
        assert_true(is_one_of(kith_err_class((enum kith_err)err), classes,
                              sizeof(classes) / sizeof(*classes)));
        assert_true(is_one_of(kith_err_retry((enum kith_err)err), retries,
                              sizeof(retries) / sizeof(*retries)));
    }
    assert_string_equal(kith_err_code(KITH_OK), "ok");
}

static void
texts_are_sentences_that_can_be_continued(void **state)
{
    (void)state;
    for (int err = KITH_OK + 1; err < KITH_ERR_COUNT; err++) {
        const char *text = kith_err_text((enum kith_err)err);
        assert_false(isupper((unsigned char)text[0]));
        assert_true(text[strlen(text) - 1] != '.');
    }
}

static void
codes_are_unique_and_found(void **state)
{
    (void)state;
    for (int err = KITH_OK; err < KITH_ERR_COUNT; err++)
        assert_int_equal(kith_err_find(kith_err_code((enum kith_err)err)), err);
    static const char *const unknown[] = {"", "OK", "malforme", "malformedd", "not found"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        assert_int_equal(kith_err_find(unknown[i]), KITH_ERR_COUNT);
}

/* A client that only knows the class must not be told to repeat what can never succeed. */
static void
classes_agree_with_retry(void **state)
{
    (void)state;
    for (int err = KITH_OK + 1; err < KITH_ERR_COUNT; err++) {
        const char *class = kith_err_class((enum kith_err)err);
        const char *retry = kith_err_retry((enum kith_err)err);
        if (strcmp(class, "invalid") == 0)
            assert_string_equal(retry, "never");
        if (strcmp(class, "busy") == 0 || strcmp(class, "unavailable") == 0)
            assert_string_equal(retry, "same_id");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(texts_are_sentences_that_can_be_continued),
        cmocka_unit_test(codes_are_unique_and_found),
        cmocka_unit_test(classes_agree_with_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
