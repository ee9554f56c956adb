/* Through libkith: each message is taken apart into a call, and the reply put together again. One
 * handle lives through restarts, which are SIGTERM here. */
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "kith.h"
#include "kithd.h"

#define OP_SIZE_MAX   128
#define NAME_SIZE_MAX 128

struct backend {
    struct kithd kithd;
    struct kith *kith;
    struct kith_args *args;
};

/* One operation, taken apart; texts are zero-terminated. */
struct call {
    char op[OP_SIZE_MAX];
    char id[OP_SIZE_MAX]; /* "" if there was none */
    struct slice args, batch;
};

static void
copy_text(char *to, size_t size, struct slice text)
{
    assert(text.size < size);
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static void
read_call(struct slice message, struct call *out)
{
    struct reader reader;
    *out = (struct call){0};
    reader_init(&reader, message);
    uint32_t count = reader_map(&reader);
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = reader_str(&reader);
        if (slice_is(key, "op"))
            copy_text(out->op, sizeof(out->op), reader_str(&reader));
        else if (slice_is(key, "id"))
            copy_text(out->id, sizeof(out->id), reader_str(&reader));
        else if (slice_is(key, "args"))
            out->args = reader_skip(&reader);
        else if (slice_is(key, "batch"))
            out->batch = reader_skip(&reader);
        else
            reader_skip(&reader);
    }
    assert(!reader.bad);
}

/* Each by the function that is made for its type, where there is one. */
static void
put_one(struct kith_args *args, const char *name, struct slice value)
{
    struct reader reader;
    struct slice text;
    reader_init(&reader, value);
    switch (reader_peek(&reader)) {
    case READER_STR:
        text = reader_str(&reader);
        kith_put_bytes(args, name, (const char *)text.data, text.size);
        return;
    case READER_UINT:
    case READER_INT:
        kith_put_int(args, name, reader_int(&reader));
        return;
    case READER_BOOL:
        kith_put_bool(args, name, reader_bool(&reader));
        return;
    case READER_NONE:
    case READER_NIL:
    case READER_FLOAT:
    case READER_BIN:
    case READER_ARRAY:
    case READER_MAP:
    case READER_OTHER:
        kith_put_msgpack(args, name, value.data, value.size);
    }
}

static void
put_args(struct kith_args *args, struct slice encoded)
{
    struct reader reader;
    char name[NAME_SIZE_MAX];
    kith_args_clear(args);
    reader_init(&reader, encoded);
    uint32_t count = encoded.data ? reader_map(&reader) : 0;
    for (uint32_t i = 0; i < count; i++) {
        copy_text(name, sizeof(name), reader_str(&reader));
        put_one(args, name, reader_skip(&reader));
    }
    assert(!reader.bad);
}

/* --- the reply, put together ----------------------------------------------------------------- */

