/* app/gate.h: when messages are turned away at the door.
 *
 * Commands, for two reasons: the disk has less room left than the operator wants to keep
 * (unavailable, until there is room again), and the memory for changes is used up, or fills faster
 * than it is written (all messages wait a moment, then commands are busy). Queries pass.
 *
 * And whatever has waited too long, while more comes than can be done: then who waits longest is
 * told so at once (busy), for otherwise everybody would wait for ever longer, until no answer is of
 * use to anybody. A burst is not more than can be done, and is worked off; nor is a wait for the
 * disk. So this begins only after turn upon turn has left messages behind, for twice the wait that
 * is allowed. From the first message that is turned away a quarter of that wait is allowed, until
 * for as long as it took to begin nothing had to be turned away, or no turn left messages: where
 * more comes than can be done, everybody would else wait just as long as is allowed, and a queue
 * that is never worked off is of no use beyond what keeps the daemon busy. (Two limits, by whether
 * the queue has been empty of late: Maurer, "Fail at Scale", ACM Queue 13(8), 2015, after CoDel,
 * RFC 8289.)
 *
 * Clients that send the next request as soon as they are turned away are such a load, however few
 * requests each has under way.
 *
 * Layer: app. Pure.
 */
#ifndef KITH_APP_GATE_H
#define KITH_APP_GATE_H

#include "base/types.h"
#include "proto/error.h"

/* How long messages are left in the sockets while the views are full, or fill too fast, before
 * commands are busy. */
#define GATE_HOLD_MS_MAX 100

struct gate {
    bool read_only;   /* the disk is short of room */
    msec_t full_ms;   /* since when the views have been full, or too fast; -1 while they are not */
    msec_t left_ms;   /* since when every turn has left messages behind; -1 while none does */
    msec_t behind_ms; /* when a turn did so last */
    msec_t shed_ms;   /* when something was turned away last; -1 if nothing ever was */
};

enum gate_news { GATE_SAME, GATE_CLOSED, GATE_OPENED };

void gate_init(struct gate *gate);

/* Look at the room left on the disk. @reserve 0: the disk is never called full. */
enum gate_news gate_look(struct gate *gate, uint64_t disk_free, uint64_t reserve);

/* Before each turn: are the views full, or do they fill too fast? @now_ms: any clock that does not
 * jump. Returns for how long no message should be taken, 0 if they should. */
msec_t gate_hold(struct gate *gate, bool full, msec_t now_ms);

/* What every command is answered with; KITH_OK to run them. */
enum kith_err gate_refusal(const struct gate *gate);

/* After each turn: did it leave messages that it might have taken? @now_ms: as above. */
void gate_left(struct gate *gate, bool left, msec_t now_ms);

/* What has waited for so long is turned away; GATE_NO_LIMIT: nothing is, for no more comes than can
 * be done. @wait_max_ms: what the operator allows, 1 or more. */
#define GATE_NO_LIMIT INT64_MAX
#define GATE_TIGHTER  4 /* times, once something was turned away */
msec_t gate_limit(const struct gate *gate, msec_t wait_max_ms, msec_t now_ms);

/* Something was turned away by that limit. */
void gate_shed(struct gate *gate, msec_t now_ms);

#endif
