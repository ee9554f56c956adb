/* Arguments: what is put is what the daemon gets, and urls: what is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients/c/src/request.h"
#include "clients/c/src/url.h"
#include "codec/check.h"
#include "proto/limits.h"

/* The message made of @args, without v and auth, as the daemon would see it; checked. */
static struct buf
encode(const struct kith_args *args, const char *auth, bool is_item)
{
    struct buf out = {0};
    const struct request request = {"op", args, "k", auth, is_item};
    size_t key_at = request_encode(&out, &request);
    struct check_fault fault;
    assert_false(out.failed);
    assert_true(check_message(buf_slice(&out), &fault));
    assert_int_equal(out.data[key_at], 'k');
    return out;
}

static void
expect(struct buf made, const char *literal, size_t size)
{
    assert_int_equal(made.size, size);
    assert_memory_equal(made.data, literal, size);
    buf_fini(&made);
}
#define EXPECT(made, literal) expect(made, literal, sizeof(literal) - 1)

#define HEAD                                   \
    "\x84\xa1v\x01\xa2id\xa1k\xa2op\xa2op\xa4" \
    "args"

static void
test_envelopes(void **state)
{
    (void)state;
    EXPECT(encode(NULL, NULL, false), HEAD "\x80");
    EXPECT(encode(NULL, NULL, true), "\x83\xa2id\xa1k\xa2op\xa2op\xa4"
                                     "args\x80");
    EXPECT(encode(NULL, "s", false), "\x85\xa1v\x01\xa2id\xa1k\xa2op\xa2op\xa4"
                                     "args\x80\xa4"
                                     "auth\xa1s");
}

static void
test_values(void **state)
{
    (void)state;
    static const char *const words[] = {"p", "q", "r", "s"};
    struct kith_args *args = kith_args_create();

    kith_put_str(args, "a", "x");
    kith_put_str(args, "absent", NULL);
    kith_put_bytes(args, "b", "y\0z", 3);
    kith_put_int(args, "c", -1);
    kith_put_bool(args, "d", true);
    kith_put_strs(args, "e", words, 2);
    kith_put_pairs(args, "f", words, 2);
    kith_put_contact(args, "g", "email", "m");
    kith_put_msgpack(args, "h", "\x92\x01\xc0", 3);
    EXPECT(encode(args, NULL, false), HEAD "\x88\xa1"
                                           "a\xa1x\xa1"
                                           "b\xa3y\0z\xa1"
                                           "c\xff\xa1"
                                           "d\xc3"
                                           "\xa1"
                                           "e\x92\xa1p\xa1q\xa1"
                                           "f\x92\x92\xa1p\xa1q\x92\xa1r\xa1s"
                                           "\xa1g\x82\xa4kind\xa5"
                                           "email\xa5value\xa1m\xa1h\x92\x01\xc0");

    kith_args_clear(args);
    kith_put_strs(args, "e", NULL, 0);
    EXPECT(encode(args, NULL, false), HEAD "\x81\xa1"
                                           "e\x90");
    kith_args_destroy(args);
}

/* What is not one whole value must not break the message around it. */
static void
test_malformed_msgpack(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {{"", 0},
                {"\x01\x02", 2},
                {"\x92\x01", 2},
                {"\xc1", 1},
                {"\xa5"
                 "ab",
                 3}};
    struct kith_args *args = kith_args_create();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        kith_args_clear(args);
        kith_put_str(args, "a", "x");
        kith_put_msgpack(args, "h", rows[i].bytes, rows[i].size);
        EXPECT(encode(args, NULL, false), HEAD "\xc2");
    }
    kith_args_destroy(args);
    kith_args_destroy(NULL);
}

/* The count of values is the daemon's, which refuses a message with too many. */
static void
test_node_count(void **state)
{
    (void)state;
    static const char *const words[] = {"p", "q", "r", "s"};
    struct kith_args *args = kith_args_create();
    struct request request = {"op", args, "k", NULL, true};
    assert_int_equal(request_node_count(&request), 7);
    kith_put_pairs(args, "f", words, 2);                     /* 1 + 1 + 2 + 4 */
    kith_put_msgpack(args, "h", "\x81\xa1x\x92\x01\xc0", 6); /* 1 + 1 + 1 + 1 + 2 */
    assert_int_equal(request_node_count(&request), 7 + 8 + 6);
    request.is_item = false;
    assert_int_equal(request_node_count(&request), 9 + 8 + 6);
    kith_args_destroy(args);
}

