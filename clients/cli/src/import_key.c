#include "import_key.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/assert.h"
#include "base/endian.h"

#define WORD_SIZE_MAX 256 /* a member, a tier, a salt */

/* Each step hashes what came before together with the word, so that a chain of any length needs
 * no memory and no word runs into the next. */
struct import_key
import_key_add(struct import_key key, const char *word)
{
    uint8_t bytes[16 + WORD_SIZE_MAX];
    size_t size = strlen(word);
    assert(size <= WORD_SIZE_MAX);
    put_be64(bytes, key.high);
    put_be64(bytes + 8, key.low);
    memcpy(bytes + 16, word, size);
    XXH128_hash_t hash = XXH3_128bits(bytes, 16 + size);
    return (struct import_key){hash.high64, hash.low64};
}

struct import_key
import_key_begin(const char *salt, const char *what)
{
    return import_key_add(import_key_add((struct import_key){0}, salt), what);
}

void
import_key_put(struct import_key key, char id[IMPORT_KEY_SIZE])
{
    int size = snprintf(id, IMPORT_KEY_SIZE, "imp-%016llx%016llx", (unsigned long long)key.high,
                        (unsigned long long)key.low);
    assert(size == IMPORT_KEY_SIZE - 1);
}
