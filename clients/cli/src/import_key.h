/* import_key.h: idempotency keys made of what a command says.
 *
 * The same content gives the same key, in any run on any machine: so an import can be started again
 * after whatever interruption, and what was done is not done twice.
 */
#ifndef CLI_IMPORT_KEY_H
#define CLI_IMPORT_KEY_H

#include "base/types.h"

#define IMPORT_KEY_SIZE 37 /* "imp-", 32 hexadecimal digits, a zero */

struct import_key {
    uint64_t high, low;
};

/* @salt tells imports apart that are meant to be different ("" usually), @what the command. */
struct import_key import_key_begin(const char *salt, const char *what);
/* Go on with one more word. Where words end matters: "a", "bc" is not "ab", "c". */
struct import_key import_key_add(struct import_key key, const char *word);
void import_key_put(struct import_key key, char id[IMPORT_KEY_SIZE]);

#endif
