#include "handle.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "clock.h"
#include "exchange.h"
#include "proto/limits.h"
#include "reply.h"

#define TIMEOUT_MS_DEFAULT 5000
#define RESEND_MS_DEFAULT  1000
#define PATIENCE_MS_MAX    (INT_MAX / 2) /* twelve days, so that a long poll's wait can be added */
#define WINDOW_DEFAULT     1024
#define WINDOW_MAX         (1u << 20) /* so that numbers in use stay far fewer than numbers */

/* ---- Opening and closing ---------------------------------------------------------------------*/

static enum kith_status
choose_urls(struct kith *kith, const struct kith_options *options, char *url)
{
    char fallback[URL_SIZE_MAX + 1];
    const char *wanted = options->url ? options->url : getenv("KITH_URL");
    if (!wanted || !*wanted) {
        kith_default_url(fallback, sizeof(fallback));
        wanted = fallback;
    }
    if (!url_is_valid(wanted))
        return KITH_STATUS_BAD_URL;
    memcpy(url, wanted, strlen(wanted) + 1);

    const char *events = options->events_url ? options->events_url : getenv("KITH_EVENTS_URL");
    if (!events || !*events) {
        url_beside(kith->events_url, url);
        return KITH_STATUS_OK;
    }
    if (!url_is_valid(events))
        return KITH_STATUS_BAD_URL;
    memcpy(kith->events_url, events, strlen(events) + 1);
    return KITH_STATUS_OK;
}

static void
choose_limits(struct kith *kith, const struct kith_options *options)
{
    kith->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
    kith->resend_ms = options->resend_ms > 0 ? options->resend_ms : RESEND_MS_DEFAULT;
    if (kith->timeout_ms > PATIENCE_MS_MAX)
        kith->timeout_ms = PATIENCE_MS_MAX;
    if (kith->resend_ms > PATIENCE_MS_MAX)
        kith->resend_ms = PATIENCE_MS_MAX;
    kith->window = options->window ? options->window : WINDOW_DEFAULT;
    if (kith->window > WINDOW_MAX)
        kith->window = WINDOW_MAX;
}

static bool
allocate(struct kith *kith, const struct kith_options *options)
{
    kith->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (options->auth)
        kith->auth = strdup(options->auth);
    bool has_auth = !options->auth || kith->auth;
    return pending_init(&kith->table) && kith->wake_fd >= 0 && has_auth;
}

static void
release(struct kith *kith)
{
    pending_fini(&kith->table);
    if (kith->wake_fd >= 0)
        close(kith->wake_fd);
    pthread_mutex_destroy(&kith->lock);
    free(kith->auth);
    free(kith);
}

enum kith_status
kith_open(struct kith **out, const struct kith_options *options)
{
    static const struct kith_options defaults;
    char url[URL_SIZE_MAX + 1];
    *out = NULL;
    if (!options)
        options = &defaults;

    struct kith *kith = calloc(1, sizeof(*kith));
    if (!kith)
        return KITH_STATUS_NO_MEMORY;
    pthread_mutex_init(&kith->lock, NULL);
    link_init(&kith->unsent);
    link_init(&kith->sent);
    link_init(&kith->ready);
    link_init(&kith->waiters);
    kith->due_ms = CLOCK_NEVER;
    choose_limits(kith, options);

    bool has_memory = allocate(kith, options);
    enum kith_status status = choose_urls(kith, options, url);
    if (status == KITH_STATUS_OK && !has_memory)
        status = KITH_STATUS_NO_MEMORY;
    if (status == KITH_STATUS_OK)
        status = socket_open_request(&kith->socket, url);
    if (status != KITH_STATUS_OK) {
        release(kith);
        return status;
    }
    *out = kith;
    return KITH_STATUS_OK;
}

static void
forget_all(struct kith *kith, struct link *list)
{
    while (!link_is_empty(list)) {
        struct pending *pending = CONTAINER_OF(list->next, struct pending, link);
        link_remove(&pending->link);
        incoming_release(&pending->answer);
        if (pending->number)
            pending_remove(&kith->table, pending);
        pending_destroy(&kith->table, pending);
    }
}

void
kith_close(struct kith *kith)
{
    if (!kith)
        return;
    assert(!kith->is_led && link_is_empty(&kith->waiters));
    socket_close(&kith->socket);
    forget_all(kith, &kith->unsent);
    forget_all(kith, &kith->sent);
    forget_all(kith, &kith->ready);
    release(kith);
}

/* ---- Calls -----------------------------------------------------------------------------------*/

struct pending *
handle_create_pending(struct kith *kith)
{
    pthread_mutex_lock(&kith->lock);
    struct pending *pending = pending_create(&kith->table);
    pthread_mutex_unlock(&kith->lock);
    return pending;
}

void
handle_destroy_pending(struct kith *kith, struct pending *pending)
{
    pthread_mutex_lock(&kith->lock);
    pending_destroy(&kith->table, pending);
    pthread_mutex_unlock(&kith->lock);
}

enum kith_status
handle_check_pending(const struct pending *pending)
{
    if (pending->message.failed)
        return KITH_STATUS_NO_MEMORY;
    if (pending->message.size - sizeof(uint32_t) > KITH_MESSAGE_SIZE_MAX)
        return KITH_STATUS_TOO_LARGE;
    return KITH_STATUS_OK;
}

static void
encode(struct pending *pending, const struct request *request)
{
    pending->key_at = request_encode(&pending->message, request);
    pending->key_size = strlen(request->id);
}

