/* net/selftest.h: does nanomsg really go through the guard?
 *
 * The guard rests on symbol interposition. A nanomsg that was linked in another way would work all
 * the same, and be open to every peer; so the start asks it.
 *
 * Layer:    net (the kernel's side only).
 * Thread:   loop thread.
 * Blocking: a millisecond; at most a few seconds where something is wrong.
 */
#ifndef KITH_NET_SELFTEST_H
#define KITH_NET_SELFTEST_H

#include "base/fault.h"
#include "net/guard.h"

/* Connect to @listener, a command endpoint of @guard; greet, be greeted, break the framing, and be
 * cut for it. On success the guard's counters are as before; else @fault says what is missing. */
bool selftest_run(int listener, struct guard *guard, struct fault *fault);

#endif
