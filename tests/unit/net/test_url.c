/* Which endpoints can be bound, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/url.h"

#define TEN     "0123456789"
#define PATH_97 "/" TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345"

static const struct {
    const char *url;
    const char *says; /* NULL: it is good; else what the fault has to contain */
} urls[] = {
    {"ipc:///run/kith/command", NULL},
    {"ipc://relative/command", NULL},
    {"ipc://" PATH_97 TEN, NULL}, /* 107 bytes */
    {"ipc://" PATH_97 TEN "8", "108 bytes"},
    {"ipc://" PATH_97 TEN TEN, "117 bytes"},
    {"ipc://" PATH_97 TEN TEN TEN TEN, "longer than"},
    {"ipc://", "names no socket file"},
    {"ipc:///run/kith/", "names no socket file"},
    {"tcp://127.0.0.1:7700", NULL},
    {"tcp://*:7700", NULL},
    {"tcp://lo:7700", NULL},
    {"tcp://[::1]:1", NULL},
    {"tcp://[::]:65535", NULL},
    {"tcp://::1:7700", "in brackets"},
    {"tcp://[::1:7700", "in brackets"},
    {"tcp://[127.0.0.1]:7700", "not an IPv6 address"},
    {"tcp://[]:7700", "not an IPv6 address"},
    {"tcp://127.0.0.1", "no port"},
    {"tcp://127.0.0.1:", "no port"},
    {"tcp://:7700", "no port"},
    {"tcp://127.0.0.1:0", "no port"},
    {"tcp://127.0.0.1:65536", "no port"},
    {"tcp://127.0.0.1:+80", "no port"},
    {"tcp://127.0.0.1:80x", "no port"},
    {"tcp://127.0.0.1:4294967297", "no port"},
    {"tcp://300.0.0.1:7700", "neither an IP address"},
    {"tcp://no-such-name:7700", "neither an IP address"},
    {"ws://127.0.0.1:7700", "WebSockets are not offered"},
    {"inproc://kith", "nobody outside"},
    {"http://127.0.0.1:80", "not an endpoint"},
    {"/run/kith/command", "not an endpoint"},
    {"", "not an endpoint"},
};

static void
urls_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct fault fault = {0};
        const char *path;
        bool good = url_check(urls[i].url, &path, &fault);

        if (good != !urls[i].says)
            fail_msg("%s: %s", urls[i].url, fault.text);
        if (!good && !strstr(fault.text, urls[i].says))
            fail_msg("%s: says '%s', not '%s'", urls[i].url, fault.text, urls[i].says);
        if (good && strncmp(urls[i].url, "ipc://", 6) == 0)
            assert_string_equal(path, urls[i].url + 6);
        else if (good)
            assert_null(path);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
