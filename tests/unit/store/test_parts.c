/* A checkpoint that is committed in parts: that nobody sees a difference, wherever it ends. */
#include "look.h"

#include <errno.h>
#include <fcntl.h>

#include "store/heads.h"
#include "store/rollback.h"
#include "store/row.h"
#include "store/views_inner.h"

#define ROW_COUNT   200 /* in each table: some pages */
#define FEED_COUNT  120
#define VALUE_SIZE  300
#define EVENT_COUNT 16 /* a round; half of a feed's chunk */
#define PART_SIZE   24576
#define DONE        77

static const enum view_table used[] = {VIEW_MEMBER, VIEW_DUE, VIEW_INCOMING};

/* ---- Where something may end badly ---- */

enum ending { GOES_ON, DIES_BEFORE, DIES_BEHIND, FAILS, DIES_AT_THE_END, FAILS_AT_THE_END };

static enum ending ending;
static unsigned good_parts, parts; /* which one that is, and how many there were */
/* The way back is there, but nobody knows. */
static bool is_note_unsure;
static bool last_fails;    /* the commit behind all parts */
static bool is_looked_at;  /* each part, by another process */
static bool is_left_stale; /* somebody keeps the lock file of before alive */
/* Only this head is put back before the power goes; else both. */
static unsigned only_head = HEAD_COUNT;

void __real_env_commit_part(struct env_txn *txn);
void __wrap_env_commit_part(struct env_txn *txn);
enum kith_err __real_env_commit(struct env_txn *txn, struct fault *fault);
enum kith_err __wrap_env_commit(struct env_txn *txn, struct fault *fault);
int __real_heads_write(int fd, const struct heads *heads);
int __wrap_heads_write(int fd, const struct heads *heads);
enum kith_err __real_rollback_apply(const char *dir, struct fault *fault);
enum kith_err __wrap_rollback_apply(const char *dir, struct fault *fault);
int __real_rollback_note(const struct env *env);
int __wrap_rollback_note(const struct env *env);
int __real_rollback_forget(const char *dir);
int __wrap_rollback_forget(const char *dir);
static void look_beside(const char *views_dir);
static void hold_lock(const char *dir);

void
__wrap_env_commit_part(struct env_txn *txn)
{
    bool is_bad = parts++ == good_parts;
    if (is_bad && ending == FAILS && txn->rc == 0)
        txn->rc = ENOSPC;
    if (is_bad && ending == DIES_BEFORE)
        _exit(0);
    if (txn->rc == 0)
        __real_env_commit_part(txn);
    if (is_bad && ending == DIES_BEHIND)
        _exit(0);
    if (is_looked_at)
        look_beside(txn->env->dir);
}

static bool
is_of_views(const struct env_txn *txn)
{
    const char *name = strrchr(txn->env->dir, '/');
    return name && strcmp(name, "/views") == 0;
}

enum kith_err
__wrap_env_commit(struct env_txn *txn, struct fault *fault)
{
    if (last_fails && is_of_views(txn) && txn->rc == 0)
        txn->rc = ENOSPC;
    return __real_env_commit(txn, fault);
}

/* The power goes behind one of the heads. */
int
__wrap_heads_write(int fd, const struct heads *heads)
{
    struct heads now;
    if (only_head >= HEAD_COUNT)
        return __real_heads_write(fd, heads);
    long page_size = sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < HEAD_COUNT; i++) {
        check(pread(fd, now.bytes[i], HEAD_SIZE, (off_t)i * page_size) == HEAD_SIZE);
        if (only_head == i)
            memcpy(now.bytes[i], heads->bytes[i], HEAD_SIZE);
    }
    check(__real_heads_write(fd, &now) == 0);
    _exit(0);
}

enum kith_err
__wrap_rollback_apply(const char *dir, struct fault *fault)
{
    enum kith_err err = __real_rollback_apply(dir, fault);
    if (is_left_stale)
        hold_lock(dir);
    is_left_stale = false;
    return err;
}

int
__wrap_rollback_note(const struct env *env)
{
    int rc = __real_rollback_note(env);
    return is_note_unsure ? EIO : rc;
}

int
__wrap_rollback_forget(const char *dir)
{
    if (ending == DIES_AT_THE_END)
        _exit(0);
    return ending == FAILS_AT_THE_END ? EIO : __real_rollback_forget(dir);
}

