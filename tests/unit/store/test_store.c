/* The data directory: lock, formats, full disks, damage. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "store/row.h"
#include "store/store.h"

static enum kith_err
try_open(const char *dir, uint64_t map_size, struct store **out, struct fault *fault)
{
    /* Damage is to be met where it is read, not at the start: that has a test of its own. */
    struct store_options options = {.dir = dir, .map_size = map_size, .checked_rows = 1};
    return store_open(out, &options, fault);
}

static struct store *
open_store(const char *dir, uint64_t map_size)
{
    struct fault fault = {0};
    struct store *store = NULL;
    if (try_open(dir, map_size, &store, &fault) != KITH_OK)
        fail_msg("%s", fault.text);
    return store;
}

/* What stands for applying an event: one row a record, in two tables. */
static void
apply(struct store *store, seq_t seq)
{
    uint8_t key[8];
    put_be64(key, seq);
    views_put(store_views(store), VIEW_DEDUPE, slice_of(key, sizeof(key)), slice_str("point"));
    views_put(store_views(store), VIEW_DUE, slice_of(key, sizeof(key)), slice_str("list"));
}

static void
append(struct store *store, uint64_t count, size_t body_size)
{
    static uint8_t body[1024 * 1024];
    for (uint64_t i = 0; i < count; i++)
        apply(store, log_append(store_log(store), 1, slice_of(body, body_size)));
}

static enum kith_err
batch(struct store *store, uint64_t count, size_t body_size, struct fault *fault)
{
    store_begin(store);
    append(store, count, body_size);
    return store_end(store, fault);
}

static void
replay(struct store *store)
{
    struct views *views = store_views(store);
    views_begin(views);
    for (seq_t seq = views_applied(views) + 1; seq <= log_last(store_log(store)); seq++)
        apply(store, seq);
    views_keep(views, log_last(store_log(store)));
}

static bool
has_row(struct store *store, seq_t seq)
{
    uint8_t key[8];
    put_be64(key, seq);
    struct slice name = slice_of(key, sizeof(key));
    bool point = slice_is(views_get(store_views(store), VIEW_DEDUPE, name), "point");
    bool list = slice_is(views_get(store_views(store), VIEW_DUE, name), "list");
    assert_int_equal(point, list);
    return point;
}

static void
check_refused(const char *dir, enum kith_err expected, const char *word)
{
    struct fault fault = {0};
    struct store *store = NULL;
    assert_int_equal(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault), expected);
    assert_null(store);
    if (!strstr(fault.text, word))
        fail_msg("\"%s\" says nothing of \"%s\"", fault.text, word);
}

static unsigned
mode_of(const struct scratch *scratch, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct stat status;
    scratch_path(scratch, name, path);
    check(stat(path, &status) == 0);
    return status.st_mode & 0777;
}

static void
test_files_are_private(void **state)
{
    const struct scratch *scratch = *state;
    mode_t before = umask(0);
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    umask(before);
    static const char *const dirs[] = {"data", "data/log", "data/views"};
    static const char *const files[] = {"data/LOCK", "data/secrets", "data/log/data.mdb",
                                        "data/views/data.mdb"};
    for (size_t i = 0; i < ARRAY_COUNT(dirs); i++)
        assert_int_equal(mode_of(scratch, dirs[i]), 0700);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++)
        assert_int_equal(mode_of(scratch, files[i]), 0600);
    store_close(store);
}

static void
test_the_lock_is_taken_once(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    check_refused(scratch->data, KITH_UNAVAILABLE, pid);
    struct fault fault;
    assert_int_equal(batch(store, 3, 10, &fault), KITH_OK); /* the first one is none the worse */
    store_close(store);
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
}

static void
test_a_directory_that_cannot_be_made_is_refused(void **state)
{
    char path[SCRATCH_PATH_MAX];
    scratch_path(*state, "no/such", path);
    check_refused(path, KITH_UNAVAILABLE, "cannot make the data directory");
}

static void
test_a_log_without_its_secrets_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    char path[SCRATCH_PATH_MAX];
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
    scratch_path(scratch, "data/secrets", path);
    check(unlink(path) == 0);
    check_refused(scratch->data, KITH_UNAVAILABLE, "secrets is missing");
}

