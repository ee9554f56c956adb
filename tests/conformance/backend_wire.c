/* Over the wire, in bytes of its own. A restart is SIGKILL: what was answered must be there. */
#include <signal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "kithd.h"
#include "peer.h"

struct backend {
    struct kithd kithd;
    struct peer peer;
};

/* --- the back end ---------------------------------------------------------------------------- */

static bool
start(struct backend *wire, const struct backend_settings *settings, struct fault *fault)
{
    if (!kithd_start(&wire->kithd, settings, fault))
        return false;
    if (peer_connect(&wire->peer, wire->kithd.command_url))
        return true;
    kithd_blame(&wire->kithd, "it does not greet", fault);
    return false;
}

static bool
wire_close(struct backend *wire, struct fault *fault)
{
    peer_close(&wire->peer);
    bool good = kithd_stop(&wire->kithd, SIGTERM, fault);
    free(wire);
    return good;
}

static struct backend *
wire_open(const char *dir, const struct backend_settings *settings, struct fault *fault)
{
    struct backend *wire = calloc(1, sizeof(*wire));
    assert(wire != NULL);
    wire->peer.fd = -1;
    kithd_init(&wire->kithd, dir);
    if (start(wire, settings, fault))
        return wire;
    wire_close(wire, NULL);
    return NULL;
}

static bool
wire_exchange(struct backend *wire, struct slice message, struct buf *reply, struct fault *fault)
{
    uint32_t number;
    if (peer_send(&wire->peer, message) && peer_receive(&wire->peer, &number, reply) &&
        number == wire->peer.number)
        return true;
    kithd_blame(&wire->kithd, "no answer", fault);
    return false;
}

static bool
wire_restart(struct backend *wire, const struct backend_settings *settings, struct fault *fault)
{
    peer_close(&wire->peer);
    return kithd_stop(&wire->kithd, SIGKILL, fault) && start(wire, settings, fault);
}

static bool
wire_audit(struct backend *wire, struct fault *fault)
{
    (void)wire;
    (void)fault;
    return true;
}

const struct backend_ops backend_wire = {
    .name = "wire",
    .sends_anything = true,
    .open = wire_open,
    .exchange = wire_exchange,
    .restart = wire_restart,
    .audit = wire_audit,
    .close = wire_close,
};
