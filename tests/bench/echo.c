/* How fast can nanomsg answer at all? The floor that other figures are compared with.
 *
 * usage: bench_echo [count [window [connections [body]]]]
 *
 * A server that only echoes, in a process of its own, and a client that speaks SP by hand over unix
 * sockets, with `window` requests in flight over all its connections. It runs twice: `stock`, a raw
 * REP socket as nanomsg has it, and `guarded`, through net.h as the daemon does. A reply that has
 * not come after a second without any is counted as lost.
 */
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "net/net.h"

#define CONNECTIONS_MAX 64
#define BODY_MAX        65536
#define HEAD_SIZE       13 /* 1 type, 8 length, 4 id */
#define SILENCE_MS      1000
#define READ_SIZE       262144

struct plan {
    unsigned count, window, connections, body;
};

struct connection {
    int fd;
    unsigned to_send;   /* free places of the window */
    size_t unsent;      /* bytes of the request that was cut off by a full buffer */
    size_t reply_bytes; /* of a reply that has begun to arrive */
};

/* --- the servers: each until standard input of the process ends ----------------------------- */

static void
serve_stock(const char *url, int stop, int ready)
{
    int socket = nn_socket(AF_SP_RAW, NN_REP), size = 1024 * 1024, fd;
    size_t fd_size = sizeof(fd);

    nn_setsockopt(socket, NN_SOL_SOCKET, NN_SNDBUF, &size, sizeof(size));
    int rc = nn_bind(socket, url);
    assert(rc >= 0);
    nn_getsockopt(socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &fd_size);
    assert(write(ready, "r", 1) == 1);
    struct pollfd fds[] = {{fd, POLLIN, 0}, {stop, POLLIN, 0}};

    while (poll(fds, 2, -1) >= 0 && !fds[1].revents)
        for (;;) {
            void *chunk;
            uint64_t control[16] = {0};
            struct nn_iovec part = {&chunk, NN_MSG};
            struct nn_msghdr message = {&part, 1, control, sizeof(control)};
            if (nn_recvmsg(socket, &message, NN_DONTWAIT) < 0)
                break;
            message.msg_controllen = control[0];
            nn_sendmsg(socket, &message, NN_DONTWAIT);
        }
    nn_close(socket);
}