static struct slice
key_of(const struct pending *pending)
{
    return slice_of(pending->message.data + pending->key_at, pending->key_size);
}

enum kith_status
handle_exchange(struct kith *kith, struct pending *pending, const struct patience *patience,
                struct incoming *out)
{
    msec_t deadline_ms = clock_deadline(clock_now(), patience->timeout_ms);
    struct waiter waiter;
    exchange_init_waiter(&waiter);
    pending->waiter = &waiter;
    pending->resend_ms = patience->resend_ms;
    pending->deadline_ms = CLOCK_NEVER;

    pthread_mutex_lock(&kith->lock);
    enum kith_status status = exchange_begin(kith, pending);
    if (status == KITH_STATUS_OK)
        status = exchange_wait(kith, &waiter, deadline_ms);
    if (status != KITH_STATUS_OK)
        exchange_cancel(kith, pending);
    *out = pending->answer;
    pending->answer = (struct incoming){0};
    pthread_mutex_unlock(&kith->lock);

    exchange_fini_waiter(&waiter);
    return status;
}

enum kith_status
handle_call(struct kith *kith, const struct request *request, const struct patience *patience,
            struct kith_reply **reply)
{
    struct incoming answer;
    *reply = NULL;
    struct pending *pending = handle_create_pending(kith);
    if (!pending)
        return KITH_STATUS_NO_MEMORY;

    encode(pending, request);
    enum kith_status status = handle_check_pending(pending);
    if (status == KITH_STATUS_OK)
        status = handle_exchange(kith, pending, patience, &answer);
    if (status == KITH_STATUS_OK)
        status = reply_from_message(&answer, key_of(pending), reply);
    handle_destroy_pending(kith, pending);
    return status;
}

enum kith_status
kith_call(struct kith *kith, const char *op, const struct kith_args *args, const char *id,
          struct kith_reply **reply)
{
    char made_id[KITH_ID_SIZE];
    assert(kith && op && reply);
    if (!id)
        kith_make_id(made_id);
    const struct request request = {op, args, id ? id : made_id, kith->auth, false};
    const struct patience patience = {kith->timeout_ms, kith->resend_ms};
    return handle_call(kith, &request, &patience, reply);
}

uint64_t
handle_connections(struct kith *kith)
{
    return socket_connections(&kith->socket);
}

/* ---- Pipelining ------------------------------------------------------------------------------*/

/* Encode and send with the lock held: one thread sends, so that nobody waits for it long. */
static enum kith_status
send_locked(struct kith *kith, const struct request *request, uint64_t tag)
{
    if (kith->window_used >= kith->window)
        return KITH_STATUS_FULL;
    struct pending *pending = pending_create(&kith->table);
    if (!pending)
        return KITH_STATUS_NO_MEMORY;

    encode(pending, request);
    pending->tag = tag;
    pending->resend_ms = kith->resend_ms;
    pending->deadline_ms = clock_deadline(clock_now(), kith->timeout_ms);
    enum kith_status status = handle_check_pending(pending);
    if (status == KITH_STATUS_OK)
        status = exchange_begin(kith, pending);
    if (status == KITH_STATUS_OK)
        kith->window_used++;
    else
        pending_destroy(&kith->table, pending);
    return status;
}

enum kith_status
kith_send(struct kith *kith, const char *op, const struct kith_args *args, const char *id,
          uint64_t tag)
{
    char made_id[KITH_ID_SIZE];
    assert(kith && op);
    if (!id)
        kith_make_id(made_id);
    const struct request request = {op, args, id ? id : made_id, kith->auth, false};

    pthread_mutex_lock(&kith->lock);
    enum kith_status status = send_locked(kith, &request, tag);
    pthread_mutex_unlock(&kith->lock);
    return status;
}

/* The first of the ready ones; NULL if none gets ready in time. */
static struct pending *
take_ready(struct kith *kith, int wait_ms)
{
    if (link_is_empty(&kith->ready) && kith->window_used > 0)
        exchange_wait_ready(kith, wait_ms);
    if (link_is_empty(&kith->ready))
        return NULL;
    struct pending *pending = CONTAINER_OF(kith->ready.next, struct pending, link);
    link_remove(&pending->link);
    assert(kith->window_used > 0);
    kith->window_used--;
    return pending;
}

static enum kith_status
finish(struct pending *pending, struct kith_reply **reply, bool *expired)
{
    *expired = !pending->answer.data;
    if (*expired)
        return KITH_STATUS_TIMEOUT;
    return reply_from_message(&pending->answer, key_of(pending), reply);
}

enum kith_status
kith_next(struct kith *kith, int wait_ms, struct kith_reply **reply, uint64_t *tag, bool *expired)
{
    assert(kith && reply && tag && expired);
    *reply = NULL;
    *expired = false;

    pthread_mutex_lock(&kith->lock);
    struct pending *pending = take_ready(kith, wait_ms);
    enum kith_status status = KITH_STATUS_TIMEOUT;
    if (pending) {
        *tag = pending->tag;
        status = finish(pending, reply, expired);
        pending_destroy(&kith->table, pending);
    }
    pthread_mutex_unlock(&kith->lock);
    return status;
}

unsigned
kith_pending(const struct kith *const_kith)
{
    /* The lock is no part of what the handle says. */
    struct kith *kith = (struct kith *)(uintptr_t)const_kith;
    pthread_mutex_lock(&kith->lock);
    unsigned count = kith->window_used;
    pthread_mutex_unlock(&kith->lock);
    return count;
}

int
kith_fd(const struct kith *kith)
{
    assert(kith);
    return kith->socket.receive_fd;
}