static void
put_format(const struct scratch *scratch, uint32_t format)
{
    uint8_t row[8];
    struct slice name = slice_str("format");
    put_be32(row, format);
    put_be32(row + 4, (uint32_t)row_hash(0, name, slice_of(row, 4)));
    struct mdb_place place = mdb_place_open(scratch, "data/log", "meta");
    MDB_val key = {name.size, (void *)(uintptr_t)name.data}, value = {sizeof(row), row};
    check(mdb_put(place.txn, place.table, &key, &value, 0) == 0);
    mdb_place_close(&place);
}

static void
test_a_newer_format_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
    put_format(scratch, STORE_FORMAT + 1);
    check_refused(scratch->data, KITH_UNAVAILABLE, "newer");
    put_format(scratch, STORE_FORMAT);
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
}

static void
overwrite(const struct scratch *scratch, const char *name, size_t size)
{
    char path[SCRATCH_PATH_MAX];
    uint8_t *bytes = malloc(size);
    scratch_path(scratch, name, path);
    int fd = open(path, O_WRONLY);
    check(fd >= 0 && bytes);
    memset(bytes, 0x55, size);
    check(pwrite(fd, bytes, size, 0) == (ssize_t)size);
    close(fd);
    free(bytes);
}

static void
cut(const struct scratch *scratch, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct stat status;
    scratch_path(scratch, name, path);
    check(stat(path, &status) == 0 && truncate(path, status.st_size / 2 / 4096 * 4096) == 0);
}

static void
test_a_log_that_is_no_database_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
    overwrite(scratch, "data/log/data.mdb", 4096);
    check_refused(scratch->data, KITH_INTERNAL, "damaged");
}

static void
test_a_log_cut_short_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct fault fault;
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    for (int i = 0; i < 10; i++)
        assert_int_equal(batch(store, 100, 200, &fault), KITH_OK);
    store_close(store);
    cut(scratch, "data/log/data.mdb");
    check_refused(scratch->data, KITH_INTERNAL, "damaged");
}

/* Views of whatever trouble begin empty, and are as before after a replay. */
static void
check_views_rebuilt(const struct scratch *scratch)
{
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(views_applied(store_views(store)), 0);
    assert_false(has_row(store, 1));
    replay(store);
    for (seq_t seq = 1; seq <= 1000; seq++)
        check(has_row(store, seq));
    assert_int_equal(views_error(store_views(store)), KITH_OK);
    store_close(store);
}

static void
fill(const struct scratch *scratch)
{
    struct fault fault;
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(batch(store, 1000, 100, &fault), KITH_OK);
    store_close(store);
    store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(views_applied(store_views(store)), 1000); /* closing wrote a checkpoint */
    store_close(store);
}

static void
test_views_that_are_no_database_are_dropped(void **state)
{
    fill(*state);
    overwrite(*state, "data/views/data.mdb", 4096);
    check_views_rebuilt(*state);
}

static void
test_views_cut_short_are_dropped(void **state)
{
    fill(*state);
    cut(*state, "data/views/data.mdb");
    check_views_rebuilt(*state);
}

static void
test_views_with_a_missing_row_are_dropped(void **state)
{
    uint8_t key[8];
    fill(*state);
    put_be64(key, 500);
    damage_delete(*state, "data/views", "dedupe", slice_of(key, sizeof(key)));
    check_views_rebuilt(*state);
}

static void
test_views_of_another_version_are_dropped(void **state)
{
    const struct scratch *scratch = *state;
    struct store_options options = {
        .dir = scratch->data, .map_size = SCRATCH_MAP_SIZE, .rows_version = 2};
    struct store *store;
    struct fault fault;
    fill(scratch);
    assert_int_equal(store_open(&store, &options, &fault), KITH_OK);
    assert_int_equal(views_applied(store_views(store)), 0);
    store_close(store);
}

/* Something that was acknowledged is gone. Only whoever put a log back from a backup knows better,
 * and takes the views away. */
