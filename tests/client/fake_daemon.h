/* fake_daemon.h: a daemon for tests of the client, which does what the test's script says.
 *
 * It listens in a private directory, on raw REP and PUB sockets of nanomsg, from a thread of its
 * own. It also keeps a small event log, with which it can answer server.hello and event.read and
 * publish, losing what the test wants lost.
 *
 * Threads: the script runs in the fake's thread; all else is for any thread.
 */
#ifndef KITH_TESTS_FAKE_DAEMON_H
#define KITH_TESTS_FAKE_DAEMON_H

#include "base/buf.h"
#include "kith.h"

struct fake;

#define FAKE_ROUTE_SIZE_MAX 128

/* A request, small enough to be copied and answered at any time. */
struct fake_request {
    unsigned index; /* 0 is the first since the start */
    char op[64];
    char id[80];        /* "" if there was none */
    uint32_t number;    /* of the SP request */
    struct slice args;  /* encoded; borrowed for the call of the script */
    struct slice batch; /* encoded array; absent if it is no batch */
    struct slice body;  /* all of it */
    size_t route_size;
    uint8_t route[FAKE_ROUTE_SIZE_MAX];
};

typedef void fake_script(struct fake *fake, const struct fake_request *request, void *context);

struct fake_options {
    fake_script *script;
    void *context;
    const char *command_url; /* NULL: ipc in the private directory */
    bool has_no_events;      /* no PUB socket */
    bool is_silent;          /* no beats of its own */
};

/* Fails the test if it cannot listen. */
struct fake *fake_create(const struct fake_options *options);
void fake_destroy(struct fake *fake);

/* As a daemon that dies and is started again: the sockets and all that waits in them are lost, the
 * log stays. */
void fake_stop(struct fake *fake);
void fake_start(struct fake *fake);

const char *fake_command_url(const struct fake *fake);
const char *fake_events_url(const struct fake *fake);

/* A handle on it; @options may be NULL; its urls are set here. */
struct kith *fake_open_client(const struct fake *fake, const struct kith_options *options);

/* A tcp port of loopback on which nobody listens. */
int fake_free_port(void);

/* --- answering --- */

void fake_send(struct fake *fake, const struct fake_request *request, struct slice bytes);
void fake_answer(struct fake *fake, const struct fake_request *request, const char *name,
                 int64_t value); /* ok, with the result {name: value} */
void fake_answer_encoded(struct fake *fake, const struct fake_request *request,
                         struct slice result);
void fake_refuse(struct fake *fake, const struct fake_request *request, const char *code,
                 const char *retry);

/* A reply as an item of a batch, or a whole message with `v`. */
void fake_write_reply(struct buf *out, bool is_item, const char *id, struct slice result);

/* One argument of a request as an integer, or @otherwise. */
int64_t fake_arg_int(const struct fake_request *request, const char *name, int64_t otherwise);

/* Scripts: the argument n back as it came; and no answer at all. */
void fake_answer_n(struct fake *fake, const struct fake_request *request, void *context);
void fake_ignore(struct fake *fake, const struct fake_request *request, void *context);

/* --- the log --- */

/* Append an event, and publish it if @is_published. Returns its sequence. */
uint64_t fake_append(struct fake *fake, const char *type, bool is_published);
uint64_t fake_last_seq(struct fake *fake);
void fake_republish(struct fake *fake, uint64_t seq);
void fake_set_epoch(struct fake *fake, uint64_t epoch); /* another log, empty */
void fake_trim(struct fake *fake, uint64_t first_seq);

/* Answer server.hello and event.read from the log; false if it is another op. */
bool fake_answer_log(struct fake *fake, const struct fake_request *request);

/* A frame of no log. */
void fake_publish(struct fake *fake, const char *topic, struct slice body);
void fake_beat(struct fake *fake, uint64_t epoch, uint64_t last_seq);

/* Held while the script runs: what it shares with the test is touched under this. */
void fake_lock(struct fake *fake);
void fake_unlock(struct fake *fake);

/* How many requests were seen, over restarts. */
unsigned fake_request_count(struct fake *fake);

#endif
