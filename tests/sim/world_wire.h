/* sim/world_wire.h: the daemon as it is: a process, a directory of its own, and a connection to it.
 *
 * Of world.h there are world_create(), world_destroy(), world_abandon(), world_execute() and
 * world_last_seq(); the daemon makes its turns itself. Time stands still but for clock.advance, and
 * what is due happens before the next message. What goes wrong here ends the program by an abort.
 */
#ifndef KITH_SIM_WORLD_WIRE_H
#define KITH_SIM_WORLD_WIRE_H

#include "sim/world.h"

/* The kithd to start; borrowed for ever. Before world_create(). */
void wire_use(const char *path);

/* Send, and do not wait for the answer. The number of the request. */
uint32_t wire_send(struct world *world, struct slice message);
/* Is there an answer within so many microseconds? */
bool wire_wait(struct world *world, long wait_us);
/* Take the next answer into @reply. Returns the number of its request. */
uint32_t wire_receive(struct world *world, struct buf *reply);

/* End it by this signal, and start it again; @rebuild: without the views. */
void wire_restart(struct world *world, int signal_number, bool rebuild);

/* End it well, and let it look at all its data. False if it finds anything wrong. */
bool wire_verify(struct world *world);

#endif