static void
test_a_log_that_the_views_are_ahead_of_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    char views[SCRATCH_PATH_MAX];
    uint8_t key[8];
    fill(scratch);
    put_be64(key, 1000);
    damage_delete(scratch, "data/log", "events", slice_of(key, sizeof(key)));
    check_refused(scratch->data, KITH_INTERNAL, "the log ends at event 999");
    check_refused(scratch->data, KITH_INTERNAL, "the views have seen event 1000");

    scratch_path(scratch, "data/views/data.mdb", views);
    check(unlink(views) == 0);
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(log_last(store_log(store)), 999);
    assert_int_equal(views_applied(store_views(store)), 0);
    replay(store);
    assert_false(has_row(store, 1000));

    struct fault fault;
    assert_int_equal(batch(store, 1, 7, &fault), KITH_OK); /* another record 1000 */
    store_close(store);
    damage_delete(scratch, "data/log", "events", slice_of(key, sizeof(key)));
    check_refused(scratch->data, KITH_INTERNAL, "the log ends at event 999");
}

static void
test_views_of_another_log_are_dropped(void **state)
{
    const struct scratch *scratch = *state;
    char other[SCRATCH_PATH_MAX], from[SCRATCH_PATH_MAX], to[SCRATCH_PATH_MAX];
    fill(scratch);
    scratch_path(scratch, "other", other);
    store_close(open_store(other, SCRATCH_MAP_SIZE));
    scratch_path(scratch, "other/log/data.mdb", from);
    scratch_path(scratch, "data/log/data.mdb", to);
    check(rename(from, to) == 0);
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(log_last(store_log(store)), 0);
    assert_int_equal(views_applied(store_views(store)), 0);
    store_close(store);
}

static void
test_views_without_a_log_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    char path[SCRATCH_PATH_MAX];
    fill(scratch);
    scratch_path(scratch, "data/log/data.mdb", path);
    check(truncate(path, 0) == 0);
    check_refused(scratch->data, KITH_INTERNAL, "missing or empty");
    check(unlink(path) == 0);
    check_refused(scratch->data, KITH_INTERNAL, "missing or empty");
}

/* Killed within the very first write, which makes the file. */
static void
test_a_first_start_cut_short_begins_anew(void **state)
{
    const struct scratch *scratch = *state;
    struct fault fault;
    char path[SCRATCH_PATH_MAX];
    store_close(open_store(scratch->data, SCRATCH_MAP_SIZE));
    scratch_path(scratch, "data/log/data.mdb", path);
    check(truncate(path, 4096) == 0);
    scratch_path(scratch, "data/views/data.mdb", path);
    check(unlink(path) == 0);
    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    assert_int_equal(batch(store, 1, 20, &fault), KITH_OK);
    store_close(store);
}

static void
test_damage_is_found_at_the_start(void **state)
{
    const struct scratch *scratch = *state;
    struct store_options options = {.dir = scratch->data, .map_size = SCRATCH_MAP_SIZE};
    struct store *store;
    uint8_t key[8];
    fill(scratch);
    put_be64(key, 321);
    damage_value(scratch, "data/views", "due", slice_of(key, sizeof(key)), 5);
    assert_int_equal(store_open(&store, &options, NULL), KITH_OK);
    assert_int_equal(views_applied(store_views(store)), 0);
    store_close(store);
}

/* The name of a table of the log is damaged: it must not begin anew, and hide what is lost. */
static void
test_a_log_that_lost_its_events_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    fill(scratch);
    struct mdb_place place = mdb_place_open(scratch, "data/log", "events");
    check(mdb_drop(place.txn, place.table, 1) == 0);
    mdb_place_close(&place);
    check_refused(scratch->data, KITH_INTERNAL, "damaged");
}

static void
test_damage_found_while_reading_is_mended_by_a_reset(void **state)
{
    const struct scratch *scratch = *state;
    struct fault fault;
    uint8_t key[8];
    fill(scratch);
    put_be64(key, 321);
    damage_value(scratch, "data/views", "due", slice_of(key, sizeof(key)), 5);

    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    struct views *views = store_views(store);
    check(has_row(store, 320));
    assert_null(views_get(views, VIEW_DUE, slice_of(key, sizeof(key))).data);
    assert_int_equal(views_error(views), KITH_INTERNAL);
    assert_null(views_get(views, VIEW_DUE, slice_of(key, sizeof(key))).data);

    /* A batch that meets it is refused as a whole. */
    assert_int_equal(batch(store, 5, 10, &fault), KITH_UNAVAILABLE);
    assert_int_equal(log_last(store_log(store)), 1000);

    assert_int_equal(store_reset_views(store, &fault), KITH_OK);
    assert_int_equal(views_error(views), KITH_OK);
    assert_int_equal(views_applied(views), 0);
    replay(store);
    for (seq_t seq = 1; seq <= 1000; seq++)
        check(has_row(store, seq));
    assert_int_equal(batch(store, 5, 10, &fault), KITH_OK);
    store_close(store);
}

