#include "sim/sockets.h"

#include <inttypes.h>
#include <stdio.h>

#include <xxhash.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"
#include "sim/sim.h"

#define DELAY_MAX 30  /* ticks that a message may take */
#define AGE_MAX   100 /* ticks after which what nobody took is gone */
#define RECEIVED  2   /* requests a tick: more than clients send */
#define PATIENCE  40  /* ticks after which a client sends again */

/* --- messages on their way ------------------------------------------------------------------- */

static struct packet *
find_free(struct sockets *sockets)
{
    for (unsigned i = 0; i < PACKETS_MAX; i++)
        if (!sockets->packets[i].used)
            return &sockets->packets[i];
    return NULL;
}

static void
trace(const struct sim *sim, const char *what, const struct packet *packet)
{
    if (sim->trace)
        printf("       %s: %s%s of client %u\n", what, packet->is_reply ? "the reply to " : "",
               packet->command.id, packet->client);
}

/* A full network drops, too. */
static void
put_on_way(struct sim *sim, const struct packet *packet)
{
    struct sockets *sockets = &sim->sockets;
    struct packet *free_one = find_free(sockets);
    if (!free_one || random_chance(&sim->random, 80)) {
        sockets->lost++;
        trace(sim, "lost", packet);
        return;
    }
    *free_one = *packet;
    free_one->used = true;
    free_one->waits = false;
    free_one->arrives = sockets->tick;
    if (random_chance(&sim->random, 300))
        free_one->arrives += 1 + (unsigned)random_below(&sim->random, DELAY_MAX);
}

static void
send_packet(struct sim *sim, const struct packet *packet)
{
    put_on_way(sim, packet);
    if (!random_chance(&sim->random, 80))
        return;
    sim->sockets.doubled++;
    trace(sim, "doubled", packet);
    put_on_way(sim, packet);
}

static void
send_command(struct sim *sim, unsigned index)
{
    struct client *client = &sim->sockets.clients[index];
    struct packet packet = {.client = index, .command = client->command};
    client->sent = sim->sockets.tick;
    send_packet(sim, &packet);
}

/* --- the client's end ------------------------------------------------------------------------ */

/* An outcome is the same whichever of its replies arrives; only after 7 days it may be another. */
static void
check_outcome(struct sim *sim, const struct packet *reply)
{
    const struct outcome *outcome = sim_latest(sim, reply->command.id);
    if (!reply->ok || !outcome || outcome->pos == reply->pos)
        return;
    if (reply->at_ms + KEPT_MS > sim->model.now_ms)
        sim_fail(sim, "%s was answered with pos %" PRIu64 ", and happened at %" PRIu64,
                 reply->command.id, reply->pos, outcome->pos);
}

static void
receive_reply(struct sim *sim, const struct packet *reply)
{
    struct client *client = &sim->sockets.clients[reply->client];
    check_outcome(sim, reply);
    if (client->busy && strcmp(client->command.id, reply->command.id) == 0)
        client->busy = false;
}

void
sockets_reply(struct sim *sim, unsigned client, const struct command *command,
              const struct reply *reply)
{
    struct packet *packet = find_free(&sim->sockets);
    if (!packet)
        return; /* as if it were lost */
    *packet = (struct packet){
        .used = true,
        .is_reply = true,
        .waits = true,
        .client = client,
        .command = *command,
        .ok = reply->ok,
        .pos = reply->pos,
        .at_ms = reply->at_ms,
    };
}

static void
begin_command(struct sim *sim, unsigned index)
{
    struct client *client = &sim->sockets.clients[index];
    pick_command(sim, &client->command);
    snprintf(client->command.id, sizeof(client->command.id), "k%u.%u", index, sim->step);
    client->busy = true;
    send_command(sim, index);
}

/* --- a tick ---------------------------------------------------------------------------------- */

static void
arrive(struct sim *sim, struct packet *packet)
{
    struct packet copy = *packet;
    packet->used = false;
    if (copy.is_reply)
        receive_reply(sim, &copy);
    else
        sim_receive(sim, copy.client, &copy.command);
}

/* Any of those that are there: later ones may come first. */
static void
receive_one(struct sim *sim)
{
    struct sockets *sockets = &sim->sockets;
    unsigned first = (unsigned)random_below(&sim->random, PACKETS_MAX);
    for (unsigned i = 0; i < PACKETS_MAX; i++) {
        struct packet *packet = &sockets->packets[(first + i) % PACKETS_MAX];
        if (!packet->used || packet->waits || packet->arrives > sockets->tick)
            continue;
        bool is_request = !packet->is_reply;
        if (sockets->tick - packet->arrives > AGE_MAX) {
            packet->used = false;
            continue;
        }
        arrive(sim, packet);
        if (is_request)
            return;
    }
}

