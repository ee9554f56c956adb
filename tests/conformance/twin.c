/* Two runs that differ in a secret only: what the watched one is answered is the same. */
#include "run.h"

#include "base/assert.h"
#include "proto/schema.h"

struct transcript_entry {
    struct transcript_entry *next;
    const char *text;
};

/* Whatever he may ask about the other, and about himself. Suggestions are not among it: who blocks
 * somebody is not suggested to him. */
static const char *const questions[] = {
    "status",   "preview", "access", "mutuals", "path",    "outgoing",
    "incoming", "list",    "counts", "quota",   "profile", "feed",
};

static void
add(struct run *run, const char *text)
{
    struct transcript *transcript = run->transcript;
    struct transcript_entry *entry = pool_alloc(run->scope.pool, sizeof(*entry));
    *entry = (struct transcript_entry){.text = text};
    if (transcript->last)
        transcript->last->next = entry;
    else
        transcript->first = entry;
    transcript->last = entry;
}

static bool
compare(struct run *run, const char *text)
{
    struct transcript_entry *entry = run->transcript->at;
    if (!entry)
        return run_fail(run, run->line, "the second run asks more than the first");
    run->transcript->at = entry->next;
    if (strcmp(entry->text, text) == 0)
        return true;
    return run_fail(run, run->line,
                    "%.*s can tell the difference\n    without the secret: %s\n    with it:     "
                    "       %s",
                    (int)run->watched.size, (const char *)run->watched.data, entry->text, text);
}

bool
twin_note(struct run *run, struct slice reply)
{
    struct buf text = {0};
    assert(run->transcript != NULL);
    show_value(reply, &run->mask, &text);
    const char *copy = pool_text(run->scope.pool, buf_slice(&text));
    buf_fini(&text);
    if (run->compares)
        return compare(run, copy);
    add(run, copy);
    return true;
}

static bool
can_ask(const char *question)
{
    const struct verb *verb = verb_find(slice_str(question));
    assert(verb != NULL);
    enum kith_op op = kith_op_find(verb->op, strlen(verb->op));
    return op != KITH_OP_COUNT &&
           kith_arg_find(op, verb->actor, strlen(verb->actor)) != KITH_ARG_COUNT;
}

bool
twin_look(struct run *run, const char *object)
{
    if (!run->transcript || !run->watched.data)
        return run_fail(run, run->line, "`look` goes with `watch`");
    for (unsigned i = 0; i < ARRAY_COUNT(questions); i++) {
        if (!can_ask(questions[i]))
            continue;
        buf_clear(&run->message);
        message_of_verb(run, questions[i], run->watched, object, &run->message);
        if (!run_exchange(run) || !twin_note(run, buf_slice(&run->reply)))
            return false;
    }
    return true;
}