static void
test_damage_met_by_a_scan_or_a_checkpoint_is_found(void **state)
{
    const struct scratch *scratch = *state;
    struct fault fault;
    uint8_t key[8];
    fill(scratch);
    put_be64(key, 321);
    damage_value(scratch, "data/views", "due", slice_of(key, sizeof(key)), 0);

    struct store *store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    struct slice name, value;
    struct views_scan *scan =
        views_scan_begin(store_views(store), VIEW_DUE, slice_of(NULL, 0), slice_of(NULL, 0));
    uint64_t count = 0;
    while (views_scan_next(scan, &name, &value))
        count++;
    views_scan_end(scan);
    assert_int_equal(count, 320);
    assert_int_equal(views_error(store_views(store)), KITH_INTERNAL);
    store_close(store);

    store = open_store(scratch->data, SCRATCH_MAP_SIZE);
    store_begin(store);
    log_append(store_log(store), 1, slice_str("x"));
    apply(store, 321);
    assert_int_equal(store_end(store, &fault), KITH_OK);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_INTERNAL);
    assert_int_equal(views_error(store_views(store)), KITH_INTERNAL);
    store_close(store);
}

/* ---- Full ---- */

/* A batch that does not fit is undone, smaller ones go on, and all that was said to be kept is. */
static void
check_full_log(struct store *store, seq_t fitting)
{
    struct fault fault = {0};
    struct store_stats stats;
    seq_t last = log_last(store_log(store));
    assert_int_equal(batch(store, 4, 1000 * 1000, &fault), KITH_UNAVAILABLE);
    check(fault.text[0] != 0);
    store_stats(store, &stats);
    assert_int_equal(stats.commit_failures, 1);
    assert_int_equal(log_last(store_log(store)), last);
    assert_int_equal(views_applied(store_views(store)), last);
    assert_false(has_row(store, last + 1));
    check(last == 0 || has_row(store, last));

    for (seq_t i = 0; i < fitting; i++)
        assert_int_equal(batch(store, 1, 100, &fault), KITH_OK);
    assert_int_equal(log_last(store_log(store)), last + fitting);
    check(has_row(store, last + fitting));
}

static void
test_a_full_map_undoes_the_batch(void **state)
{
    const struct scratch *scratch = *state;
    struct fault fault;
    struct store *store = open_store(scratch->data, 1024 * 1024);
    assert_int_equal(batch(store, 10, 100, &fault), KITH_OK);
    check_full_log(store, 10);
    store_close(store);
    store = open_store(scratch->data, 1024 * 1024);
    assert_int_equal(log_last(store_log(store)), 20);
    store_close(store);
}

static void
test_a_full_views_map_is_tried_again(void **state)
{
    const struct scratch *scratch = *state;
    static uint8_t value[100 * 1000];
    struct fault fault;
    struct views_stats stats;
    struct store *store = open_store(scratch->data, 1024 * 1024);
    struct views *views = store_views(store);
    store_begin(store);
    log_append(store_log(store), 1, slice_str("x"));
    for (uint8_t i = 1; i <= 20; i++)
        views_put(views, VIEW_PAIR, slice_of(&i, 1), slice_of(value, sizeof(value)));
    assert_int_equal(store_end(store, &fault), KITH_OK);

    assert_int_equal(views_checkpoint(views), KITH_UNAVAILABLE);
    assert_int_equal(views_error(views), KITH_OK);
    check(strstr(views_fault(views)->text, "map_size"));
    assert_int_equal(views_checkpointed(views), 0);
    for (uint8_t i = 1; i <= 20; i++)
        assert_int_equal(views_get(views, VIEW_PAIR, slice_of(&i, 1)).size, sizeof(value));

    assert_int_equal(views_checkpoint(views), KITH_UNAVAILABLE); /* the same rows again */
    views_stats(views, &stats);
    assert_int_equal(stats.checkpoint_failures, 2);
    assert_int_equal(stats.checkpoints, 0);
    store_close(store);

    store = open_store(scratch->data, SCRATCH_MAP_SIZE); /* the cure that the fault names */
    assert_int_equal(log_last(store_log(store)), 1);
    assert_int_equal(views_applied(store_views(store)), 0);
    store_close(store);
}

