/* fuzz/fuzz.h: the entry that every fuzz target defines.
 *
 * libFuzzer calls it with bytes that it makes up, replay_main.c with those of the corpus.
 */
#ifndef KITH_TESTS_FUZZ_H
#define KITH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* @data (borrowed, @size bytes) is any input. Returns 0; what is wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