static void
write_value(struct buf *out, const struct kith_value *value)
{
    size_t count = kith_value_count(value), size = kith_value_size(value);
    switch (kith_value_kind(value)) {
    case KITH_KIND_ABSENT:
    case KITH_KIND_NIL:
        write_nil(out);
        return;
    case KITH_KIND_BOOL:
        write_bool(out, kith_value_bool(value));
        return;
    case KITH_KIND_INT:
        if (kith_value_int(value) < 0)
            write_int(out, kith_value_int(value));
        else
            write_uint(out, kith_value_uint(value));
        return;
    case KITH_KIND_FLOAT:
        write_float(out, kith_value_float(value));
        return;
    case KITH_KIND_STR:
        write_str(out, slice_of(kith_value_str(value), size));
        return;
    case KITH_KIND_BIN:
        write_bin(out, slice_of(kith_value_str(value), size));
        return;
    case KITH_KIND_ARRAY:
        write_array(out, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
            write_value(out, kith_value_at(value, i));
        return;
    case KITH_KIND_MAP:
        write_map(out, (uint32_t)count);
        for (size_t i = 0; i < count; i++) {
            write_cstr(out, kith_value_key_at(value, i));
            write_value(out, kith_value_entry_at(value, i));
        }
        return;
    }
}

static void
write_reply(struct buf *out, const struct kith_reply *reply, bool is_item)
{
    bool ok = kith_reply_ok(reply), dup = kith_reply_dup(reply);
    write_map(out, 5 + !is_item + dup);
    if (!is_item) {
        write_cstr(out, "v");
        write_uint(out, 1);
    }
    write_cstr(out, "id");
    if (kith_reply_id(reply))
        write_cstr(out, kith_reply_id(reply));
    else
        write_nil(out);
    write_cstr(out, "ok");
    write_bool(out, ok);
    write_cstr(out, "pos");
    write_uint(out, kith_reply_pos(reply));
    write_cstr(out, "at");
    write_int(out, kith_reply_at(reply));
    if (dup) {
        write_cstr(out, "dup");
        write_bool(out, true);
    }
    write_cstr(out, ok ? "result" : "error");
    write_value(out, ok ? kith_reply_result(reply) : kith_reply_error(reply));
}

/* --- calls ----------------------------------------------------------------------------------- */

static bool
call_one(struct backend *client, const struct call *call, struct buf *reply, struct fault *fault)
{
    struct kith_reply *answer;
    put_args(client->args, call->args);
    enum kith_status status =
        kith_call(client->kith, call->op, client->args, call->id[0] ? call->id : NULL, &answer);
    if (status != KITH_STATUS_OK && status != KITH_STATUS_REFUSED) {
        kithd_blame(&client->kithd, kith_status_text(status), fault);
        return false;
    }
    assert(kith_reply_ok(answer) == (status == KITH_STATUS_OK));
    write_reply(reply, answer, false);
    kith_reply_destroy(answer);
    return true;
}

static bool
fill_batch(struct backend *client, struct slice items, struct kith_batch *batch)
{
    struct reader reader;
    struct call call;
    reader_init(&reader, items);
    uint32_t count = reader_array(&reader);
    for (uint32_t i = 0; i < count; i++) {
        read_call(reader_skip(&reader), &call);
        put_args(client->args, call.args);
        if (kith_batch_add(batch, call.op, client->args, call.id[0] ? call.id : NULL) !=
            KITH_STATUS_OK)
            return false;
    }
    return true;
}

static bool
call_batch(struct backend *client, struct slice items, struct buf *reply, struct fault *fault)
{
    struct kith_batch *batch = kith_batch_create();
    assert(batch != NULL);
    if (!fill_batch(client, items, batch)) {
        fault_set(fault, "the batch is too large for libkith");
        kith_batch_destroy(batch);
        return false;
    }
    size_t count = kith_batch_count(batch);
    struct kith_reply **answers = calloc(count + 1, sizeof(*answers));
    assert(answers != NULL);
    enum kith_status status = kith_batch_call(client->kith, batch, answers);
    bool whole = status == KITH_STATUS_REFUSED;
    if (whole) {
        write_reply(reply, answers[0], false);
    } else if (status == KITH_STATUS_OK) {
        write_map(reply, 2);
        write_cstr(reply, "v");
        write_uint(reply, 1);
        write_cstr(reply, "batch");
        write_array(reply, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
            write_reply(reply, answers[i], true);
    } else {
        kithd_blame(&client->kithd, kith_status_text(status), fault);
    }
    for (size_t i = 0; i < count; i++)
        kith_reply_destroy(answers[i]);
    free(answers);
    kith_batch_destroy(batch);
    return whole || status == KITH_STATUS_OK;
}

/* --- the back end ---------------------------------------------------------------------------- */

static bool
client_close(struct backend *client, struct fault *fault)
{
    kith_args_destroy(client->args);
    kith_close(client->kith);
    bool good = kithd_stop(&client->kithd, SIGTERM, fault);
    free(client);
    return good;
}

static struct backend *
client_open(const char *dir, const struct backend_settings *settings, struct fault *fault)
{
    struct backend *client = calloc(1, sizeof(*client));
    assert(client != NULL);
    kithd_init(&client->kithd, dir);
    const struct kith_options options = {
        .url = client->kithd.command_url,
        .events_url = client->kithd.events_url,
        .timeout_ms = KITHD_WAIT_MS,
    };
    client->args = kith_args_create();
    assert(client->args != NULL);
    if (kithd_start(&client->kithd, settings, fault) &&
        kith_open(&client->kith, &options) == KITH_STATUS_OK)
        return client;
    client_close(client, NULL);
    return NULL;
}

static bool
client_exchange(struct backend *client, struct slice message, struct buf *reply,
                struct fault *fault)
{
    struct call call;
    read_call(message, &call);
    return call.batch.data ? call_batch(client, call.batch, reply, fault)
                           : call_one(client, &call, reply, fault);
}

static bool
client_restart(struct backend *client, const struct backend_settings *settings, struct fault *fault)
{
    return kithd_stop(&client->kithd, SIGTERM, fault) &&
           kithd_start(&client->kithd, settings, fault);
}

/* What a subscriber is told of the whole of history. */
struct history {
    uint64_t last_seq;
    bool has_gap, caught_up;
};

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct history *history = context;
    if (news == KITH_NEWS_EVENT) {
        bool same = kith_value_uint(kith_get(event, "seq")) == seq;
        history->has_gap |= seq != history->last_seq + 1 || !same;
        history->last_seq = seq;
    }
    history->caught_up |= news == KITH_NEWS_CAUGHT_UP;
    return true;
}

/* Every event is told once and in order. */
static bool
client_audit(struct backend *client, struct fault *fault)
{
    struct history history = {0};
    struct kith_reply *hello = NULL;
    const struct kith_subscribe_options options = {.until_caught_up = true};
    enum kith_status status = kith_subscribe(client->kith, &options, on_news, &history);
    if (status == KITH_STATUS_OK)
        status = kith_call(client->kith, "server.hello", NULL, NULL, &hello);
    if (status != KITH_STATUS_OK) {
        kithd_blame(&client->kithd, kith_status_text(status), fault);
        return false;
    }
    uint64_t last_seq = kith_value_uint(kith_get(kith_reply_result(hello), "last_seq"));
    kith_reply_destroy(hello);
    bool good = !history.has_gap && history.caught_up && history.last_seq == last_seq;
    if (!good)
        fault_set(fault, "a subscriber was told %s up to event %llu of %llu",
                  history.has_gap ? "not all, or not in order," : "all",
                  (unsigned long long)history.last_seq, (unsigned long long)last_seq);
    return good;
}

const struct backend_ops backend_client = {
    .name = "client",
    .open = client_open,
    .exchange = client_exchange,
    .restart = client_restart,
    .audit = client_audit,
    .close = client_close,
};