static void
test_urls(void **state)
{
    (void)state;
    char longest[URL_PATH_SIZE_MAX + 8] = "ipc://";
    memset(longest + 6, 'a', URL_PATH_SIZE_MAX);
    assert_true(url_is_valid(longest));
    longest[6 + URL_PATH_SIZE_MAX] = 'a'; /* the byte behind it is zero */
    assert_false(url_is_valid(longest));

    static const char *const good[] = {"ipc://a", "ipc:///run/kith/command.ipc", "tcp://h:1",
                                       "tcp://127.0.0.1:65535", "tcp://[::1]:7400"};
    static const char *const bad[] = {
        "",           "ipc://",      "ws://h:1",      "tcp://h",        "tcp://:1",
        "tcp://h:",   "tcp://h:0x",  "tcp://h:65536", "tcp://eth0;h:1", "tcp://::1:7400",
        "tcp://[]:1", "tcp://[h]:1", "tcp://h h:1",   "inproc://a",     "/run/kith",
        "tcp://h:1 "};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(url_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct kith *kith = (void *)&state;
        const struct kith_options as_url = {.url = bad[i]};
        const struct kith_options as_events = {.url = "ipc://a", .events_url = bad[i]};
        assert_false(url_is_valid(bad[i]));
        if (!*bad[i])
            continue; /* means: nothing was said */
        assert_int_equal(kith_open(&kith, &as_url), KITH_STATUS_BAD_URL);
        assert_null(kith);
        assert_int_equal(kith_open(&kith, &as_events), KITH_STATUS_BAD_URL);
    }
}

static void
test_events_beside_commands(void **state)
{
    (void)state;
    char events[URL_SIZE_MAX + 1] = "";
    assert_true(url_beside(events, "ipc:///x/command.ipc"));
    assert_string_equal(events, "ipc:///x/events.ipc");
    assert_false(url_beside(events, "ipc:///x/mycommand.ipc"));
    assert_false(url_beside(events, "ipc:///x/other"));
    assert_false(url_beside(events, "tcp://h:1"));
}

/* The user's own daemon comes before the machine's; a client may be there before either. */
static void
test_default_url(void **state)
{
    (void)state;
    char dir[] = "/tmp/kith-client-XXXXXX", url[128], expected[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    kith_default_url(url, sizeof(url));
    assert_string_equal(url, "ipc:///run/kith/command.ipc");
    assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
    kith_default_url(url, sizeof(url));
    snprintf(expected, sizeof(expected), "ipc://%s/kith/command.ipc", dir);
    assert_string_equal(url, expected);

    char sub[64];
    snprintf(sub, sizeof(sub), "%s/kith", dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/command.ipc", sub);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);

    kith_default_url(url, sizeof(url));
    snprintf(expected, sizeof(expected), "ipc://%s", address.sun_path);
    assert_string_equal(url, expected);
    kith_default_events_url(url, sizeof(url));
    snprintf(expected, sizeof(expected), "ipc://%s/events.ipc", sub);
    assert_string_equal(url, expected);
    kith_default_url(url, 4);
    assert_string_equal(url, "ipc");

    close(fd);
    unlink(address.sun_path);
    rmdir(sub);
    rmdir(dir);
}

static void
test_status_texts(void **state)
{
    (void)state;
    for (int status = KITH_STATUS_OK; status <= KITH_STATUS_STOPPED; status++)
        assert_string_not_equal(kith_status_text((enum kith_status)status), "unknown status");
    assert_string_equal(kith_status_text((enum kith_status)99), "unknown status");
    assert_string_equal(kith_status_text((enum kith_status) - 1), "unknown status");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_malformed_msgpack),
        cmocka_unit_test(test_node_count),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_events_beside_commands),
        cmocka_unit_test(test_default_url),
        cmocka_unit_test(test_status_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
