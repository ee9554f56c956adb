#include "fake_daemon.h"

#include <arpa/inet.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/endian.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "proto/limits.h"

#define EVENTS_MAX  4096
#define PARKED_MAX  16
#define BEAT_MS     20
#define PAGE_EVENTS 7 /* small pages, so that reading takes several */

struct parked {
    struct fake_request request;
    int64_t after;
    int64_t until_ms;
    bool is_used;
    struct buf args; /* a copy */
};

struct fake {
    struct fake_options options;
    char dir[64], command_url[128], events_url[128];

    pthread_t thread;
    bool is_running;
    int stop_fd;
    int rep, pub; /* -1 while stopped, or without */

    pthread_mutex_t script_lock; /* what the script and the test share */
    pthread_mutex_t lock;        /* all below */
    unsigned request_count;
    uint64_t epoch, first_seq, last_seq;
    char type[EVENTS_MAX + 1][64]; /* of event i, from 1 */
    struct parked parked[PARKED_MAX];
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Answering -------------------------------------------------------------------------------*/

void
fake_send(struct fake *fake, const struct fake_request *request, struct slice bytes)
{
    uint8_t control[FAKE_ROUTE_SIZE_MAX];
    memcpy(control, request->route, request->route_size);
    struct nn_iovec part = {(void *)(uintptr_t)bytes.data, bytes.size};
    struct nn_msghdr header = {&part, 1, control, request->route_size};
    nn_sendmsg(fake->rep, &header, NN_DONTWAIT);
}

void
fake_write_reply(struct buf *out, bool is_item, const char *id, struct slice result)
{
    write_map(out, is_item ? 5 : 6);
    if (!is_item) {
        write_cstr(out, "v");
        write_uint(out, 1);
    }
    write_cstr(out, "id");
    write_cstr(out, id);
    write_cstr(out, "ok");
    write_bool(out, true);
    write_cstr(out, "pos");
    write_uint(out, 42);
    write_cstr(out, "at");
    write_int(out, 1700000000000);
    write_cstr(out, "result");
    write_raw(out, result);
}

void
fake_answer_encoded(struct fake *fake, const struct fake_request *request, struct slice result)
{
    struct buf out = {0};
    fake_write_reply(&out, false, request->id, result);
    fake_send(fake, request, buf_slice(&out));
    buf_fini(&out);
}

void
fake_answer(struct fake *fake, const struct fake_request *request, const char *name, int64_t value)
{
    struct buf result = {0};
    write_map(&result, 1);
    write_cstr(&result, name);
    write_int(&result, value);
    fake_answer_encoded(fake, request, buf_slice(&result));
    buf_fini(&result);
}

void
fake_refuse(struct fake *fake, const struct fake_request *request, const char *code,
            const char *retry)
{
    struct buf out = {0};
    write_map(&out, 6);
    write_cstr(&out, "v");
    write_uint(&out, 1);
    write_cstr(&out, "id");
    if (request->id[0])
        write_cstr(&out, request->id);
    else
        write_nil(&out);
    write_cstr(&out, "ok");
    write_bool(&out, false);
    write_cstr(&out, "pos");
    write_uint(&out, 7);
    write_cstr(&out, "at");
    write_int(&out, 1700000000000);
    write_cstr(&out, "error");
    write_map(&out, 3);
    write_cstr(&out, "retry");
    write_cstr(&out, retry);
    write_cstr(&out, "class");
    write_cstr(&out, "invalid");
    write_cstr(&out, "code");
    write_cstr(&out, code);
    fake_send(fake, request, buf_slice(&out));
    buf_fini(&out);
}

/* ---- Reading requests ------------------------------------------------------------------------*/

static void
copy_text(char *to, size_t size, struct slice text)
{
    assert(text.size < size);
    if (text.size > 0)
        memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static void
read_request(struct slice body, struct fake_request *out)
{
    struct reader reader;
    reader_init(&reader, body);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = reader_str(&reader);
        if (slice_is(name, "op"))
            copy_text(out->op, sizeof(out->op), reader_str(&reader));
        else if (slice_is(name, "id"))
            copy_text(out->id, sizeof(out->id), reader_str(&reader));
        else if (slice_is(name, "args"))
            out->args = reader_skip(&reader);
        else if (slice_is(name, "batch"))
            out->batch = reader_skip(&reader);
        else
            reader_skip(&reader);
    }
    assert(!reader.bad);
}

int64_t
fake_arg_int(const struct fake_request *request, const char *name, int64_t otherwise)
{
    struct reader reader;
    reader_init(&reader, request->args);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count; i++) {
        if (slice_is(reader_str(&reader), name))
            return reader_peek(&reader) == READER_BOOL ? reader_bool(&reader) : reader_int(&reader);
        reader_skip(&reader);
    }
    return otherwise;
}

