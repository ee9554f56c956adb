/* sim/sockets.h: sockets between clients and the daemon, without any: messages that come twice,
 * late, in another order, or not at all.
 *
 * Clients send a command again, with the same id, until they are answered. A reply leaves when its
 * turn is on disk. A crash of the daemon takes what is on the way with it. Subscribers hear of new
 * events by hints, of which some are lost, and read the log where they miss one; now and then they
 * begin again from the place that they had saved. All goes by the seed of the run, and a step of
 * the simulation is one tick.
 */
#ifndef KITH_SIM_SOCKETS_H
#define KITH_SIM_SOCKETS_H

#include "sim/command.h"
#include "sim/reply.h"

struct sim;

#define CLIENTS_MAX     32
#define PACKETS_MAX     512
#define SUBSCRIBERS_MAX 4

/* One on its way; a reply has the answer, a request the command itself. */
struct packet {
    bool used, is_reply, waits; /* waits: for its turn to be on disk */
    unsigned client, arrives;   /* which tick */
    struct command command;
    bool ok;
    seq_t pos;
    msec_t at_ms;
};

struct client {
    bool busy;
    unsigned sent; /* at which tick it was sent last */
    struct command command;
};

/* The digest is of all events up to seq, in order. */
struct subscriber {
    seq_t seq, saved_seq;
    uint64_t digest, saved_digest;
};

struct sockets {
    bool used, quiet; /* in this run; no new commands */
    unsigned tick, client_count;
    struct packet packets[PACKETS_MAX];
    struct client clients[CLIENTS_MAX];
    struct subscriber subscribers[SUBSCRIBERS_MAX];
    seq_t kept_seq; /* what is on disk: the beat says so much */
    uint64_t lost, doubled, retried, hints_lost, healed;
};

void sockets_begin(struct sim *sim);

/* One tick: a client sends, the daemon receives, somebody grows impatient. */
void sockets_step(struct sim *sim);

/* The turn is on disk, and its replies leave; or it is not, and there never were any. */
void sockets_kept(struct sim *sim);
void sockets_undone(struct sim *sim);
/* Within a turn: subscribers hear, or do not, of what is on disk. */
void sockets_hint(struct sim *sim);
/* Connections end, with what is on the way. */
void sockets_cut(struct sim *sim);

/* Does a client still wait for an answer? */
bool sockets_wait(const struct sim *sim);
/* At the end: every subscriber has seen every event. */
void sockets_check(struct sim *sim);

/* A command was executed: its reply goes to who waits for it. */
void sockets_reply(struct sim *sim, unsigned client, const struct command *command,
                   const struct reply *reply);

#endif
