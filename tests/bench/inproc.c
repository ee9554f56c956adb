#include "inproc.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/writer.h"

#define MAP_SIZE ((uint64_t)16 * 1024 * 1024 * 1024)
#define ID_SIZE  40

void
inproc_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* --- opening and closing --------------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat, (void)type, (void)place;
    return remove(path);
}

void
inproc_open(struct inproc *inproc, const char *parent)
{
    struct fault fault = {""};
    snprintf(inproc->dir, sizeof(inproc->dir), "%.200s/kith-work-XXXXXX", parent);
    if (!mkdtemp(inproc->dir))
        inproc_die(inproc->dir, "cannot make it");
    snprintf(inproc->data, sizeof(inproc->data), "%s/data", inproc->dir);
    const struct store_options options = {.dir = inproc->data, .map_size = MAP_SIZE};
    if (store_open(&inproc->store, &options, &fault) != KITH_OK)
        inproc_die(inproc->data, fault.text);

    settings_init(&inproc->settings);
    const struct core_options core_options = {
        .store = inproc->store,
        .settings = &inproc->settings,
        .stats = &inproc->stats,
        .seed = "a seed need not be a secret here",
    };
    inproc->core = core_create(&core_options);
    if (!inproc->core)
        inproc_die("core", "memory is short");
}

void
inproc_close(struct inproc *inproc)
{
    core_destroy(inproc->core);
    store_close(inproc->store);
    buf_fini(&inproc->messages);
    buf_fini(&inproc->replies);
    nftw(inproc->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- batches --------------------------------------------------------------------------------- */

void
inproc_clear(struct inproc *inproc)
{
    buf_clear(&inproc->messages);
    buf_clear(&inproc->replies);
    inproc->message_count = 0;
}

/* Ids as most clients make them: a UUID that grows with time. */
void
inproc_head(struct inproc *inproc, const char *op, uint32_t arg_count)
{
    char id[ID_SIZE];
    struct buf *out = &inproc->messages;
    inproc->id++;
    snprintf(id, sizeof(id), "0194%04x-%04x-7%03x-8000-%012llx",
             (unsigned)(inproc->id >> 24 & 0xffff), (unsigned)(inproc->id >> 8 & 0xffff),
             (unsigned)(inproc->id * 37 & 0xfff),
             (unsigned long long)(inproc->id * UINT64_C(0x9e3779b97f4a7c15) >> 16));
    write_map(out, 4);
    write_cstr(out, "v");
    write_uint(out, 1);
    write_cstr(out, "op");
    write_cstr(out, op);
    write_cstr(out, "id");
    write_cstr(out, id);
    write_cstr(out, "args");
    write_map(out, arg_count);
}

void
inproc_end(struct inproc *inproc)
{
    assert(inproc->message_count < INPROC_BATCH_MAX && !inproc->messages.failed);
    inproc->message_end[inproc->message_count++] = inproc->messages.size;
}

/* As the daemon does with those of a turn. */
static void
open_group(struct inproc *inproc, unsigned first)
{
    unsigned count = 0;
    for (; count < MESSAGE_GROUP_MAX && first + count < inproc->message_count; count++) {
        unsigned i = first + count;
        size_t start = i ? inproc->message_end[i - 1] : 0;
        message_open(slice_of(inproc->messages.data + start, inproc->message_end[i] - start),
                     &inproc->opened[count]);
    }
    core_expect(inproc->core, inproc->opened, count);
}

void
inproc_run(struct inproc *inproc, inproc_fn *each, void *context)
{
    struct fault fault = {""};
    struct core_context at = {
        .now_ms = inproc->now_ms ? inproc->now_ms : INPROC_START_MS + (msec_t)inproc->id / 100};

    store_begin(inproc->store);
    core_begin(inproc->core);
    for (unsigned i = 0; i < inproc->message_count; i++) {
        struct core_wait wait;
        unsigned place = i % MESSAGE_GROUP_MAX;
        if (place == 0)
            open_group(inproc, i);
        if (each)
            each(context, i, false);
        core_run(inproc->core, &inproc->opened[place], &at, &inproc->replies, &wait);
        if (each)
            each(context, i, true);
        inproc->reply_end[i] = inproc->replies.size;
    }
    enum kith_err err = store_end(inproc->store, &fault);
    core_end(inproc->core, err == KITH_OK);
    if (err != KITH_OK)
        inproc_die("commit", fault.text);
}

struct slice
inproc_reply(const struct inproc *inproc, unsigned index)
{
    size_t start = index ? inproc->reply_end[index - 1] : 0;
    assert(index < inproc->message_count);
    return slice_of(inproc->replies.data + start, inproc->reply_end[index] - start);
}

void
inproc_settle(struct inproc *inproc)
{
    struct views *views = store_views(inproc->store);
    if (views_checkpoint(views) != KITH_OK)
        inproc_die("checkpoint", views_fault(views)->text);
}

uint64_t
inproc_answered(const struct inproc *inproc)
{
    return inproc->stats.commands + inproc->stats.queries;
}
