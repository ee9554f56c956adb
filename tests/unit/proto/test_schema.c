/* The tables of operations and arguments are consistent, and are found by name. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/schema.h"

static uint64_t
arg_bit(int arg)
{
    return UINT64_C(1) << arg;
}

static uint64_t
args_of(int op)
{
    return kith_ops[op].required | kith_ops[op].optional;
}

/* One word of small letters and underscores; returns what stands behind it. */
static const char *
skip_word(const char *at)
{
    while (islower((unsigned char)*at) || *at == '_')
        at++;
    return at;
}

static void
op_names_are_two_words(void **state)
{
    (void)state;
    for (int op = 0; op < KITH_OP_COUNT; op++) {
        const char *name = kith_ops[op].name;
        assert_non_null(name);
        const char *dot = skip_word(name);
        assert_true(dot > name && *dot == '.');
        const char *end = skip_word(dot + 1);
        assert_true(end > dot + 1 && *end == 0);
        assert_true(kith_ops[op].help && kith_ops[op].help[0]);
    }
}

static void
ops_are_unique_and_found(void **state)
{
    (void)state;
    for (int op = 0; op < KITH_OP_COUNT; op++)
        assert_int_equal(kith_op_find(kith_ops[op].name, strlen(kith_ops[op].name)), op);
}

/* Names come from messages: not zero-terminated, and with zero bytes inside if somebody likes. */
static void
other_names_are_not_found(void **state)
{
    (void)state;
    static const char zeros[64] = {0};
    static const char longer[64] = "member.get";
    assert_int_equal(kith_op_find("", 0), KITH_OP_COUNT);
    assert_int_equal(kith_op_find("member", 6), KITH_OP_COUNT);
    assert_int_equal(kith_op_find("member.ge", 9), KITH_OP_COUNT);
    assert_int_equal(kith_op_find("member.get", 9), KITH_OP_COUNT);
    assert_int_equal(kith_op_find("member.getx", 10), KITH_OP_MEMBER_GET);
    assert_int_equal(kith_op_find("Member.get", 10), KITH_OP_COUNT);
    for (size_t size = 1; size <= sizeof(zeros); size++) {
        assert_int_equal(kith_op_find(zeros, size), KITH_OP_COUNT);
        assert_int_equal(kith_op_find(longer, size),
                         size == strlen("member.get") ? KITH_OP_MEMBER_GET : KITH_OP_COUNT);
        assert_int_equal(kith_arg_find(KITH_OP_MEMBER_GET, longer, size),
                         size == strlen("member") ? KITH_ARG_MEMBER : KITH_ARG_COUNT);
    }
}

static void
arguments_exist(void **state)
{
    (void)state;
    const uint64_t all = KITH_ARG_COUNT == 64 ? UINT64_MAX : arg_bit(KITH_ARG_COUNT) - 1;
    for (int op = 0; op < KITH_OP_COUNT; op++) {
        assert_int_equal(args_of(op) & ~all, 0);
        assert_int_equal(kith_ops[op].required & kith_ops[op].optional, 0);
        for (int arg = 0; arg < KITH_ARG_COUNT; arg++)
            if (kith_ops[op].required & arg_bit(arg))
                assert_int_not_equal(kith_args[arg].type, KITH_TYPE_FORBIDDEN);
    }
}

static void
no_op_takes_two_arguments_of_one_name(void **state)
{
    (void)state;
    for (int op = 0; op < KITH_OP_COUNT; op++)
        for (int a = 0; a < KITH_ARG_COUNT; a++)
            for (int b = a + 1; b < KITH_ARG_COUNT; b++)
                if ((args_of(op) & arg_bit(a)) && (args_of(op) & arg_bit(b)))
                    assert_string_not_equal(kith_args[a].name, kith_args[b].name);
}

static void
arguments_are_found_where_they_are_taken(void **state)
{
    (void)state;
    for (int op = 0; op < KITH_OP_COUNT; op++)
        for (int arg = 0; arg < KITH_ARG_COUNT; arg++) {
            const char *name = kith_args[arg].name;
            enum kith_arg found = kith_arg_find((enum kith_op)op, name, strlen(name));
            if (args_of(op) & arg_bit(arg))
                assert_int_equal(found, arg);
            else if (found != KITH_ARG_COUNT) /* another row with that name */
                assert_string_equal(kith_args[found].name, name);
        }
    assert_int_equal(kith_arg_find(KITH_OP_MEMBER_GET, "nobody", 6), KITH_ARG_COUNT);
    assert_int_equal(kith_arg_find(KITH_OP_MEMBER_GET, "", 0), KITH_ARG_COUNT);
}

static void
argument_rows_are_sound(void **state)
{
    (void)state;
    for (int arg = 0; arg < KITH_ARG_COUNT; arg++) {
        const struct kith_arg_row *row = &kith_args[arg];
        assert_non_null(row->name);
        assert_true(skip_word(row->name) > row->name && *skip_word(row->name) == 0);
        assert_true(row->min <= row->max);
        assert_int_equal(row->choices != NULL, row->type == KITH_TYPE_CHOICE);
        assert_int_equal(row->help[0] == 0, row->type == KITH_TYPE_FORBIDDEN);
        assert_true(row->max <= KITH_INT_MAX);
    }
}

/* Each argument is of use to somebody. */
static void
no_argument_is_left_over(void **state)
{
    (void)state;
    uint64_t taken = 0;
    for (int op = 0; op < KITH_OP_COUNT; op++)
        taken |= args_of(op);
    for (int arg = 0; arg < KITH_ARG_COUNT; arg++)
        if (!(taken & arg_bit(arg)))
            fail_msg("no operation takes %s", kith_args[arg].name);
}

static void
choices_are_words(void **state)
{
    (void)state;
    for (int arg = 0; arg < KITH_ARG_COUNT; arg++)
        for (const char *at = kith_args[arg].choices; at && *at;) {
            const char *end = skip_word(at);
            assert_true(end > at);
            assert_true(*end == 0 || (*end == ' ' && end[1] != 0));
            at = *end ? end + 1 : end;
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(op_names_are_two_words),
        cmocka_unit_test(ops_are_unique_and_found),
        cmocka_unit_test(other_names_are_not_found),
        cmocka_unit_test(arguments_exist),
        cmocka_unit_test(no_op_takes_two_arguments_of_one_name),
        cmocka_unit_test(arguments_are_found_where_they_are_taken),
        cmocka_unit_test(argument_rows_are_sound),
        cmocka_unit_test(no_argument_is_left_over),
        cmocka_unit_test(choices_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
