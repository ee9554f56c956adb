/* base/fault.h: what went wrong, for the operator.
 *
 * Lower layers never print. Where an enum kith_err says too little for somebody who has to mend a
 * machine, a function also fills one of these, and the app layer reports it once.
 *
 * Layer: base.
 */
#ifndef KITH_BASE_FAULT_H
#define KITH_BASE_FAULT_H

#define FAULT_SIZE_MAX 512

struct fault {
    char text[FAULT_SIZE_MAX]; /* what happened and what to do; zero-terminated, "" if nothing */
};

/* Set the text; NULL @fault is allowed and ignored. Too long a text is cut. */
void fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