/* Run @body in a process of its own, whose limits and mounts end with it. */
static int
in_child(int (*body)(const char *dir), const char *dir)
{
    fflush(NULL);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0)
        _exit(body(dir));
    return scratch_wait(child);
}

#define CHILD_SKIPPED 77

static void
child_expect(bool holds, int line)
{
    if (holds)
        return;
    fprintf(stderr, "line %d: what should hold does not\n", line);
    _exit(1);
}

#define expect(expr) child_expect(expr, __LINE__)

/* The limit on file sizes makes writes fall short just as a full disk does. */
static int
body_file_size_limit(const char *dir)
{
    struct fault fault = {0};
    struct store *store;
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    expect(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault) == KITH_OK);
    expect(batch(store, 100, 100, &fault) == KITH_OK);
    expect(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 512 * 1024;
    expect(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect(batch(store, 4, 1000 * 1000, &fault) == KITH_UNAVAILABLE);
    expect(strstr(fault.text, "full") != NULL);
    expect(log_last(store_log(store)) == 100 && !has_row(store, 101) && has_row(store, 100));
    expect(batch(store, 1, 100, &fault) == KITH_OK);
    limit.rlim_cur = limit.rlim_max;
    expect(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect(batch(store, 4, 1000 * 1000, &fault) == KITH_OK);
    store_close(store);
    expect(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault) == KITH_OK);
    expect(log_last(store_log(store)) == 105 && views_applied(store_views(store)) == 105);
    store_close(store);
    return 0;
}

static void
test_a_write_that_falls_short_undoes_the_batch(void **state)
{
    const struct scratch *scratch = *state;
    assert_int_equal(in_child(body_file_size_limit, scratch->data), 0);
}

static bool
mount_small_disk(const char *dir)
{
    if (unshare(CLONE_NEWNS) != 0 || mkdir(dir, 0700) != 0)
        return false;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", dir, "tmpfs", 0, "size=6m") == 0;
}

/* A ballast fills the disk but for @left bytes. */
static void
ballast(const char *path, size_t left)
{
    static uint8_t block[4096];
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    off_t size = 0;
    expect(fd >= 0);
    while (write(fd, block, sizeof(block)) == sizeof(block))
        size += sizeof(block);
    expect(ftruncate(fd, size > (off_t)left ? size - (off_t)left : 0) == 0);
    close(fd);
}

static int
body_small_disk(const char *dir)
{
    struct fault fault = {0};
    struct store *store;
    char path[SCRATCH_PATH_MAX];
    if (!mount_small_disk(dir))
        return CHILD_SKIPPED;
    snprintf(path, sizeof(path), "%.200s/ballast", dir);
    expect(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault) == KITH_OK);
    expect(batch(store, 100, 100, &fault) == KITH_OK);
    ballast(path, 64 * 1024);
    expect(batch(store, 1000, 200, &fault) == KITH_UNAVAILABLE);
    expect(strstr(fault.text, "full") != NULL);
    expect(log_last(store_log(store)) == 100 && !has_row(store, 101));
    expect(batch(store, 1000, 200, &fault) == KITH_UNAVAILABLE);
    ballast(path, 0);
    expect(views_checkpoint(store_views(store)) == KITH_UNAVAILABLE);
    expect(views_error(store_views(store)) == KITH_OK && has_row(store, 100));

    expect(unlink(path) == 0); /* and all works again */
    expect(batch(store, 1000, 200, &fault) == KITH_OK);
    expect(views_checkpoint(store_views(store)) == KITH_OK);
    expect(views_checkpointed(store_views(store)) == 1100 && has_row(store, 1100));
    store_close(store);
    expect(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault) == KITH_OK);
    expect(views_applied(store_views(store)) == 1100 && has_row(store, 1));
    store_close(store);
    return 0;
}

