#include <sodium.h>

#include "base/assert.h"
#include "base/endian.h"
#include "core/internal.h"

void
core_random(struct core *core, void *out, size_t size)
{
    uint8_t counter[8];
    assert(size >= crypto_generichash_BYTES_MIN && size <= 32);
    put_be64(counter, core->seed_used++);
    crypto_generichash(out, size, counter, sizeof(counter), core->seed, sizeof(core->seed));
}

/* The key of @member, made on first use. */
static void
key_of(struct core *core, struct slice member, uint8_t key[SEAL_KEY_SIZE])
{
    enum kith_err err = keys_get(core->keys, member, key);
    if (err == KITH_NOT_FOUND) {
        core_random(core, key, SEAL_KEY_SIZE);
        keys_put(core->keys, member, key);
    } else if (err != KITH_OK) {
        core->err = err;
    }
}

/* Replace @text by its sealed form, kept in core->sealed until the command is appended. */
static void
seal_one(struct core *core, struct slice member, struct slice *text)
{
    uint8_t key[SEAL_KEY_SIZE], nonce[SEAL_NONCE_SIZE];
    if (text->size == 0)
        return;
    assert(text->size <= KITH_NOTE_SIZE_MAX);

    key_of(core, member, key);
    core_random(core, nonce, sizeof(nonce));
    /* The room was reserved: no slice into it moves. */
    size_t start = core->sealed.size;
    assert(core->sealed.capacity - start >= text->size + SEAL_EXTRA_SIZE);
    seal(&core->sealed, key, nonce, *text);
    sodium_memzero(key, sizeof(key));
    *text = slice_of(core->sealed.data + start, core->sealed.size - start);
}

void
event_seal(struct core *core, struct event *event)
{
    /* Who asked wrote the note of a request; who crossed it, that of the acceptance. */
    struct slice writer = event->type == EVENT_CONNECTION_ACCEPTED ? event->to : event->from;
    if (event->note.size == 0 && event->name.size == 0)
        return;

    seal_one(core, writer, &event->note);
    seal_one(core, event->member, &event->name);
}

void
text_unseal(struct core *core, struct slice member, struct slice sealed, struct buf *out)
{
    uint8_t key[SEAL_KEY_SIZE];
    if (sealed.size == 0)
        return;
    enum kith_err err = keys_get(core->keys, member, key);
    if (err == KITH_NOT_FOUND) {
        struct member writer;
        member_load(core->views, member, &writer);
        /* Erased: the words are gone, and that is the point. Else the key was lost. */
        if (!writer.erased)
            core->err = KITH_INTERNAL;
        return;
    }
    if (err != KITH_OK || !unseal(out, key, sealed))
        core->err = out->failed ? KITH_UNAVAILABLE : KITH_INTERNAL;
    sodium_memzero(key, sizeof(key));
}
