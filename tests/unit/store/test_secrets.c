/* The file of secrets: made once, read back, and refused when anything is odd. */
#include "scratch.h"

#include <sys/stat.h>

#include "store/secrets.h"

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void
write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    check(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

static void
test_secrets_are_made_and_read_back(void **state)
{
    char path[SCRATCH_PATH_MAX];
    struct secrets made, read;
    struct fault fault;
    struct stat status;
    scratch_path(*state, "secrets", path);
    assert_int_equal(secrets_open(path, true, &made, &fault), KITH_OK);
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    assert_int_equal(secrets_open(path, false, &read, &fault), KITH_OK);
    assert_memory_equal(&made, &read, sizeof(made));
    assert_int_equal(secrets_open(path, true, &read, &fault), KITH_OK); /* not made anew */
    assert_memory_equal(&made, &read, sizeof(made));
    assert_memory_not_equal(made.id_key, made.contact_key, SECRET_SIZE);
    assert_memory_not_equal(made.contact_key, made.token_key[0], SECRET_SIZE);
}

static void
test_two_files_hold_different_secrets(void **state)
{
    char path[SCRATCH_PATH_MAX];
    struct secrets one, other;
    struct fault fault;
    scratch_path(*state, "one", path);
    assert_int_equal(secrets_open(path, true, &one, &fault), KITH_OK);
    scratch_path(*state, "other", path);
    assert_int_equal(secrets_open(path, true, &other, &fault), KITH_OK);
    assert_memory_not_equal(&one, &other, sizeof(one));
}

static void
test_comments_blanks_and_order_do_not_matter(void **state)
{
    char path[SCRATCH_PATH_MAX];
    struct secrets secrets;
    struct fault fault;
    scratch_path(*state, "secrets", path);
    write_file(path,
               "\n # hello\n  token_key.1=" HEX64 "\r\n\tcontact_key = " HEX64 "  \nid_key =" HEX64,
               0600);
    assert_int_equal(secrets_open(path, false, &secrets, &fault), KITH_OK);
    for (uint8_t i = 0; i < SECRET_SIZE; i++)
        assert_int_equal(secrets.id_key[i], i);
}

static const struct {
    const char *name, *text;
    mode_t mode;
    const char *fault; /* a part of what is said */
} refused[] = {
    {"readable by the group", "id_key = " HEX64 "\n", 0640, "chmod 600"},
    {"readable by others", "id_key = " HEX64 "\n", 0604, "chmod 600"},
    {"empty", "", 0600, "id_key is missing"},
    {"one missing", "id_key = " HEX64 "\ntoken_key.1 = " HEX64, 0600, "contact_key is missing"},
    {"twice", "id_key = " HEX64 "\nid_key = " HEX64 "\n", 0600,
     ":2: this secret stands here twice"},
    {"unknown", "# one\nkey = " HEX64 "\n", 0600, ":2: no secret has this name"},
    {"no equals sign", "id_key " HEX64 "\n", 0600, ":1: expected \"name = hex\""},
    {"too short", "id_key = 0011\n", 0600, ":1: expected 64"},
    {"too long", "id_key = " HEX64 "00\n", 0600, ":1: expected 64"},
    {"no hex", "id_key = zz" HEX64 "\n", 0600, ":1: expected 64"},
};

static void
test_what_is_refused(void **state)
{
    char path[SCRATCH_PATH_MAX];
    scratch_path(*state, "secrets", path);
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct secrets secrets;
        struct fault fault = {0};
        write_file(path, refused[i].text, refused[i].mode);
        if (secrets_open(path, true, &secrets, &fault) != KITH_UNAVAILABLE)
            fail_msg("%s: not refused", refused[i].name);
        if (!strstr(fault.text, refused[i].fault) || !strstr(fault.text, path))
            fail_msg("%s: \"%s\" does not say \"%s\"", refused[i].name, fault.text,
                     refused[i].fault);
    }
}

static void
test_missing_secrets_are_not_made_unasked(void **state)
{
    char path[SCRATCH_PATH_MAX];
    struct secrets secrets;
    struct fault fault = {0};
    scratch_path(*state, "secrets", path);
    assert_int_equal(secrets_open(path, false, &secrets, &fault), KITH_UNAVAILABLE);
    check(strstr(fault.text, "missing") && access(path, F_OK) != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_secrets_are_made_and_read_back),
        scratch_test(test_two_files_hold_different_secrets),
        scratch_test(test_comments_blanks_and_order_do_not_matter),
        scratch_test(test_what_is_refused),
        scratch_test(test_missing_secrets_are_not_made_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