static void
serve_guarded(const char *url, int stop, int ready)
{
    const struct net_options options = {
        .command_urls = &url,
        .command_url_count = 1,
        .connections_max = CONNECTIONS_MAX,
        .message_size_max = BODY_MAX,
        .kept_size_max = 64 * 1024 * 1024,
        .kept_ms_max = 10000,
        .half_size_max = 256 * 1024 * 1024,
        .half_ms_max = 60000,
    };
    struct net *net;
    struct fault fault = {0};

    if (net_open(&net, &options, &fault) != KITH_OK) {
        fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    assert(write(ready, "r", 1) == 1);
    struct pollfd fds[] = {{net_command_fd(net), POLLIN, 0}, {stop, POLLIN, 0}};
    unsigned kept = 0;

    while (poll(fds, 2, kept ? 1 : -1) >= 0 && !fds[1].revents) {
        struct net_request request;
        while (net_receive(net, &request)) {
            net_reply(net, &request.route, request.body);
            net_release(&request);
        }
        kept = net_tick(net, 1);
    }
    net_close(net);
}

/* --- the client ----------------------------------------------------------------------------- */

static int
connect_to(const char *path)
{
    static const uint8_t greeting[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t answer[8];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(fd, greeting, 8, 0) != 8 || recv(fd, answer, 8, MSG_WAITALL) != 8) {
        perror(path);
        exit(1);
    }
    return fd;
}

/* Send as many requests as the window and the kernel have room for. They are all alike, so what
 * was cut off goes on with the same bytes. Returns how many were begun. */
static unsigned
send_some(struct connection *conn, const uint8_t *requests, size_t request_size, unsigned left)
{
    unsigned begin = conn->to_send < left ? conn->to_send : left;
    size_t wanted = conn->unsent + begin * request_size;
    size_t offset = conn->unsent ? request_size - conn->unsent : 0;

    if (wanted == 0)
        return 0;
    ssize_t sent = send(conn->fd, requests + offset, wanted, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken < conn->unsent) {
        conn->unsent -= taken;
        return 0;
    }
    taken -= conn->unsent;
    unsigned begun = (unsigned)((taken + request_size - 1) / request_size);
    conn->unsent = begun * request_size - taken;
    conn->to_send -= begun;
    return begun;
}

/* Returns how many replies were completed. All have the size of a request. */
static unsigned
read_some(struct connection *conn, size_t reply_size)
{
    static uint8_t bytes[READ_SIZE];
    ssize_t size = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (size <= 0)
        return 0;
    conn->reply_bytes += (size_t)size;
    unsigned done = (unsigned)(conn->reply_bytes / reply_size);
    conn->reply_bytes %= reply_size;
    conn->to_send += done;
    return done;
}

static uint8_t *
requests_make(const struct plan *plan, size_t request_size)
{
    unsigned count = plan->window / plan->connections + 2;
    uint8_t *requests = calloc(count, request_size);

    assert(requests);
    for (unsigned i = 0; i < count; i++) {
        uint8_t *request = requests + i * request_size;
        request[0] = 1;
        put_be64(request + 1, 4 + plan->body);
        put_be32(request + 9, 0x80000001);
    }
    return requests;
}

/* Returns how many replies came. */
static unsigned
drive(const char *path, const struct plan *plan)
{
    struct connection conns[CONNECTIONS_MAX] = {0};
    struct pollfd fds[CONNECTIONS_MAX];
    size_t request_size = HEAD_SIZE + plan->body;
    uint8_t *requests = requests_make(plan, request_size);
    unsigned begun = 0, done = 0;

    for (unsigned i = 0; i < plan->connections; i++)
        conns[i] = (struct connection){.fd = connect_to(path),
                                       .to_send = plan->window / plan->connections};
    while (done < plan->count) {
        for (unsigned i = 0; i < plan->connections; i++) {
            begun += send_some(&conns[i], requests, request_size, plan->count - begun);
            fds[i] = (struct pollfd){conns[i].fd, POLLIN, 0};
            if (conns[i].unsent)
                fds[i].events |= POLLOUT;
        }
        if (poll(fds, plan->connections, SILENCE_MS) == 0)
            break;
        for (unsigned i = 0; i < plan->connections; i++)
            if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
                done += read_some(&conns[i], request_size);
    }
    for (unsigned i = 0; i < plan->connections; i++)
        close(conns[i].fd);
    free(requests);
    return done;
}

static double
clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of those that were waited for. */
static double
children_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
run(const char *name, void (*serve)(const char *url, int stop, int ready), const struct plan *plan)
{
    char directory[] = "/tmp/kith-echo-XXXXXX", url[64];
    int stop[2], ready[2];
    char byte;

    if (!mkdtemp(directory) || pipe(stop) != 0 || pipe(ready) != 0) {
        perror("bench_echo");
        exit(1);
    }
    snprintf(url, sizeof(url), "ipc://%s/echo", directory);
    pid_t child = fork();
    if (child == 0) {
        close(stop[1]);
        serve(url, stop[0], ready[1]);
        _exit(0);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        exit(1);

    double begin = clock_s();
    unsigned done = drive(url + 6, plan);
    double took = clock_s() - begin - (done < plan->count ? SILENCE_MS / 1000.0 : 0);
    close(stop[1]);
    close(stop[0]);
    close(ready[0]);
    double cpu = children_cpu_s();
    waitpid(child, NULL, 0);
    cpu = children_cpu_s() - cpu;
    printf("echo %-8s %8.0f msgs/s  %.2f us of the server's cpu each  %u lost of %u\n", name,
           done / took, cpu * 1e6 / done, plan->count - done, plan->count);
    rmdir(directory);
}

static unsigned
argument(int argc, char **argv, int i, unsigned usual, unsigned max)
{
    unsigned long value = argc > i ? strtoul(argv[i], NULL, 10) : usual;
    if (value == 0 || value > max) {
        fprintf(stderr, "usage: bench_echo [count [window [connections [body]]]]\n");
        exit(2);
    }
    return (unsigned)value;
}

int
main(int argc, char **argv)
{
    const struct plan plan = {
        .count = argument(argc, argv, 1, 500000, 1000000000),
        .window = argument(argc, argv, 2, 2048, 1000000),
        .connections = argument(argc, argv, 3, 8, CONNECTIONS_MAX),
        .body = argument(argc, argv, 4, 80, BODY_MAX),
    };

    if (plan.window < plan.connections) {
        fprintf(stderr, "bench_echo: the window is smaller than the number of connections\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    run("stock", serve_stock, &plan);
    run("guarded", serve_guarded, &plan);
    return 0;
}