void
sockets_step(struct sim *sim)
{
    struct sockets *sockets = &sim->sockets;
    unsigned first = (unsigned)random_below(&sim->random, sockets->client_count), begun = 0;
    sockets->tick++;
    for (unsigned i = 0; i < sockets->client_count; i++) {
        unsigned index = (first + i) % sockets->client_count;
        struct client *client = &sockets->clients[index];
        if (client->busy && sockets->tick - client->sent >= PATIENCE) {
            sockets->retried++;
            send_command(sim, index);
        } else if (!client->busy && !sockets->quiet && begun < 2) {
            begin_command(sim, index);
            begun++;
        }
    }
    for (unsigned i = 0; i < RECEIVED; i++)
        receive_one(sim);
}

/* --- subscribers ----------------------------------------------------------------------------- */

static uint64_t
digest_event(uint64_t digest, struct slice event)
{
    return XXH3_64bits_withSeed(event.data, event.size, digest);
}

/* Read on from where he is, each event once and in order. */
static void
heal(struct sim *sim, struct subscriber *subscriber, seq_t end)
{
    while (subscriber->seq < end) {
        struct reader reader;
        seq_t next;
        reader_init(&reader, events_page(sim, subscriber->seq, &next));
        uint32_t count = reader_array(&reader);
        for (; count > 0 && subscriber->seq < end; count--) {
            struct slice event = reader_skip(&reader);
            if ((seq_t)reply_num(event, "seq") != subscriber->seq + 1)
                sim_fail(sim, "a subscriber at %" PRIu64 " is given another event",
                         subscriber->seq);
            subscriber->seq++;
            subscriber->digest = digest_event(subscriber->digest, event);
        }
    }
    sim->sockets.healed++;
}

/* All who have come to the same place have seen the same. */
static void
compare_subscribers(struct sim *sim)
{
    const struct subscriber *first = &sim->sockets.subscribers[0];
    for (unsigned i = 1; i < SUBSCRIBERS_MAX; i++) {
        const struct subscriber *one = &sim->sockets.subscribers[i];
        if (one->seq == first->seq && one->digest != first->digest)
            sim_fail(sim, "two subscribers at %" PRIu64 " have not seen the same", one->seq);
    }
}

/* A hint says how far the log is. Who misses it hears of the next one. */
void
sockets_hint(struct sim *sim)
{
    for (unsigned i = 0; i < SUBSCRIBERS_MAX; i++) {
        struct subscriber *subscriber = &sim->sockets.subscribers[i];
        if (random_chance(&sim->random, 700)) {
            sim->sockets.hints_lost++;
            continue;
        }
        if (random_chance(&sim->random, 20)) { /* he has crashed since */
            subscriber->seq = subscriber->saved_seq;
            subscriber->digest = subscriber->saved_digest;
        }
        heal(sim, subscriber, sim->sockets.kept_seq);
        if (random_chance(&sim->random, 300)) {
            subscriber->saved_seq = subscriber->seq;
            subscriber->saved_digest = subscriber->digest;
        }
    }
    compare_subscribers(sim);
}

/* --- turns ----------------------------------------------------------------------------------- */

void
sockets_kept(struct sim *sim)
{
    for (unsigned i = 0; i < PACKETS_MAX; i++) {
        struct packet *packet = &sim->sockets.packets[i];
        if (!packet->used || !packet->waits)
            continue;
        struct packet copy = *packet;
        packet->used = false;
        send_packet(sim, &copy);
    }
    sim->sockets.kept_seq = sim->last_seq;
}

void
sockets_undone(struct sim *sim)
{
    for (unsigned i = 0; i < PACKETS_MAX; i++)
        sim->sockets.packets[i].used &= !sim->sockets.packets[i].waits;
}

void
sockets_cut(struct sim *sim)
{
    for (unsigned i = 0; i < PACKETS_MAX; i++)
        sim->sockets.packets[i].used = false;
}

void
sockets_begin(struct sim *sim)
{
    struct sockets *sockets = &sim->sockets;
    sockets->used = true;
    sockets->client_count = 4 + (unsigned)random_below(&sim->random, CLIENTS_MAX - 3);
}

bool
sockets_wait(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->sockets.client_count; i++)
        if (sim->sockets.clients[i].busy)
            return true;
    return false;
}

void
sockets_check(struct sim *sim)
{
    for (unsigned i = 0; i < SUBSCRIBERS_MAX; i++)
        heal(sim, &sim->sockets.subscribers[i], sim->sockets.kept_seq);
    compare_subscribers(sim);
}
