/* Replacing a small file: all of it or nothing, durable once it is said to be. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/files.h"

static char story[64]; /* what was asked of the system, a letter each */
static int sync_error; /* of the next sync */

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static void
tell(char what)
{
    size_t size = strlen(story);
    check(size + 1 < sizeof(story));
    story[size] = what;
    story[size + 1] = 0;
}

/* f: of a file, d: of a directory */
int
__wrap_fsync(int fd)
{
    struct stat status;
    check(fstat(fd, &status) == 0);
    tell(S_ISDIR(status.st_mode) ? 'd' : 'f');
    if (sync_error == 0)
        return __real_fsync(fd);
    errno = sync_error;
    sync_error = 0;
    return -1;
}

int
__wrap_rename(const char *from, const char *to)
{
    tell('r');
    return __real_rename(from, to);
}

static void
check_content(const char *path, const char *content)
{
    char found[64] = {0};
    FILE *file = fopen(path, "r");
    check(file != NULL);
    check(fread(found, 1, sizeof(found) - 1, file) == strlen(content));
    fclose(file);
    assert_string_equal(found, content);
}

static void
test_it_is_durable_before_it_has_its_name(void **state)
{
    char path[SCRATCH_PATH_MAX];
    struct stat status;
    scratch_path(*state, "file", path);
    for (unsigned i = 0; i < 2; i++) {
        story[0] = 0;
        const char *content = i == 0 ? "a longer one" : "short";
        assert_int_equal(file_replace(path, content, strlen(content)), 0);
        assert_string_equal(story, "frd");
        check_content(path, content);
    }
    check(stat(path, &status) == 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void
test_what_fails_leaves_what_was_there(void **state)
{
    char path[SCRATCH_PATH_MAX], draft[SCRATCH_PATH_MAX];
    scratch_path(*state, "file", path);
    scratch_path(*state, "file.new", draft);
    assert_int_equal(file_replace(path, "old", 3), 0);
    story[0] = 0;
    sync_error = EIO;
    assert_int_equal(file_replace(path, "new", 3), EIO);
    assert_string_equal(story, "f");
    check_content(path, "old");
    check(access(draft, F_OK) != 0);
}

/* Who may write to the directory must not have another file written over. */
static void
test_a_link_is_not_followed(void **state)
{
    char path[SCRATCH_PATH_MAX], draft[SCRATCH_PATH_MAX], other[SCRATCH_PATH_MAX];
    scratch_path(*state, "file", path);
    scratch_path(*state, "file.new", draft);
    scratch_path(*state, "other", other);
    assert_int_equal(file_replace(other, "other", 5), 0);
    check(symlink(other, draft) == 0);
    assert_int_equal(file_replace(path, "new", 3), ELOOP);
    check_content(other, "other");
}

static void
test_what_is_missing_is_removed_already(void **state)
{
    char path[SCRATCH_PATH_MAX];
    scratch_path(*state, "file", path);
    assert_int_equal(file_replace(path, "old", 3), 0);
    assert_int_equal(file_remove(path), 0);
    assert_int_equal(file_remove(path), 0);
    story[0] = 0;
    assert_int_equal(directory_sync(((struct scratch *)*state)->dir), 0);
    assert_string_equal(story, "d");
    assert_int_equal(directory_sync(path), ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_it_is_durable_before_it_has_its_name),
        scratch_test(test_what_fails_leaves_what_was_there),
        scratch_test(test_a_link_is_not_followed),
        scratch_test(test_what_is_missing_is_removed_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
