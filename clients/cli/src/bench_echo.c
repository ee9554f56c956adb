#include "bench_echo.h"

#include <errno.h>
#include <fcntl.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "fail.h"
#include "verb.h"

#define BODY_SIZE    96            /* of a connection.request between short names */
#define BUFFER_SIZE  (1024 * 1024) /* as libkith has it; a full one loses replies */
#define CONTROL_SIZE 64
#define LOST_NS      UINT64_C(2000000000) /* a reply that takes longer will not come */
#define URL_SIZE     64

struct echo_lane {
    int socket, receive_fd;
    unsigned window;
    uint64_t *sent_ns; /* by slot; 0: not under way */
    unsigned look;     /* which slot is looked at for being lost */
};

static void
set_buffers(int socket)
{
    int size = BUFFER_SIZE;
    nn_setsockopt(socket, NN_SOL_SOCKET, NN_SNDBUF, &size, sizeof(size));
    nn_setsockopt(socket, NN_SOL_SOCKET, NN_RCVBUF, &size, sizeof(size));
}

static void
echo_close(void *context)
{
    struct echo_lane *lane = context;
    if (lane->socket >= 0)
        nn_close(lane->socket);
    free(lane->sent_ns);
    free(lane);
}

static void *
echo_open(void *context, unsigned number, unsigned window)
{
    const char *url = context;
    struct echo_lane *lane = calloc(1, sizeof(*lane));
    (void)number;
    if (!lane)
        return NULL;
    lane->window = window;
    lane->sent_ns = calloc(window, sizeof(*lane->sent_ns));
    lane->socket = nn_socket(AF_SP_RAW, NN_REQ);
    size_t size = sizeof(lane->receive_fd);
    if (lane->sent_ns && lane->socket >= 0) {
        set_buffers(lane->socket);
        if (nn_connect(lane->socket, url) >= 0 &&
            nn_getsockopt(lane->socket, NN_SOL_SOCKET, NN_RCVFD, &lane->receive_fd, &size) == 0)
            return lane;
    }
    echo_close(lane);
    return NULL;
}

/* Waits while the kernel's buffer is full: that is the transport's own limit. */
static bool
echo_send(void *context, unsigned slot)
{
    struct echo_lane *lane = context;
    uint8_t message[sizeof(uint32_t) + BODY_SIZE] = {0};
    put_be32(message, slot | 0x80000000u);
    lane->sent_ns[slot] = cli_now_ns();
    int sent;
    do
        sent = nn_send(lane->socket, message, sizeof(message), 0);
    while (sent < 0 && nn_errno() == EINTR);
    return sent >= 0;
}

/* nanomsg has moved the number into the control header. */
static bool
receive(struct echo_lane *lane, unsigned *slot)
{
    uint8_t control[CONTROL_SIZE] = {0};
    void *data = NULL;
    struct nn_iovec part = {&data, NN_MSG};
    struct nn_msghdr header = {&part, 1, control, sizeof(control)};
    if (nn_recvmsg(lane->socket, &header, NN_DONTWAIT) < 0)
        return false;
    nn_freemsg(data);
    uint32_t number = get_be32(control + sizeof(struct nn_cmsghdr) + sizeof(size_t));
    *slot = number & 0x7fffffffu;
    return *slot < lane->window && lane->sent_ns[*slot] != 0;
}

/* Stock nanomsg drops replies that do not fit: one slot is looked at a call. */
static bool
is_lost(struct echo_lane *lane, unsigned *slot)
{
    *slot = lane->look++ % lane->window;
    uint64_t sent_ns = lane->sent_ns[*slot];
    return sent_ns != 0 && cli_now_ns() - sent_ns > LOST_NS;
}

static enum bench_take
echo_take(void *context, unsigned *slot)
{
    struct echo_lane *lane = context;
    bool received = receive(lane, slot);
    if (!received && !is_lost(lane, slot))
        return BENCH_TAKE_NONE;
    lane->sent_ns[*slot] = 0;
    return received ? BENCH_TAKE_ANSWER : BENCH_TAKE_LOST;
}

static int
echo_fd(void *context)
{
    struct echo_lane *lane = context;
    return lane->receive_fd;
}

/* --- the other side --------------------------------------------------------------------------- */

/* Whoever started it holds the other end of its standard input: when that closes, it ends. */
static bool
is_abandoned(void)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
}

static void
serve(int socket)
{
    int wait_ms = 200;
    nn_setsockopt(socket, NN_SOL_SOCKET, NN_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    for (;;) {
        uint8_t control[CONTROL_SIZE] = {0};
        void *data = NULL;
        struct nn_iovec part = {&data, NN_MSG};
        struct nn_msghdr header = {&part, 1, control, sizeof(control)};
        if (nn_recvmsg(socket, &header, 0) < 0) {
            if (is_abandoned())
                return;
            continue;
        }
        struct nn_cmsghdr head;
        memcpy(&head, control, sizeof(head));
        header.msg_controllen = NN_CMSG_ALIGN_(head.cmsg_len);
        if (header.msg_controllen > sizeof(control) || nn_sendmsg(socket, &header, 0) < 0)
            nn_freemsg(data);
    }
}

static enum cli_exit
echo_server_run(struct cli *cli, struct option_args *args)
{
    if (args->count != 2)
        return fail_usage(cli, "bench-echo-server takes a URL");
    int socket = nn_socket(AF_SP_RAW, NN_REP);
    if (socket < 0)
        return CLI_INTERNAL;
    set_buffers(socket);
    if (nn_bind(socket, args->at[1]) < 0) {
        fail(cli, "internal", "internal", "%s: %s", args->at[1], nn_strerror(nn_errno()));
        return CLI_INTERNAL;
    }
    fputs("ready\n", stdout);
    fflush(stdout);
    serve(socket);
    nn_close(socket);
    return CLI_OK;
}

const struct verb verb_bench_echo_server = {
    .name = "bench-echo-server",
    .words = "URL",
    .help = "the other side of the echo that bench compares with",
    .options = &option_none,
    .hidden = true,
    .run = echo_server_run,
};

struct child {
    pid_t pid;
    int input, output; /* our ends of its standard input and output */
};

static bool
spawn(struct child *child, char *url)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    char name[] = "kith", verb[] = "bench-echo-server";
    char *argv[] = {name, verb, url, NULL};
    int error = posix_spawn(&child->pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    child->input = in[1];
    child->output = out[0];
    if (error == 0)
        return true;
    close(child->input);
    close(child->output);
    return false;
}

static void
stop(struct child *child)
{
    close(child->input);
    close(child->output);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

bool
bench_echo_run(const struct cli *cli, const struct bench_load *load, struct bench_result *result)
{
    char dir[] = "/tmp/kith-bench-XXXXXX";
    char url[URL_SIZE], ready[16];
    if (!mkdtemp(dir)) {
        fail(cli, "internal", "internal", "%s: %s", dir, strerror(errno));
        return false;
    }
    snprintf(url, sizeof(url), "ipc://%s/echo", dir);
    struct child child;
    bool good = spawn(&child, url);
    if (good) {
        struct bench_target target = {url, echo_open, echo_close, echo_send, echo_take, echo_fd};
        good =
            read(child.output, ready, sizeof(ready)) > 0 && bench_load_run(load, &target, result);
        stop(&child);
    }
    if (!good)
        fail(cli, "internal", "internal", "the echo could not be measured");
    unlink(url + strlen("ipc://"));
    rmdir(dir);
    return good;
}