void
fake_answer_n(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)context;
    fake_answer(fake, request, "n", fake_arg_int(request, "n", -1));
}

void
fake_ignore(struct fake *fake, const struct fake_request *request, void *context)
{
    (void)fake;
    (void)request;
    (void)context;
}

static bool
receive(struct fake *fake, struct fake_request *out, void **chunk)
{
    *out = (struct fake_request){0};
    struct nn_iovec part = {chunk, NN_MSG};
    struct nn_msghdr header = {&part, 1, out->route, sizeof(out->route)};
    int size = nn_recvmsg(fake->rep, &header, NN_DONTWAIT);
    if (size < 0)
        return false;

    struct nn_cmsghdr control;
    memcpy(&control, out->route, sizeof(control));
    assert(control.cmsg_level == PROTO_SP && control.cmsg_type == SP_HDR);
    out->route_size = NN_CMSG_ALIGN_(control.cmsg_len);
    assert(out->route_size <= sizeof(out->route));
    size_t header_size;
    memcpy(&header_size, out->route + sizeof(control), sizeof(header_size));
    out->number = get_be32(out->route + sizeof(control) + sizeof(header_size) + header_size - 4);
    out->body = slice_of(*chunk, (size_t)size);
    read_request(out->body, out);
    return true;
}

/* ---- The log ---------------------------------------------------------------------------------*/

static void
write_event(struct buf *out, const char *type, uint64_t seq)
{
    write_map(out, 4);
    write_cstr(out, "v");
    write_uint(out, 1);
    write_cstr(out, "seq");
    write_uint(out, seq);
    write_cstr(out, "at");
    write_int(out, (int64_t)seq * 1000);
    write_cstr(out, "type");
    write_cstr(out, type);
}

void
fake_publish(struct fake *fake, const char *topic, struct slice body)
{
    struct buf frame = {0};
    buf_append(&frame, topic, strlen(topic) + 1);
    buf_append(&frame, body.data, body.size);
    if (fake->pub >= 0)
        nn_send(fake->pub, frame.data, frame.size, NN_DONTWAIT);
    buf_fini(&frame);
}

void
fake_beat(struct fake *fake, uint64_t epoch, uint64_t last_seq)
{
    struct buf body = {0};
    write_map(&body, 3);
    write_cstr(&body, "epoch");
    write_uint(&body, epoch);
    write_cstr(&body, "last_seq");
    write_uint(&body, last_seq);
    write_cstr(&body, "at");
    write_int(&body, 1700000000000);
    fake_publish(fake, "~beat", buf_slice(&body));
    buf_fini(&body);
}

static bool
matches(const struct fake_request *request, const char *type)
{
    struct reader reader;
    reader_init(&reader, request->args);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count; i++) {
        if (!slice_is(reader_str(&reader), "types")) {
            reader_skip(&reader);
            continue;
        }
        uint32_t type_count = reader_array(&reader);
        for (uint32_t j = 0; j < type_count; j++) {
            struct slice prefix = reader_str(&reader);
            if (strncmp(type, (const char *)prefix.data, prefix.size) == 0)
                return true;
        }
        return false;
    }
    return true;
}