static void
test_a_full_disk_undoes_the_batch(void **state)
{
    const struct scratch *scratch = *state;
    int code = in_child(body_small_disk, scratch->data);
    if (code == CHILD_SKIPPED)
        skip(); /* needs the right to mount; the file size limit above tests the same path */
    assert_int_equal(code, 0);
}

/* ---- A disk that fails ---- */

/* LMDB calls these through the dynamic linker, and so calls ours. */
#define EXPORTED __attribute__((visibility("default")))

static bool sync_fails, meta_fails;

EXPORTED int
fdatasync(int fd)
{
    if (!sync_fails)
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

/* A meta page is written as some hundred bytes, all else in whole pages. */
EXPORTED ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
    if (!meta_fails || size >= 4096)
        return syscall(SYS_pwrite64, fd, data, size, at);
    errno = EIO;
    return -1;
}

/* What is on disk after a failed commit is open; the next start must find a sound log. */
static int
body_failing_commit(const char *dir)
{
    struct fault fault = {0};
    struct store *store;
    expect(try_open(dir, SCRATCH_MAP_SIZE, &store, &fault) == KITH_OK);
    expect(batch(store, 100, 100, &fault) == KITH_OK);
    sync_fails = dir[strlen(dir) - 1] == 's';
    meta_fails = !sync_fails;
    expect(batch(store, 5, 100, &fault) == KITH_INTERNAL);
    expect(strstr(fault.text, "open") != NULL);
    return 0; /* as the daemon does: at once */
}

static void
check_after_failed_commit(const char *dir)
{
    assert_int_equal(in_child(body_failing_commit, dir), 0);
    struct store *store = open_store(dir, SCRATCH_MAP_SIZE);
    seq_t last = log_last(store_log(store));
    check(last == 100 || last == 105);
    struct log_scan scan;
    struct log_record record;
    seq_t count = 0;
    log_scan_begin(&scan, store_log(store), 0);
    while (log_scan_next(&scan, &record))
        count++;
    log_scan_end(&scan);
    assert_int_equal(scan.err, KITH_OK);
    assert_int_equal(count, last);
    store_close(store);
}

static void
test_a_failed_sync_ends_the_process(void **state)
{
    char dir[SCRATCH_PATH_MAX];
    scratch_path(*state, "fails-at-s", dir);
    check_after_failed_commit(dir);
}

static void
test_a_failed_meta_write_ends_the_process(void **state)
{
    char dir[SCRATCH_PATH_MAX];
    scratch_path(*state, "fails-at-m", dir);
    check_after_failed_commit(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_files_are_private),
        scratch_test(test_the_lock_is_taken_once),
        scratch_test(test_a_directory_that_cannot_be_made_is_refused),
        scratch_test(test_a_log_without_its_secrets_is_refused),
        scratch_test(test_a_newer_format_is_refused),
        scratch_test(test_a_log_that_is_no_database_is_refused),
        scratch_test(test_a_log_cut_short_is_refused),
        scratch_test(test_views_that_are_no_database_are_dropped),
        scratch_test(test_views_cut_short_are_dropped),
        scratch_test(test_views_with_a_missing_row_are_dropped),
        scratch_test(test_views_of_another_version_are_dropped),
        scratch_test(test_a_log_that_the_views_are_ahead_of_is_refused),
        scratch_test(test_views_of_another_log_are_dropped),
        scratch_test(test_views_without_a_log_are_refused),
        scratch_test(test_damage_is_found_at_the_start),
        scratch_test(test_a_log_that_lost_its_events_is_refused),
        scratch_test(test_a_first_start_cut_short_begins_anew),
        scratch_test(test_damage_found_while_reading_is_mended_by_a_reset),
        scratch_test(test_damage_met_by_a_scan_or_a_checkpoint_is_found),
        scratch_test(test_a_full_map_undoes_the_batch),
        scratch_test(test_a_full_views_map_is_tried_again),
        scratch_test(test_a_write_that_falls_short_undoes_the_batch),
        scratch_test(test_a_full_disk_undoes_the_batch),
        scratch_test(test_a_failed_sync_ends_the_process),
        scratch_test(test_a_failed_meta_write_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
