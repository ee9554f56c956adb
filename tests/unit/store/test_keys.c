/* Sealing keys and sealing. */
#include "scratch.h"

#include <sodium.h>

#include "store/store.h"

static void
check_key(struct store *store, const char *member, uint8_t expected)
{
    uint8_t key[SEAL_KEY_SIZE] = {0}, same[SEAL_KEY_SIZE];
    memset(same, expected, sizeof(same));
    assert_int_equal(keys_get(store_keys(store), slice_str(member), key), KITH_OK);
    assert_memory_equal(key, same, sizeof(key));
}

static void
check_no_key(struct store *store, const char *member)
{
    uint8_t key[SEAL_KEY_SIZE];
    assert_int_equal(keys_get(store_keys(store), slice_str(member), key), KITH_NOT_FOUND);
}

static void
put_key(struct store *store, const char *member, uint8_t byte)
{
    uint8_t key[SEAL_KEY_SIZE];
    memset(key, byte, sizeof(key));
    keys_put(store_keys(store), slice_str(member), key);
}

static void
end(struct store *store)
{
    struct fault fault;
    assert_int_equal(store_end(store, &fault), KITH_OK);
}

static void
test_keys_are_kept_with_the_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    check_no_key(store, "ada");
    store_begin(store);
    put_key(store, "ada", 1);
    put_key(store, "bob", 2);
    put_key(store, "ada", 3);
    check_key(store, "ada", 3); /* pending ones are seen */
    end(store);
    check_key(store, "ada", 3);
    store_close(store);
    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    check_key(store, "ada", 3);
    check_key(store, "bob", 2);
    check_no_key(store, "cy");
    store_close(store);
}

static void
test_keys_are_undone_with_the_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put_key(store, "ada", 1);
    end(store);
    store_begin(store);
    put_key(store, "ada", 2);
    put_key(store, "bob", 2);
    keys_del(store_keys(store), slice_str("ada"));
    check_no_key(store, "ada");
    store_abort(store);
    check_key(store, "ada", 1);
    check_no_key(store, "bob");
    store_close(store);
}

static void
test_a_destroyed_key_is_gone(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    store_begin(store);
    put_key(store, "ada", 1);
    end(store);
    store_begin(store);
    keys_del(store_keys(store), slice_str("ada"));
    keys_del(store_keys(store), slice_str("nobody"));
    end(store);
    check_no_key(store, "ada");
    store_begin(store);
    keys_del(store_keys(store), slice_str("ada"));
    put_key(store, "ada", 9);
    end(store);
    check_key(store, "ada", 9);
    store_close(store);
}

static void
test_many_keys_in_one_batch(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    char member[16];
    store_begin(store);
    for (int i = 0; i < 5000; i++) {
        snprintf(member, sizeof(member), "member-%d", i);
        put_key(store, member, (uint8_t)i);
    }
    end(store);
    for (int i = 0; i < 5000; i++) {
        snprintf(member, sizeof(member), "member-%d", i);
        check_key(store, member, (uint8_t)i);
    }
    store_close(store);
}

static void
test_a_damaged_key_is_found(void **state)
{
    struct store *store = scratch_open(*state, SCRATCH_MAP_SIZE);
    uint8_t key[SEAL_KEY_SIZE];
    store_begin(store);
    put_key(store, "ada", 1);
    put_key(store, "bob", 1);
    end(store);
    store_close(store);
    damage_value(*state, "data/log", "keys", slice_str("ada"), 20);
    store = scratch_open(*state, SCRATCH_MAP_SIZE);
    assert_int_equal(keys_get(store_keys(store), slice_str("ada"), key), KITH_INTERNAL);
    check_key(store, "bob", 1);
    store_close(store);
}

static void
test_what_was_sealed_is_unsealed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 300, 4096};
    uint8_t key[SEAL_KEY_SIZE] = {1}, other[SEAL_KEY_SIZE] = {2}, nonce[SEAL_NONCE_SIZE] = {3};
    uint8_t text[4096];
    check(sodium_init() >= 0);
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct buf sealed = {0}, plain = {0};
        seal(&sealed, key, nonce, slice_of(text, sizes[i]));
        assert_int_equal(sealed.size, sizes[i] + SEAL_EXTRA_SIZE);
        check(unseal(&plain, key, buf_slice(&sealed)));
        check(slice_equal(buf_slice(&plain), slice_of(text, sizes[i])));
        assert_false(unseal(&plain, other, buf_slice(&sealed)));
        sealed.data[sealed.size - 1] ^= 1;
        assert_false(unseal(&plain, key, buf_slice(&sealed)));
        assert_false(unseal(&plain, key, slice_of(sealed.data, SEAL_EXTRA_SIZE - 1)));
        assert_int_equal(plain.size, sizes[i]);
        buf_fini(&sealed);
        buf_fini(&plain);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_keys_are_kept_with_the_batch),
        scratch_test(test_keys_are_undone_with_the_batch),
        scratch_test(test_a_destroyed_key_is_gone),
        scratch_test(test_many_keys_in_one_batch),
        scratch_test(test_a_damaged_key_is_found),
        cmocka_unit_test(test_what_was_sealed_is_unsealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
