/* Syncs in steps: whose they are, what they do with files of all sizes, and that errors show. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "store/trickle.h"

static _Atomic bool hurry;
static _Atomic unsigned synced;

/* In place of libc's, for one test. */
static bool refuses;
static int asked_fd;

int
sync_file_range(int fd, off64_t at, off64_t size, unsigned flags)
{
    asked_fd = fd;
    if (!refuses)
        return (int)syscall(SYS_sync_file_range, fd, at, size, flags);
    errno = EIO;
    return -1;
}

static int
open_file(void **state)
{
    char path[SCRATCH_PATH_MAX];
    scratch_path(*state, "file", path);
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    check(fd >= 0);
    return fd;
}

static void
test_files_of_all_sizes(void **state)
{
    static const off_t sizes[] = {0, 1, TRICKLE_STEP_SIZE_MIN, TRICKLE_STEP_SIZE_MIN * 5 + 1,
                                  (off_t)1 << 40};
    static uint8_t page[4096];
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        int fd = open_file(state);
        check(ftruncate(fd, sizes[i]) == 0); /* sparse: in the last one few steps find anything */
        for (off_t at = 0; at < sizes[i]; at += sizes[i] / 64 + 1)
            check(pwrite(fd, page, sizeof(page), at) == sizeof(page));
        trickle_begin(&hurry, &synced);
        assert_int_equal(fdatasync(fd), 0);
        assert_int_equal(fdatasync(fd), 0);
        assert_int_equal(trickle_end(NULL), 2);
        assert_int_equal(synced, sizes[i] ? TRICKLE_WHOLE : 0);
        assert_int_equal(fdatasync(fd), 0);
        trickle_begin(&hurry, &synced);
        assert_int_equal(trickle_end(NULL), 0);
        close(fd);
    }
}

static void *
sync_elsewhere(void *context)
{
    assert_int_equal(fdatasync(*(int *)context), 0);
    return NULL;
}

static void
test_only_of_this_thread(void **state)
{
    int fd = open_file(state);
    pthread_t thread;
    trickle_begin(&hurry, &synced);
    assert_int_equal(pthread_create(&thread, NULL, sync_elsewhere, &fd), 0);
    pthread_join(thread, NULL);
    assert_int_equal(trickle_end(NULL), 0);
    close(fd);
}

/* The kernel tells of a page that is lost once for each opening: it is not to be told to the steps.
 */
static void
test_the_steps_have_an_opening_of_their_own(void **state)
{
    int fd = open_file(state);
    check(pwrite(fd, "x", 1, 0) == 1);
    refuses = true;
    asked_fd = -1;
    trickle_begin(&hurry, &synced);
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(trickle_end(NULL), 1);
    refuses = false;
    check(asked_fd >= 0 && asked_fd != fd);
    check(fcntl(asked_fd, F_GETFD) == -1); /* and it is closed */
    close(fd);
}

static void
test_errors_are_those_of_the_sync(void **state)
{
    int fd = open_file(state), pipes[2];
    check(pipe(pipes) == 0);
    close(fd);
    trickle_begin(&hurry, &synced);
    assert_int_equal(fdatasync(fd), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(fdatasync(pipes[1]), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(trickle_end(NULL), 2);
    close(pipes[0]);
    close(pipes[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_files_of_all_sizes),
        scratch_test(test_only_of_this_thread),
        scratch_test(test_the_steps_have_an_opening_of_their_own),
        scratch_test(test_errors_are_those_of_the_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