static void
end_with(enum ending what, unsigned behind)
{
    ending = what;
    good_parts = behind;
    parts = 0;
}

/* ---- What the rows are like behind an event ---- */

static struct slice
key_of(size_t table, size_t number, uint8_t bytes[12])
{
    put_be64(bytes, number * UINT64_C(0x9e3779b97f4a7c15));
    put_be32(bytes + 8, (uint32_t)table);
    return slice_of(bytes, 12);
}

static bool
changes(seq_t seq, size_t number)
{
    return (seq + number) % 5 == 0;
}

/* Absent where it was deleted. */
static struct slice
value_of(seq_t seq, size_t number, uint8_t bytes[VALUE_SIZE])
{
    memset(bytes, (int)(seq * 31 + number), VALUE_SIZE);
    bool is_gone = (seq * 7 + number) % 6 == 0;
    return is_gone ? slice_of(NULL, 0) : slice_of(bytes, (seq * 13 + number) % VALUE_SIZE);
}

static struct feed_key
feed_of(size_t number)
{
    struct feed_key key = {{0}};
    put_be64(key.bytes, number * UINT64_C(0xbf58476d1ce4e5b9));
    return key;
}

/* Some are at the end of a chunk when a round ends. */
static bool
is_fed(seq_t seq, size_t number)
{
    return number % 3 == 0 || (seq * 3 + number) % 4 != 0;
}

static void
apply(struct views *views, seq_t seq)
{
    uint8_t key[12], bytes[VALUE_SIZE];
    for (size_t table = 0; table < ARRAY_COUNT(used); table++) {
        for (size_t number = 0; number < ROW_COUNT; number++) {
            struct slice name = key_of(table, number, key), value = value_of(seq, number, bytes);
            if (changes(seq, number) && value.data)
                views_put(views, used[table], name, value);
            else if (changes(seq, number))
                views_del(views, used[table], name);
        }
    }
    for (size_t number = 0; number < FEED_COUNT; number++) {
        struct feed_key feed = feed_of(number);
        if (is_fed(seq, number))
            views_feed_append(views, &feed, seq);
    }
}

static void
check_rows(struct views *views, seq_t last)
{
    uint8_t key[12], bytes[VALUE_SIZE];
    for (size_t table = 0; table < ARRAY_COUNT(used); table++) {
        for (size_t number = 0; number < ROW_COUNT; number++) {
            seq_t seq = last;
            while (seq > 0 && !changes(seq, number))
                seq--;
            struct slice expected = {0};
            if (seq > 0)
                expected = value_of(seq, number, bytes);
            struct slice found = views_get(views, used[table], key_of(table, number, key));
            check((found.data != NULL) == (expected.data != NULL));
            if (expected.data)
                check(slice_equal(found, expected));
        }
    }
}

static void
check_feeds(struct views *views, seq_t last)
{
    static seq_t found[4096];
    for (size_t number = 0; number < FEED_COUNT; number++) {
        struct feed_key feed = feed_of(number);
        unsigned count = views_feed_read(views, &feed, 0, found, ARRAY_COUNT(found)), at = 0;
        for (seq_t seq = 1; seq <= last; seq++) {
            if (is_fed(seq, number))
                check(at < count && found[at++] == seq);
        }
        assert_int_equal(at, count);
        assert_int_equal(views_feed_length(views, &feed), count);
    }
}

static void
check_all(struct store *store, seq_t last)
{
    assert_int_equal(views_applied(store_views(store)), last);
    check_rows(store_views(store), last);
    check_feeds(store_views(store), last);
    assert_int_equal(views_error(store_views(store)), KITH_OK);
}

/* ---- Its lives ---- */

static struct store *
open_parted(const struct scratch *scratch)
{
    return scratch_open_with(&(struct store_options){
        .dir = scratch->data, .map_size = SCRATCH_MAP_SIZE, .checkpoint_memory = PART_SIZE});
}

/* It is the same when it is opened again. */
static void
close_and_check(struct store *store, const struct scratch *scratch, seq_t last)
{
    store_close(store);
    store = open_parted(scratch);
    check_all(store, last);
    store_close(store);
}

static void
append_round(struct store *store)
{
    struct fault fault;
    store_begin(store);
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        apply(store_views(store), log_append(store_log(store), 1, slice_str("x")));
    assert_int_equal(store_end(store, &fault), KITH_OK);
}

