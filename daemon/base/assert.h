/* base/assert.h: assertions that stay on in release.
 *
 * An assertion states an invariant of our own; a failed one is a bug and ends the process at once,
 * which is safe because the log is the only state. What the world does wrong is an enum kith_err.
 *
 * Layer: base. Thread: any.
 */
#ifndef KITH_BASE_ASSERT_H
#define KITH_BASE_ASSERT_H

#undef assert
#define assert(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__, __func__))

/* Say what failed on standard error and abort. Cold: what leads here lies apart from the code that
 * runs, which is more than a processor's first cache holds (tests/bench/guard counts its fetches).
 */
_Noreturn __attribute__((cold)) void assert_failed(const char *expr, const char *file, int line,
                                                   const char *func);

#endif
