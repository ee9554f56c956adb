/* Big-endian integers at any address; the order of the bytes is the order of the numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/types.h"

static void
bytes_stand_highest_first(void **state)
{
    (void)state;
    uint8_t to[9];
    for (size_t shift = 0; shift < 2; shift++) {
        put_be16(to + shift, 0x0102);
        assert_memory_equal(to + shift, "\x01\x02", 2);
        assert_int_equal(get_be16(to + shift), 0x0102);
        put_be32(to + shift, 0x01020304);
        assert_memory_equal(to + shift, "\x01\x02\x03\x04", 4);
        assert_int_equal(get_be32(to + shift), 0x01020304);
        put_be64(to + shift, UINT64_C(0x0102030405060708));
        assert_memory_equal(to + shift, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
        assert_true(get_be64(to + shift) == UINT64_C(0x0102030405060708));
    }
}

static void
byte_order_is_number_order(void **state)
{
    (void)state;
    static const uint64_t rising[] = {0,
                                      1,
                                      0xff,
                                      0x100,
                                      0xffff,
                                      0x10000,
                                      1u << 31,
                                      UINT32_MAX,
                                      UINT64_C(1) << 32,
                                      INT64_MAX,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(rising); i++)
        for (size_t j = 0; j < ARRAY_COUNT(rising); j++) {
            uint8_t a[8], b[8];
            put_be64(a, rising[i]);
            put_be64(b, rising[j]);
            int order = memcmp(a, b, 8);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_true(get_be64(a) == rising[i]);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_stand_highest_first),
        cmocka_unit_test(byte_order_is_number_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