static void
replay(struct store *store)
{
    struct views *views = store_views(store);
    views_begin(views);
    for (seq_t seq = views_applied(views) + 1; seq <= log_last(store_log(store)); seq++)
        apply(views, seq);
    views_keep(views, log_last(store_log(store)));
}

/* How many parts a checkpoint of the round that is next has. */
static unsigned
count_parts(const struct scratch *scratch)
{
    struct store *store = open_parted(scratch);
    end_with(GOES_ON, 0);
    append_round(store);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    check_all(store, log_last(store_log(store)));
    unsigned count = parts;
    store_close(store);
    return count;
}

static void
test_nobody_sees_parts(void **state)
{
    struct views_stats stats;
    seq_t last = 0;
    for (unsigned round = 0; round < 4; round++) {
        unsigned count = count_parts(*state);
        check(count >= 2);
        struct store *store = open_parted(*state);
        last += EVENT_COUNT;
        check_all(store, last);
        views_stats(store_views(store), &stats);
        check(stats.rows[VIEW_MEMBER] > 0 && stats.rows[VIEW_MEMBER] <= ROW_COUNT);
        assert_int_equal(views_checkpointed(store_views(store)), last);
        store_close(store);
    }
}

/* Append a round and die within its checkpoint. False if that has fewer parts, and is done. */
static bool
die(const struct scratch *scratch, enum ending how, unsigned behind)
{
    fflush(NULL);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        struct store *store = open_parted(scratch);
        replay(store);
        append_round(store);
        end_with(how, behind);
        _exit(views_checkpoint(store_views(store)) == KITH_OK ? DONE : 1);
    }
    int status = scratch_wait(child);
    check(status == 0 || status == DONE);
    return status == 0;
}

static void
not_found(void *context, const struct verify_finding *finding)
{
    (void)context;
    fail_msg("%s", finding->text);
}

static bool
takes_all(void *context, const struct log_record *record)
{
    (void)context;
    return record->seq > 0;
}

/* Half of a checkpoint is no damage. */
static struct verify_state
look(const char *data, bool is_online)
{
    struct verify_state seen = look_at((struct verify){
        .dir = data, .is_online = is_online, .found = not_found, .decodes = takes_all});
    check(!seen.is_foreign && seen.events > 0);
    check(seen.has_mark == (is_online || !seen.is_part));
    return seen;
}

static bool
is_part(const struct scratch *scratch, seq_t applied)
{
    struct verify_state seen = look(scratch->data, false);
    if (!seen.is_part)
        assert_int_equal(seen.applied, applied);
    return seen.is_part;
}

/* In another process, as `kithd --verify` is. */
static void
look_beside(const char *views_dir)
{
    char data[SCRATCH_PATH_MAX];
    snprintf(data, sizeof(data), "%.*s", (int)(strlen(views_dir) - strlen("/views")), views_dir);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(look(data, true).is_part ? 0 : 1);
    assert_int_equal(scratch_wait(child), 0);
}

static void
test_parts_are_looked_at(void **state)
{
    count_parts(*state);
    struct store *store = open_parted(*state);
    append_round(store);
    is_looked_at = true;
    end_with(GOES_ON, 0);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    is_looked_at = false;
    check(parts > 1);
    check_all(store, 2 * EVENT_COUNT);
    store_close(store);
    check(!is_part(*state, 2 * EVENT_COUNT));
}

static void
test_what_ended_within_goes_back(void **state)
{
    unsigned count = count_parts(*state), i = 0;
    seq_t before = EVENT_COUNT, last = before;
    for (; die(*state, i % 2 == 0 ? DIES_BEFORE : DIES_BEHIND, i / 2); i++) {
        last += EVENT_COUNT;
        check(is_part(*state, before));
        struct store *store = open_parted(*state);
        assert_int_equal(log_last(store_log(store)), last);
        check_all(store, before); /* exactly what the last whole checkpoint left */
        replay(store);
        check_all(store, last);
        if (i % 3 == 0) {
            end_with(GOES_ON, 0);
            assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
            check(parts > 0);
            store_close(store);
            before = last;
            store = open_parted(*state);
            check_all(store, before);
        }
        end_with(FAILS, 0); /* closing writes no more than was there */
        store_close(store);
        end_with(GOES_ON, 0);
    }
    check(i > 2 * count); /* each round has more feeds than the one before */
}

