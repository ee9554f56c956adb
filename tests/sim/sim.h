/* sim/sim.h: the simulation: seeded random work on the daemon's core, compared with the model.
 *
 * One run is one seed: it has its own settings, directory and members, and is repeated exactly by
 * giving the seed again (but for the moments at which the checkpoint thread ends its work, which
 * must make no difference).
 */
#ifndef KITH_SIM_SIM_H
#define KITH_SIM_SIM_H

#include "app/clock.h"
#include "base/buf.h"
#include "sim/command.h"
#include "sim/model.h"
#include "sim/random.h"
#include "sim/reply.h"
#include "sim/sockets.h"
#include "sim/world.h"

#define KEPT_MAX       1024 /* outcomes that are sent once more now and then */
#define KEPT_MS        (7 * 24 * 3600000LL)
#define HISTORY_MAX    40    /* messages shown after a failure */
#define SEEN_MAX       16384 /* events of one message, or of one sweep */
#define BATCH_ITEM_MAX 24

/* An outcome that the daemon keeps, to be compared with what it says later. */
struct outcome {
    struct command command;
    seq_t pos;
    msec_t at_ms;
    uint8_t body[2048], result[1024]; /* op and args; the result: encoded */
    size_t body_size, result_size;
};

/* An event as event.read told it. */
struct seen_event {
    seq_t seq;
    msec_t at_ms;
    struct slice map, type, cause; /* point into sim->events */
    uint32_t audience;
    bool taken; /* by an expectation */
};

struct shown {
    struct buf message, reply;
    msec_t now_ms;
    unsigned step;
};

struct sim {
    const char *program, *kithd; /* to say how to see it again; kithd: NULL where there is none */
    uint64_t seed;
    unsigned step, step_count, member_count;
    unsigned pace; /* how fast time goes by */
    int busy;      /* who sends far more than the others, or NOBODY */
    const struct note *busy_note;
    bool unwelcome;            /* hardly anybody accepts what he sends */
    bool by_invite;            /* members join by invites, and seldom otherwise */
    bool usable[SIM_OP_COUNT]; /* this version has the operation */
    bool trace, deep;          /* deep: compare everything after every step */
    struct random random;      /* of what happens */
    struct random glance;      /* of what is looked at, so that looking more changes nothing */
    struct world world;
    struct model model;
    struct buf message, reply, query, answer, preview;

    /* The log as far as it has been read. */
    seq_t last_seq;
    msec_t last_ms, clock_ms; /* of the last event; where the clock stands by what was read */
    bool sweeps;              /* what is due has happened whenever something is asked */
    struct buf events;
    struct seen_event seen[SEEN_MAX];
    unsigned seen_count;

    struct outcome kept[KEPT_MAX]; /* a ring: kept[n % KEPT_MAX], kept_first <= n < kept_count */
    uint64_t kept_ids[KEPT_MAX];   /* hashes of theirs, to find them by */
    unsigned kept_first, kept_count;
    struct shown history[HISTORY_MAX];
    unsigned history_count;

    /* With sockets: the machine's clock, which is wrong by so much. */
    struct clock clock;
    msec_t mono_ms, wrong_ms, given_ms;
    struct sockets sockets;

    /* Where a turn that is going to be undone began. */
    struct model before;
    seq_t before_seq;
    msec_t before_ms;
    unsigned before_kept;

    uint64_t executed, refused, events_total, dups, undone, restarts, rebuilds, crashes, queries;
    uint64_t groups, answers_lost;
    uint64_t by_op[SIM_OP_COUNT][2]; /* refused, done */
};

/* Say what is wrong, how to see it again, and what went before; then end the program. */
_Noreturn void sim_fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Say what went before likewise where an assertion fails. */
void sim_watch(struct sim *sim);

/* Execute @message at the model's time, and remember it for sim_fail(). */
void sim_send(struct sim *sim, struct slice message, struct buf *reply);
/* Remember what was sent and answered otherwise. */
void sim_show(struct sim *sim, struct slice message, struct slice reply);

/* One random message, and some looks at what came of it. */
void sim_step(struct sim *sim);
/* Send one command, which has an id, and compare. */
struct reply sim_run(struct sim *sim, const struct command *command);
/* One command has been executed, and the new events were read: was it as the model says? */
void sim_judge(struct sim *sim, const struct command *command, const struct reply *reply);

/* What a client sent has arrived, perhaps not for the first time. */
void sim_receive(struct sim *sim, unsigned client, const struct command *command);

/* The latest outcome of a command with this id that is remembered here; NULL if there is none. */
const struct outcome *sim_latest(const struct sim *sim, const char *id);

/* --- events.c -------------------------------------------------------------------------------- */

/* The events behind @after, encoded, valid until the next question; *next is where to go on. */
struct slice events_page(struct sim *sim, seq_t after, seq_t *next);
/* Read what is new in the log into sim->seen. */
void events_read(struct sim *sim);
/* Tell the model of what the daemon did by itself up to @last, which must have been due. */
void events_take_own(struct sim *sim, seq_t last);

/* Those behind the last reading that command @id caused must be the expected ones; the last one's
 * sequence must be @pos. */
void events_compare(struct sim *sim, const char *id, const struct answer *answer, seq_t pos);

/* The whole log, from its first event on, is dense and in order. */
void events_check_log(struct sim *sim);

/* Every new event was expected by somebody. */
void events_compare_end(struct sim *sim);

/* --- compare.c ------------------------------------------------------------------------------- */

/* Does the reply say what the model expects? */
void compare_reply(struct sim *sim, const struct command *command, const struct answer *answer,
                   const struct reply *reply);

/* Does the reply say what a preview with the same arguments said? */
void compare_preview(struct sim *sim, const char *id, struct slice preview,
                     const struct reply *reply);

/* What both see of each other, and how much each has. */
void compare_pair(struct sim *sim, int a, int b);
/* Lists, quota and profile of one member. */
void compare_member(struct sim *sim, int member);
void compare_everything(struct sim *sim);
/* compare_invite.c: what a member made, whom he brought, and some token. */
void compare_invites(struct sim *sim, int member);
void compare_tree(struct sim *sim, int member);
void compare_peek(struct sim *sim);
/* A command that was sent before and is remembered, or not any more. */
void compare_kept(struct sim *sim);

/* --- pick.c ---------------------------------------------------------------------------------- */

void pick_settings(struct sim *sim);
void pick_command(struct sim *sim, struct command *command);
/* A later time: mostly a little, often just before, at or after something that falls due. */
msec_t pick_time(struct sim *sim);
/* A message that must be refused, with the code that says why. */
const char *pick_rubbish(struct sim *sim, struct buf *message);

#endif