/* Where the page begins: the sequence before its first event. */
static int64_t
page_start(const struct fake *fake, const struct fake_request *request)
{
    int64_t since = fake_arg_int(request, "since", -1);
    if (fake_arg_int(request, "end", 0))
        return (int64_t)fake->last_seq;
    if (since < 0)
        return fake_arg_int(request, "after", 0);
    int64_t seq = (since + 999) / 1000 - 1; /* event n is of n seconds */
    return seq < 0 ? 0 : seq > (int64_t)fake->last_seq ? (int64_t)fake->last_seq : seq;
}

static void
answer_page(struct fake *fake, const struct fake_request *request)
{
    struct buf result = {0}, events = {0};
    uint64_t at = (uint64_t)page_start(fake, request);
    uint32_t count = 0;
    while (at < fake->last_seq && count < PAGE_EVENTS) {
        at++;
        if (matches(request, fake->type[at])) {
            write_event(&events, fake->type[at], at);
            count++;
        }
    }
    write_map(&result, 3);
    write_cstr(&result, "events");
    write_array(&result, count);
    write_raw(&result, buf_slice(&events));
    write_cstr(&result, "next");
    write_uint(&result, at);
    write_cstr(&result, "last_seq");
    write_uint(&result, fake->last_seq);
    fake_answer_encoded(fake, request, buf_slice(&result));
    buf_fini(&result);
    buf_fini(&events);
}

static void
answer_hello(struct fake *fake, const struct fake_request *request)
{
    struct buf result = {0};
    write_map(&result, 3);
    write_cstr(&result, "last_seq");
    write_uint(&result, fake->last_seq);
    write_cstr(&result, "protocol");
    write_uint(&result, 1);
    write_cstr(&result, "epoch");
    write_uint(&result, fake->epoch);
    fake_answer_encoded(fake, request, buf_slice(&result));
    buf_fini(&result);
}

static void
park(struct fake *fake, const struct fake_request *request, int64_t wait_ms)
{
    for (unsigned i = 0; i < PARKED_MAX; i++) {
        struct parked *parked = &fake->parked[i];
        if (parked->is_used)
            continue;
        parked->request = *request;
        parked->after = page_start(fake, request);
        parked->until_ms = now_ms() + wait_ms;
        parked->is_used = true;
        buf_append(&parked->args, request->args.data, request->args.size);
        parked->request.args = buf_slice(&parked->args);
        return;
    }
    answer_page(fake, request);
}

static void
answer_parked(struct fake *fake, bool is_dropped)
{
    for (unsigned i = 0; i < PARKED_MAX; i++) {
        struct parked *parked = &fake->parked[i];
        bool is_due =
            (int64_t)fake->last_seq > parked->after || now_ms() >= parked->until_ms || is_dropped;
        if (!parked->is_used || !is_due)
            continue;
        if (!is_dropped)
            answer_page(fake, &parked->request);
        parked->is_used = false;
        buf_fini(&parked->args);
    }
}

bool
fake_answer_log(struct fake *fake, const struct fake_request *request)
{
    bool is_known = true;
    pthread_mutex_lock(&fake->lock);
    int64_t wait_ms = fake_arg_int(request, "wait_ms", 0);
    if (strcmp(request->op, "server.hello") == 0)
        answer_hello(fake, request);
    else if (strcmp(request->op, "event.read") != 0)
        is_known = false;
    else if (fake_arg_int(request, "after", INT64_MAX) < (int64_t)fake->first_seq - 1)
        fake_refuse(fake, request, "trimmed", "never");
    else if (wait_ms > 0 && page_start(fake, request) >= (int64_t)fake->last_seq)
        park(fake, request, wait_ms);
    else
        answer_page(fake, request);
    pthread_mutex_unlock(&fake->lock);
    return is_known;
}

