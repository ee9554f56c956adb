/* Idempotency keys: the shape of a UUIDv7, in order, and never twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kith.h"

#define THREADS    8
#define PER_THREAD 5000

static void
test_shape(void **state)
{
    (void)state;
    char id[KITH_ID_SIZE];
    int64_t before_ms = (int64_t)time(NULL) * 1000;
    for (int i = 0; i < 100; i++) {
        kith_make_id(id);
        assert_int_equal(strlen(id), KITH_ID_SIZE - 1);
        for (size_t at = 0; at < KITH_ID_SIZE - 1; at++) {
            bool is_dash = at == 8 || at == 13 || at == 18 || at == 23;
            assert_non_null(strchr(is_dash ? "-" : "0123456789abcdef", id[at]));
        }
        assert_int_equal(id[14], '7');
        assert_non_null(strchr("89ab", id[19]));
    }
    char digits[13] = {0};
    memcpy(digits, id, 8);
    memcpy(digits + 8, id + 9, 4);
    int64_t made_ms = (int64_t)strtoull(digits, NULL, 16);
    assert_in_range(made_ms, before_ms, ((int64_t)time(NULL) + 1) * 1000);
}

static void
test_order(void **state)
{
    (void)state;
    char last[KITH_ID_SIZE] = "", id[KITH_ID_SIZE];
    for (int i = 0; i < 100000; i++) {
        kith_make_id(id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof(last));
    }
}

static void *
make_many(void *ids)
{
    char(*to)[KITH_ID_SIZE] = ids;
    for (int i = 0; i < PER_THREAD; i++)
        kith_make_id(to[i]);
    return NULL;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
test_unique_among_threads(void **state)
{
    (void)state;
    static char ids[THREADS * PER_THREAD][KITH_ID_SIZE];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, ids[i * PER_THREAD]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    qsort(ids, THREADS * PER_THREAD, KITH_ID_SIZE, by_text);
    for (int i = 1; i < THREADS * PER_THREAD; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

/* The random part, which is all that differs when two processes make an id in the same moment. */
static void
test_unique_after_fork(void **state)
{
    (void)state;
    char own[KITH_ID_SIZE], childs[KITH_ID_SIZE] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    kith_make_id(own); /* so that there is a stock to inherit */

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        kith_make_id(childs);
        _exit(write(ends[1], childs, sizeof(childs)) == sizeof(childs) ? 0 : 1);
    }
    kith_make_id(own);
    assert_int_equal(read(ends[0], childs, sizeof(childs)), sizeof(childs));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_string_not_equal(own + 19, childs + 19);
    close(ends[0]);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_unique_among_threads),
        cmocka_unit_test(test_unique_after_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