/* The disk is full behind some parts; later it is not. */
static void
test_a_part_that_failed_is_written_over(void **state)
{
    unsigned count = count_parts(*state), i = 0;
    seq_t last = EVENT_COUNT;
    for (enum kith_err err = KITH_UNAVAILABLE; err != KITH_OK; i++) {
        struct store *store = open_parted(*state);
        append_round(store);
        last += EVENT_COUNT;
        bool has_failed = false;
        for (unsigned tries = 0; tries < 2; tries++) {
            end_with(FAILS, i);
            err = views_checkpoint(store_views(store));
            check(err == KITH_OK || err == KITH_UNAVAILABLE);
            has_failed = has_failed || err != KITH_OK;
            check((strlen(views_fault(store_views(store))->text) > 0) == has_failed);
            check_all(store, last);
        }
        if (i % 2 == 0) { /* meanwhile there is more to do */
            append_round(store);
            last += EVENT_COUNT;
        }
        end_with(GOES_ON, 0);
        assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
        check_all(store, last);
        close_and_check(store, *state, last);
    }
    check(i > count);
}

/* The last commit fails, again and again: what is there already is not written again, or the file
 * would grow with each try. */
static void
test_tries_in_vain_take_no_room(void **state)
{
    struct store_stats few, many;
    count_parts(*state);
    struct store *store = open_parted(*state);
    append_round(store);
    last_fails = true;
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(views_checkpoint(store_views(store)), KITH_UNAVAILABLE);
        assert_false(views_throttled(store_views(store))); /* what is done of it says nothing */
        if (i == 2)
            store_stats(store, &few);
    }
    last_fails = false;
    store_stats(store, &many);
    check(many.views_size < 2 * few.views_size);
    check_all(store, 2 * EVENT_COUNT);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    close_and_check(store, *state, 2 * EVENT_COUNT);
}

/* All is there, and the way back is not gone yet. */
static void
test_the_end_is_when_there_is_no_way_back(void **state)
{
    count_parts(*state);
    check(die(*state, DIES_AT_THE_END, 0));
    struct store *store = open_parted(*state);
    check_all(store, EVENT_COUNT);
    replay(store);
    check_all(store, 2 * EVENT_COUNT);
    for (unsigned i = 0; i < 3; i++) {
        end_with(FAILS_AT_THE_END, 0);
        assert_int_equal(views_checkpoint(store_views(store)), KITH_UNAVAILABLE);
        check(strstr(views_fault(store_views(store))->text, "rollback"));
        check_all(store, 2 * EVENT_COUNT);
    }
    end_with(GOES_ON, 0);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    check_all(store, 2 * EVENT_COUNT);
    close_and_check(store, *state, 2 * EVENT_COUNT);
}

/* A way back that was not to be relied on leads to pages that are used again: it must go as well.
 */
static void
test_a_way_back_that_is_not_used_goes(void **state)
{
    char path[SCRATCH_PATH_MAX];
    count_parts(*state);
    scratch_path(*state, "data/views/rollback", path);
    struct store *store = open_parted(*state);
    append_round(store);
    is_note_unsure = true;
    end_with(GOES_ON, 0);
    assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
    is_note_unsure = false;
    assert_int_equal(parts, 0);
    check(access(path, F_OK) != 0);
    check_all(store, 2 * EVENT_COUNT);
    store_close(store);
}

/* A filter knows all that is there, whatever came of it. */
static void
test_filters_know_what_a_part_has_left(void **state)
{
    enum { KEY_COUNT = 70000 }; /* more than the first filter is made for */
    struct fault fault;
    uint8_t key[8];
    struct store *store = open_parted(*state);
    for (unsigned half = 0; half < 2; half++) {
        store_begin(store);
        log_append(store_log(store), 1, slice_str("x"));
        for (uint64_t i = half; i < KEY_COUNT; i += 2) {
            put_be64(key, i);
            views_put(store_views(store), VIEW_PAIR, slice_of(key, 8), slice_of(key, 8));
        }
        assert_int_equal(store_end(store, &fault), KITH_OK);
        end_with(half == 0 ? GOES_ON : FAILS, 20);
        assert_int_equal(views_checkpoint(store_views(store)),
                         half == 0 ? KITH_OK : KITH_UNAVAILABLE);
        end_with(GOES_ON, 0);
        assert_int_equal(views_checkpoint(store_views(store)), KITH_OK);
        for (uint64_t i = 0; i < KEY_COUNT; i++) {
            put_be64(key, i);
            bool is_there = i % 2 == 0 || half == 1;
            check((views_get(store_views(store), VIEW_PAIR, slice_of(key, 8)).data != NULL) ==
                  is_there);
        }
    }
    store_close(store);
}

