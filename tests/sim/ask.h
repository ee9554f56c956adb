/* sim/ask.h: questions to the daemon, and what must be in its answers.
 *
 * What is wrong ends the program, by sim_fail().
 */
#ifndef KITH_SIM_ASK_H
#define KITH_SIM_ASK_H

#include "sim/sim.h"

/* Begin a query in sim->query with so many arguments, which the caller writes. */
void ask_begin(struct buf *query, const char *op, uint32_t arg_count);

/* Send what was written. The answer stays valid until the next question. */
struct reply ask_try(struct sim *sim);
/* The same; it must not be refused. The result. */
struct slice ask_send(struct sim *sim);

/* Ask with @count pairs of argument and word, and a limit unless it is 0. */
struct slice ask_query(struct sim *sim, const char *op, const char *const words[][2],
                       unsigned count, int64_t limit);

/* In @map, an answer about @who, this value stands at @path. A word of NULL: nothing does. */
void want_word(struct sim *sim, struct slice map, const char *who, const char *path,
               const char *word);
void want_number(struct sim *sim, struct slice map, const char *who, const char *path,
                 int64_t number);
void want_truth(struct sim *sim, struct slice map, const char *who, const char *path, bool truth);
void want_field(struct sim *sim, const char *who, const struct model_field *field,
                struct slice map);

#endif