uint64_t
fake_append(struct fake *fake, const char *type, bool is_published)
{
    struct buf event = {0};
    pthread_mutex_lock(&fake->lock);
    assert(fake->last_seq < EVENTS_MAX);
    uint64_t seq = ++fake->last_seq;
    snprintf(fake->type[seq], sizeof(fake->type[seq]), "%s", type);
    write_event(&event, type, seq);
    if (is_published)
        fake_publish(fake, type, buf_slice(&event));
    pthread_mutex_unlock(&fake->lock);
    buf_fini(&event);

    uint64_t one = 1;
    ssize_t written = write(fake->stop_fd, &one, sizeof(one)); /* for those who wait for it */
    assert(written == sizeof(one));
    return seq;
}

uint64_t
fake_last_seq(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    uint64_t seq = fake->last_seq;
    pthread_mutex_unlock(&fake->lock);
    return seq;
}

void
fake_republish(struct fake *fake, uint64_t seq)
{
    struct buf event = {0};
    pthread_mutex_lock(&fake->lock);
    assert(seq >= 1 && seq <= fake->last_seq);
    write_event(&event, fake->type[seq], seq);
    fake_publish(fake, fake->type[seq], buf_slice(&event));
    pthread_mutex_unlock(&fake->lock);
    buf_fini(&event);
}

void
fake_set_epoch(struct fake *fake, uint64_t epoch)
{
    pthread_mutex_lock(&fake->lock);
    fake->epoch = epoch;
    fake->last_seq = 0;
    pthread_mutex_unlock(&fake->lock);
}

void
fake_trim(struct fake *fake, uint64_t first_seq)
{
    pthread_mutex_lock(&fake->lock);
    fake->first_seq = first_seq;
    pthread_mutex_unlock(&fake->lock);
}

void
fake_lock(struct fake *fake)
{
    pthread_mutex_lock(&fake->script_lock);
}

void
fake_unlock(struct fake *fake)
{
    pthread_mutex_unlock(&fake->script_lock);
}

