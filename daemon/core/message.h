/* core/message.h: a message, looked through for all that can be told without the state.
 *
 * What a command runs through is more code than a processor's first cache holds. So messages are
 * opened in groups, and executed behind that: the code that does the one stays there meanwhile.
 *
 * Layer: core. Pure. Thread: any.
 */
#ifndef KITH_CORE_MESSAGE_H
#define KITH_CORE_MESSAGE_H

#include "core/args.h"
#include "core/envelope.h"

#define COMMAND_HASH_SIZE 16

/* So many are opened together: what is found out about them stays in the cache as well. */
#define MESSAGE_GROUP_MAX 32

/* Everything is borrowed from the bytes. */
struct message {
    enum kith_err err; /* what is wrong with its envelope; `fault` says it */
    enum kith_err args_err;
    struct envelope envelope;
    struct args args; /* unless there is an error, or it is a batch */
    /* Of a command: two are the same if the operation and the very bytes of their arguments are. */
    uint8_t hash[COMMAND_HASH_SIZE];
    struct envelope_fault fault;
    struct args_fault args_fault;
};

/* A whole message, of any bytes. */
void message_open(struct slice bytes, struct message *out);

/* One item of a batch that was opened. */
void message_open_item(struct slice bytes, struct message *out);

#endif
