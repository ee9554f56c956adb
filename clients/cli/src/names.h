/* names.h: many short strings, each kept once and known by a number.
 *
 * An edge list names each member many times; twenty million pairs fit because they are numbers.
 * About 12 bytes a name beside its text.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include "base/types.h"

#define NAMES_COUNT_MAX 0x7fffffffu /* a pair of numbers and its direction fit in 64 bits */
#define NAMES_NONE      UINT32_MAX

struct names;

struct names *names_create(void); /* returned; NULL: no memory */
void names_destroy(struct names *names);

/* The number of @text (borrowed, copied where it is new), counted from 0 in the order of first
 * appearance; NAMES_NONE when there is no memory, or no number, left. */
uint32_t names_add(struct names *names, struct slice text);

size_t names_count(const struct names *names);

/* Zero-terminated; borrowed until the next names_add(). */
const char *names_at(const struct names *names, uint32_t number);

#endif