/* The power goes while the heads are put back: both of them are there, be it of two times. */
static void
test_going_back_may_end_as_well(void **state)
{
    count_parts(*state);
    for (unsigned i = 0; i < 8; i++) {
        check(die(*state, DIES_BEHIND, 1 + i / 2));
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            only_head = i % HEAD_COUNT;
            open_parted(*state);
            _exit(1); /* it had nothing to put back */
        }
        assert_int_equal(scratch_wait(child), 0);
        look((*(struct scratch **)state)->data, false);
        struct store *store = open_parted(*state);
        check_all(store, EVENT_COUNT);
        replay(store);
        end_with(FAILS, 0);
        store_close(store);
        end_with(GOES_ON, 0);
    }
}

/* Without a reader that holds what there was before, all goes at once. */
static void
test_what_is_not_held_is_not_parted(void **state)
{
    struct store *store = open_parted(*state);
    append_round(store);
    end_with(GOES_ON, 0);
    /* As if the reader could not be had. */
    struct views *views = store_views(store);
    struct checkpoint_mark mark = views->mark;
    mark.applied = views_applied(views);
    check(log_checksum(store_log(store), mark.applied, &mark.chain) == KITH_OK);
    views->frozen_mark = mark;
    views->frozen = views->active;
    views->active = &views->overlays[1];
    checkpoint_start(&views->checkpoint, views->frozen, &views->frozen_mark, false);
    views_wait(views);
    assert_int_equal(parts, 0);
    assert_int_equal(views_checkpointed(views), EVENT_COUNT);
    check_all(store, EVENT_COUNT);
    store_close(store);
}

/* Another process may look at a page that would be used again: then all is made anew. */
static void
test_who_is_looked_at_begins_anew(void **state)
{
    count_parts(*state);
    check(die(*state, DIES_BEHIND, 1));
    int ready[2], go[2];
    char byte = 0;
    check(pipe(ready) == 0 && pipe(go) == 0);
    fflush(NULL);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        close(go[1]); /* so that the end of the test is its end, too */
        struct mdb_place place = mdb_place_open(*state, "data/views", "meta");
        mdb_txn_abort(place.txn);
        _exit(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1 ? 0 : 1);
    }
    check(read(ready[0], &byte, 1) == 1);
    struct store *store = open_parted(*state);
    assert_int_equal(log_last(store_log(store)), 2 * EVENT_COUNT);
    check_all(store, 0);
    replay(store);
    check_all(store, 2 * EVENT_COUNT);
    check(write(go[1], &byte, 1) == 1);
    assert_int_equal(scratch_wait(child), 0);
    close_and_check(store, *state, 2 * EVENT_COUNT);
}

static int stop[2];

#define LOCK_AT_NUMBER 48 /* of the last commit, in the lock file of LMDB 0.9 on 64-bit Linux */

/* Whoever opens it alone makes the lock file anew, without a trace of who died. */
static void
renew_lock_file(const char *dir)
{
    MDB_env *mdb;
    check(mdb_env_create(&mdb) == 0);
    check(mdb_env_set_mapsize(mdb, SCRATCH_MAP_SIZE) == 0);
    check(mdb_env_open(mdb, dir, 0, 0600) == 0);
    mdb_env_close(mdb);
}

/* As one does who waited for the lock while the heads were put back: LMDB has then nobody read anew
 * which commit was the last. */
