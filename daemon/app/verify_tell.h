/* app/verify_tell.h: what `kithd --verify` prints: findings on standard output, sentences or a JSON
 * object a line; how far it is on standard error, a line that is written over on a terminal, else a
 * line every few seconds.
 *
 * Layer: app. Thread: the only one, in each of the processes that look. Blocking: as writing does.
 */
#ifndef KITH_APP_VERIFY_TELL_H
#define KITH_APP_VERIFY_TELL_H

#include "base/types.h"
#include "store/verify.h"

/* Open, as a part of what owns it. */
struct teller {
    bool is_json, is_terminal;
    msec_t told_ms;
};

/* @now_ms, here and below, on the monotonic clock. */
void teller_init(struct teller *teller, bool is_json, msec_t now_ms);

/* The first line where a daemon may be running: @owner is its process, 0 if that is not known. */
void tell_online(const struct teller *teller, long owner);
void tell_finding(const struct teller *teller, const struct verify_finding *finding);
void tell_progress(struct teller *teller, const struct verify_state *state, msec_t now_ms);

/* The last line, where all could be looked at. */
void tell_end(const struct teller *teller, const struct verify_state *state);

#endif
