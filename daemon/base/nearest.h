/* base/nearest.h: the word somebody probably meant.
 *
 * Layer: base. Thread: any.
 */
#ifndef KITH_BASE_NEAREST_H
#define KITH_BASE_NEAREST_H

#include <stddef.h>

/* Edit distance of two zero-terminated words, counting insertion, deletion, substitution and the
 * swap of two neighbours as one step each (optimal string alignment; Damerau 1964). Words longer
 * than 63 bytes are as far as can be (SIZE_MAX). */
size_t nearest_distance(const char *a, const char *b);

/* The one of @words (borrowed, @count) nearest to @word, or NULL where none is near enough to be
 * worth suggesting: more than a third of the letters would have to change. */
const char *nearest_of(const char *word, const char *const *words, size_t count);

#endif