static void
hold_lock(const char *dir)
{
    int ready[2];
    char path[SCRATCH_PATH_MAX], byte = 0;
    check(pipe(ready) == 0 && pipe(stop) == 0);
    snprintf(path, sizeof(path), "%s/lock.mdb", dir);
    fflush(NULL);
    if (fork() == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
        uint64_t number;
        close(stop[1]);
        renew_lock_file(dir);
        int fd = open(path, O_RDWR);
        bool good = pread(fd, &number, sizeof(number), LOCK_AT_NUMBER) == sizeof(number);
        number++;
        good = good && pwrite(fd, &number, sizeof(number), LOCK_AT_NUMBER) == sizeof(number);
        good = good && fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], &byte, 1) == 1;
        _exit(good && read(stop[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(stop[0]);
    check(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
}

static void
test_a_stale_lock_file_is_noticed(void **state)
{
    count_parts(*state);
    for (unsigned i = 0; i < 2; i++) {
        check(die(*state, DIES_BEHIND, i));
        is_left_stale = true;
        struct store *store = open_parted(*state);
        is_left_stale = false;
        check_all(store, 0);
        replay(store);
        close(stop[1]);
        int status;
        check(wait(&status) > 0 && status == 0);
        close_and_check(store, *state, (2 + i) * EVENT_COUNT);
    }
}

/* A copy of the file is not the file. */
static void
test_a_copy_begins_anew(void **state)
{
    char from[SCRATCH_PATH_MAX], to[SCRATCH_PATH_MAX], command[5 * SCRATCH_PATH_MAX];
    count_parts(*state);
    check(die(*state, DIES_BEHIND, 1));
    scratch_path(*state, "data/views/data.mdb", from);
    scratch_path(*state, "copy", to);
    snprintf(command, sizeof(command), "cp %s %s && mv %s %s", from, to, to, from);
    assert_int_equal(system(command), 0);
    struct store *store = open_parted(*state);
    check_all(store, 0);
    replay(store);
    check_all(store, 2 * EVENT_COUNT);
    store_close(store);
}

/* The way back is gone, or damaged. */
static void
test_without_a_way_back_it_begins_anew(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct store *store = open_parted(*state);
        replay(store);
        store_close(store);
        check(die(*state, DIES_BEHIND, 1));
        char path[SCRATCH_PATH_MAX];
        scratch_path(*state, "data/views/rollback", path);
        FILE *file = fopen(path, "r+");
        check(file && fseek(file, 50, SEEK_SET) == 0 && fputc('x', file) == 'x');
        fclose(file);
        if (i > 0)
            check(remove(path) == 0);
        store = open_parted(*state);
        check_all(store, 0);
        replay(store);
        check_all(store, (i + 1) * EVENT_COUNT);
        store_close(store);
    }
}

/* What the system refuses to open may be as good as ever: the views are not dropped for it. */
static void
test_what_cannot_be_opened_is_not_dropped(void **state)
{
    static const char *const names[] = {"rollback", "data.mdb", "lock.mdb"};
    count_parts(*state);
    check(die(*state, DIES_BEHIND, 1));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char name[64], path[SCRATCH_PATH_MAX], aside[SCRATCH_PATH_MAX];
        snprintf(name, sizeof(name), "data/views/%s", names[i]);
        scratch_path(*state, name, path);
        scratch_path(*state, "aside", aside);
        check(rename(path, aside) == 0 && symlink(path, path) == 0); /* one that leads to itself */
        struct fault fault = {0};
        struct store *store = NULL;
        struct store_options options = {.dir = (*(struct scratch **)state)->data,
                                        .map_size = SCRATCH_MAP_SIZE,
                                        .checkpoint_memory = PART_SIZE};
        assert_int_equal(store_open(&store, &options, &fault), KITH_UNAVAILABLE);
        check(strstr(fault.text, "/views: cannot go back") && strstr(fault.text, strerror(ELOOP)));
        check(rename(aside, path) == 0);
    }
    struct store *store = open_parted(*state);
    check_all(store, EVENT_COUNT);
    replay(store);
    close_and_check(store, *state, 2 * EVENT_COUNT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_nobody_sees_parts),
        scratch_test(test_what_ended_within_goes_back),
        scratch_test(test_a_part_that_failed_is_written_over),
        scratch_test(test_tries_in_vain_take_no_room),
        scratch_test(test_the_end_is_when_there_is_no_way_back),
        scratch_test(test_a_way_back_that_is_not_used_goes),
        scratch_test(test_filters_know_what_a_part_has_left),
        scratch_test(test_going_back_may_end_as_well),
        scratch_test(test_parts_are_looked_at),
        scratch_test(test_a_stale_lock_file_is_noticed),
        scratch_test(test_a_copy_begins_anew),
        scratch_test(test_what_is_not_held_is_not_parted),
        scratch_test(test_who_is_looked_at_begins_anew),
        scratch_test(test_without_a_way_back_it_begins_anew),
        scratch_test(test_what_cannot_be_opened_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
