/* core/stats.h: every counter and gauge of the daemon, once.
 *
 * One list gives the struct, `server.stats`, and the help of each. A COUNTER only grows within the
 * life of the process; a GAUGE is a present value. The core counts its own; the app layer fills in
 * the others when somebody asks (core_options.refresh).
 *
 * Layer: core. Thread: loop thread only.
 */
#ifndef KITH_CORE_STATS_H
#define KITH_CORE_STATS_H

#include "base/types.h"

/* clang-format off */
#define STATS_LIST(X) /* field, kind, help */                                                       \
    X(commands,            COUNTER, "commands answered ok, repeats not counted")                    \
    X(commands_repeated,   COUNTER, "commands answered with their first outcome again (dup)")       \
    X(queries,             COUNTER, "queries answered ok")                                          \
    X(refused_invalid,     COUNTER, "messages refused: the message is wrong")                       \
    X(refused_denied,      COUNTER, "messages refused: the actor may not")                          \
    X(refused_not_found,   COUNTER, "messages refused: what they name is not there")                \
    X(refused_conflict,    COUNTER, "messages refused: the state is another")                       \
    X(refused_quota,       COUNTER, "messages refused: a limit")                                    \
    X(refused_busy,        COUNTER, "messages refused: too much at once")                           \
    X(refused_unavailable, COUNTER, "messages refused: cannot be made durable now")                 \
    X(refused_internal,    COUNTER, "messages refused: damage or a defect")                         \
    X(events,              COUNTER, "events appended")                                              \
    X(swept,               COUNTER, "events appended by the daemon itself: what was due")           \
    X(batches,             COUNTER, "turns of the loop that did something")                         \
    X(parked,              GAUGE,   "queries waiting for something to happen")                      \
    X(members,             GAUGE,   "members known")                                                \
    X(first_seq,           GAUGE,   "sequence of the oldest event kept")                            \
    X(last_seq,            GAUGE,   "sequence of the last event")                                   \
    X(checkpoint_seq,      GAUGE,   "sequence up to which the views are on disk")                   \
    X(checkpoints,         COUNTER, "checkpoints of the views")                                     \
    X(checkpoint_failures, COUNTER, "checkpoints that failed and were tried again")                 \
    X(checkpoint_last_ms,  GAUGE,   "how long the last checkpoint took, ms")                        \
    X(checkpoint_syncs,    COUNTER, "of their pages, in small steps, with which commits get through") \
    X(overlay_size,        GAUGE,   "memory of changes not yet checkpointed, bytes")                \
    X(throttled,           COUNTER, "turns that took no message: more is changed than written")     \
    X(commits,             COUNTER, "durable commits of the log")                                   \
    X(commit_failures,     COUNTER, "commits that failed and were undone")                          \
    X(commit_last_us,      GAUGE,   "how long the last commit took, us")                            \
    X(log_size,            GAUGE,   "size of the log on disk, bytes")                               \
    X(views_size,          GAUGE,   "size of the views on disk, bytes")                             \
    X(disk_free,           GAUGE,   "room left on the disk, bytes")                                 \
    X(read_only,           GAUGE,   "1 while commands are refused because the disk is full")        \
    X(connections,         GAUGE,   "peers connected now")                                          \
    X(connections_refused, COUNTER, "peers turned away: too many")                                  \
    X(connections_cut,     COUNTER, "peers cut off for breaking the framing")                       \
    X(received,            COUNTER, "messages received")                                            \
    X(replied,             COUNTER, "replies sent")                                                 \
    X(published,           COUNTER, "frames published")                                             \
    X(replies_kept,        GAUGE,   "replies waiting for a peer that does not read")                \
    X(replies_delayed,     COUNTER, "replies that had to wait for their peer")                      \
    X(replies_dropped,     COUNTER, "replies given up: the peer did not read")                      \
    X(cursors,             GAUGE,   "subscribers whose place is remembered")                        \
    X(cursor_lag_max,      GAUGE,   "events that the last of them is behind")                       \
    X(clock_steps,         COUNTER, "jumps of the system clock that were not followed")             \
    X(uptime_ms,           GAUGE,   "since the start, ms")
/* clang-format on */

struct stats {
#define X(field, kind, help) uint64_t field;
    STATS_LIST(X)
#undef X
};

enum stat_kind { STAT_COUNTER, STAT_GAUGE };

struct stat_row {
    const char *name;
    enum stat_kind kind;
    size_t offset; /* into struct stats */
    const char *help;
};

extern const struct stat_row stat_rows[];
extern const unsigned stat_count;

#endif
