/* import_requests.c: pairs by connection.request, each followed by its connection.accept. */
#include <stdio.h>

#include "base/assert.h"
#include "flow.h"
#include "import_connect.h"
#include "import_key.h"

struct requests {
    struct import_connect *connect;
    uint64_t next, done; /* pairs */
};

/* A tag is the place of the pair and which of its two commands is meant. The accept is sent once
 * the request has its answer: the daemon keeps no order between two messages under way. */
enum phase { PHASE_REQUEST, PHASE_ACCEPT };

static uint64_t
tag_of(uint64_t place, enum phase phase)
{
    return place << 1 | (uint64_t)phase;
}

static const char *
from_of(const struct requests *requests, uint64_t tag)
{
    const struct edges *edges = requests->connect->edges;
    assert(tag >> 1 < edges->count);
    return names_at(edges->names, edge_from(edges->pairs[tag >> 1]));
}

static const char *
to_of(const struct requests *requests, uint64_t tag)
{
    const struct edges *edges = requests->connect->edges;
    return names_at(edges->names, edge_to(edges->pairs[tag >> 1]));
}

static bool
next(void *context, uint64_t *tag)
{
    struct requests *requests = context;
    if (requests->next == requests->connect->edges->count)
        return false;
    *tag = tag_of(requests->next++, PHASE_REQUEST);
    return true;
}

static void
compose(void *context, uint64_t tag, struct flow_message *message)
{
    struct requests *requests = context;
    const char *from = from_of(requests, tag), *to = to_of(requests, tag);
    bool accept = (tag & 1) == PHASE_ACCEPT;
    message->op = accept ? "connection.accept" : "connection.request";
    kith_put_str(message->args, accept ? "member" : "from", accept ? to : from);
    kith_put_str(message->args, accept ? "other" : "to", accept ? from : to);
    struct import_key key = import_key_begin(requests->connect->salt, message->op);
    import_key_put(import_key_add(import_key_add(key, from), to), message->id);
}

static bool
is_code(const struct kith_reply *reply, const char *code)
{
    const char *given = kith_reply_code(reply);
    return given && strcmp(given, code) == 0;
}

static enum flow_verdict
finish(struct requests *requests, uint64_t *counter)
{
    ++*counter;
    requests->done++;
    return FLOW_DONE;
}

static enum flow_verdict
answer_refused(struct requests *requests, uint64_t tag, const struct kith_reply *reply,
               uint64_t *follow)
{
    struct import_connect *connect = requests->connect;
    if (flow_is_passing(reply))
        return FLOW_AGAIN;
    if (is_code(reply, "already_connected"))
        return finish(requests, &connect->existing);
    if (is_code(reply, "already_pending") && (tag & 1) == PHASE_REQUEST) {
        *follow = tag_of(tag >> 1, PHASE_ACCEPT);
        return FLOW_FOLLOW;
    }
    char subject[2 * KITH_MEMBER_SIZE_MAX + 8];
    snprintf(subject, sizeof(subject), "%s %s", from_of(requests, tag), to_of(requests, tag));
    tally_add(connect->tally, reply, subject);
    return finish(requests, &connect->skipped);
}

static enum flow_verdict
answer(void *context, uint64_t tag, const struct kith_reply *reply, uint64_t *follow)
{
    struct requests *requests = context;
    struct import_connect *connect = requests->connect;
    if (!kith_reply_ok(reply))
        return answer_refused(requests, tag, reply, follow);
    const char *state = kith_get_str(kith_reply_result(reply), "state");
    bool connected = (tag & 1) == PHASE_ACCEPT || (state && strcmp(state, "connected") == 0);
    if (connected)
        return finish(requests, kith_reply_dup(reply) ? &connect->existing : &connect->connected);
    *follow = tag_of(tag >> 1, PHASE_ACCEPT);
    return FLOW_FOLLOW;
}

static void
tick(void *context)
{
    struct requests *requests = context;
    progress_tell(requests->connect->progress, requests->done);
}

enum kith_status
import_connect_requests(struct import_connect *connect, struct kith *kith)
{
    struct requests requests = {.connect = connect};
    struct flow_work work = {&requests, next, compose, answer, tick};
    enum kith_status status = flow_run(kith, &work, connect->window, connect->interrupted);
    assert(status != KITH_STATUS_OK || requests.done == connect->edges->count);
    return status;
}