unsigned
fake_request_count(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    unsigned count = fake->request_count;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

/* ---- The thread ------------------------------------------------------------------------------*/

static void
serve(struct fake *fake)
{
    struct fake_request request;
    void *chunk;
    while (receive(fake, &request, &chunk)) {
        pthread_mutex_lock(&fake->lock);
        request.index = fake->request_count++;
        pthread_mutex_unlock(&fake->lock);
        fake_lock(fake);
        if (fake->options.script)
            fake->options.script(fake, &request, fake->options.context);
        else
            fake_answer_log(fake, &request);
        fake_unlock(fake);
        nn_freemsg(chunk);
    }
}

static bool
is_running(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    bool running = fake->is_running;
    pthread_mutex_unlock(&fake->lock);
    return running;
}

static void
look_after_log(struct fake *fake, int64_t *beat_ms)
{
    pthread_mutex_lock(&fake->lock);
    answer_parked(fake, false);
    if (!fake->options.is_silent && now_ms() >= *beat_ms) {
        fake_beat(fake, fake->epoch, fake->last_seq);
        *beat_ms = now_ms() + BEAT_MS;
    }
    pthread_mutex_unlock(&fake->lock);
}

static void *
run(void *context)
{
    struct fake *fake = context;
    int receive_fd;
    size_t size = sizeof(receive_fd);
    int rc = nn_getsockopt(fake->rep, NN_SOL_SOCKET, NN_RCVFD, &receive_fd, &size);
    assert(rc == 0);

    int64_t beat_ms = 0;
    while (is_running(fake)) {
        struct pollfd fds[] = {{receive_fd, POLLIN, 0}, {fake->stop_fd, POLLIN, 0}};
        poll(fds, ARRAY_COUNT(fds), BEAT_MS);
        if (fds[1].revents) {
            uint64_t wakes;
            ssize_t got = read(fake->stop_fd, &wakes, sizeof(wakes));
            assert(got == sizeof(wakes));
        }
        serve(fake);
        look_after_log(fake, &beat_ms);
    }
    return NULL;
}

static int
listen_on(int protocol, int domain, const char *url)
{
    int no = 0;
    int handle = nn_socket(domain, protocol);
    int buffer_size = 4 * 1024 * 1024;
    assert(handle >= 0);
    nn_setsockopt(handle, NN_SOL_SOCKET, NN_SNDBUF, &buffer_size, sizeof(buffer_size));
    nn_setsockopt(handle, NN_SOL_SOCKET, NN_IPV4ONLY, &no, sizeof(no));
    int rc = nn_bind(handle, url);
    assert(rc >= 0);
    return handle;
}

void
fake_start(struct fake *fake)
{
    assert(fake->rep < 0);
    fake->rep = listen_on(NN_REP, AF_SP_RAW, fake->command_url);
    if (!fake->options.has_no_events)
        fake->pub = listen_on(NN_PUB, AF_SP, fake->events_url);
    fake->is_running = true;
    int rc = pthread_create(&fake->thread, NULL, run, fake);
    assert(rc == 0);
}

void
fake_stop(struct fake *fake)
{
    assert(fake->rep >= 0);
    pthread_mutex_lock(&fake->lock);
    fake->is_running = false;
    pthread_mutex_unlock(&fake->lock);
    uint64_t one = 1;
    ssize_t written = write(fake->stop_fd, &one, sizeof(one));
    assert(written == sizeof(one));
    pthread_join(fake->thread, NULL);

    nn_close(fake->rep);
    if (fake->pub >= 0)
        nn_close(fake->pub);
    fake->rep = fake->pub = -1;
    answer_parked(fake, true);
}

struct fake *
fake_create(const struct fake_options *options)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    assert(fake);
    fake->options = *options;
    fake->rep = fake->pub = -1;
    fake->epoch = 77;
    fake->first_seq = 1;
    fake->stop_fd = eventfd(0, EFD_CLOEXEC);
    assert(fake->stop_fd >= 0);
    pthread_mutex_init(&fake->script_lock, NULL);
    pthread_mutex_init(&fake->lock, NULL);

    snprintf(fake->dir, sizeof(fake->dir), "/tmp/kith-client-XXXXXX");
    char *made = mkdtemp(fake->dir);
    assert(made);
    snprintf(fake->command_url, sizeof(fake->command_url), "ipc://%s/command.ipc", fake->dir);
    snprintf(fake->events_url, sizeof(fake->events_url), "ipc://%s/events.ipc", fake->dir);
    if (options->command_url)
        snprintf(fake->command_url, sizeof(fake->command_url), "%s", options->command_url);
    fake_start(fake);
    return fake;
}

void
fake_destroy(struct fake *fake)
{
    if (fake->rep >= 0)
        fake_stop(fake);
    rmdir(fake->dir);
    close(fake->stop_fd);
    pthread_mutex_destroy(&fake->script_lock);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const char *
fake_command_url(const struct fake *fake)
{
    return fake->command_url;
}

const char *
fake_events_url(const struct fake *fake)
{
    return fake->events_url;
}

int
fake_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert(fd >= 0);
    int rc = bind(fd, (struct sockaddr *)&address, size);
    rc |= getsockname(fd, (struct sockaddr *)&address, &size);
    assert(rc == 0);
    close(fd);
    return ntohs(address.sin_port);
}

struct kith *
fake_open_client(const struct fake *fake, const struct kith_options *options)
{
    struct kith_options own = options ? *options : (struct kith_options){0};
    own.url = fake->command_url;
    own.events_url = fake->options.has_no_events ? NULL : fake->events_url;
    struct kith *kith;
    enum kith_status status = kith_open(&kith, &own);
    assert(status == KITH_STATUS_OK);
    return kith;
}
