#include "codec/check.h"

#include "base/assert.h"
#include "codec/format.h"
#include "codec/utf8.h"
#include "proto/limits.h"

/* Maps up to this many pairs are searched for duplicate keys while they are read, by comparing
 * each key with those before it: at most 496 comparisons, and less work than any cleverness. */
#define SMALL_PAIRS_MAX 32

/* A key is followed by a value, so at most half of the values are keys. */
#define KEY_COUNT_MAX (KITH_NODE_COUNT_MAX / 2)

/* A container that is being read. */
struct level {
    uint32_t left;     /* elements or pairs still to come */
    uint32_t key_base; /* place of its first key among the keys that are kept */
    bool is_map;
    bool is_small; /* a map of at most SMALL_PAIRS_MAX pairs */
};

struct check {
    const uint8_t *start, *end;
    uint32_t budget; /* values that the message may still announce */
    uint32_t depth;  /* containers open: level[0 .. depth) */
    uint32_t key_count;
    bool has_large_map;
    struct check_fault *fault;
    struct level level[KITH_NESTING_MAX];
    /* The keys of all small maps that are open. An inner map ends before the next key of the outer
     * one comes, so that they form a stack. */
    struct slice key[KITH_NESTING_MAX * SMALL_PAIRS_MAX];
};

/* The steps below take the place of what they check and return the place behind it, or NULL when
 * it is refused: the place stays in a register, and that is half of the time. */

static const uint8_t *
refuse(const struct check *check, const uint8_t *where, const char *what)
{
    assert(where >= check->start && where <= check->end);
    check->fault->what = what;
    check->fault->offset = (size_t)(where - check->start);
    return NULL;
}

static inline bool
has_body(const struct check *check, const struct head *head)
{
    return head->number <= (size_t)(check->end - head->next);
}

static inline const uint8_t *
check_text(const struct check *check, const struct head *head)
{
    if (!has_body(check, head))
        return refuse(check, head->next, "truncated");
    size_t valid = utf8_valid_size(slice_of(head->next, head->number));
    if (valid != head->number)
        return refuse(check, head->next + valid, "invalid UTF-8");
    return head->next + valid;
}

static void
push_level(struct check *check, const struct head *head, uint32_t key_base)
{
    assert(check->depth < KITH_NESTING_MAX);
    assert(head->number <= KITH_NODE_COUNT_MAX);
    check->level[check->depth++] = (struct level){
        .left = (uint32_t)head->number,
        .key_base = key_base,
        .is_map = head->kind == FORMAT_MAP,
        .is_small = head->kind == FORMAT_MAP && head->number <= SMALL_PAIRS_MAX,
    };
}

/* Open a container. What it announces is paid for at once, so that the sum over all headers, not
 * only each of them, is bounded before anything is looped over. */
static const uint8_t *
check_container(struct check *check, const struct head *head, const uint8_t *where)
{
    bool is_map = head->kind == FORMAT_MAP;
    uint64_t node_count = head->number << is_map;

    if (check->depth == KITH_NESTING_MAX)
        return refuse(check, where, "nested too deeply");
    if (node_count > (size_t)(check->end - head->next))
        return refuse(check, where, "truncated");
    if (node_count > check->budget)
        return refuse(check, where, "too many values");
    check->budget -= (uint32_t)node_count;
    check->has_large_map |= is_map && head->number > SMALL_PAIRS_MAX;
    push_level(check, head, check->key_count);
    return head->next;
}

static inline bool
is_new_key(struct check *check, const struct level *level, struct slice key)
{
    for (uint32_t i = level->key_base; i < check->key_count; i++)
        if (slice_equal(check->key[i], key))
            return false;
    assert(check->key_count < ARRAY_COUNT(check->key));
    check->key[check->key_count++] = key;
    return true;
}

static inline const uint8_t *
check_key(struct check *check, const struct level *level, const uint8_t *at)
{
    struct head head;
    if (at == check->end || !format_head(at, check->end, &head))
        return refuse(check, at, "truncated");
    if (head.kind != FORMAT_STR)
        return refuse(check, at, "a key that is not a string");

    const uint8_t *next = check_text(check, &head);
    if (next && level->is_small && !is_new_key(check, level, slice_of(head.next, head.number)))
        return refuse(check, at, "duplicate key");
    return next;
}

static inline const uint8_t *
check_value(struct check *check, const uint8_t *at)
{
    struct head head;
    if (at == check->end || !format_head(at, check->end, &head))
        return refuse(check, at, "truncated");
    switch (head.kind) {
    case FORMAT_STR:
        return check_text(check, &head);
    case FORMAT_NIL:
    case FORMAT_BOOL:
    case FORMAT_UINT:
    case FORMAT_INT:
    case FORMAT_FLOAT:
        return head.next;
    case FORMAT_BIN:
        return has_body(check, &head) ? head.next + head.number
                                      : refuse(check, head.next, "truncated");
    case FORMAT_ARRAY:
    case FORMAT_MAP:
        return check_container(check, &head, at);
    case FORMAT_EXT:
        return refuse(check, at, "an extension type");
    case FORMAT_UNUSED:
        break;
    }
    return refuse(check, at, "the unused byte 0xc1");
}

/* The header of the message's own map. */
static const uint8_t *
check_root(struct check *check)
{
    if (check->start == check->end)
        return refuse(check, check->start, "empty");
    if (check->end - check->start > UINT32_MAX)
        return refuse(check, check->start, "too large");
    if (format_table[*check->start].kind != FORMAT_MAP)
        return refuse(check, check->start, "not a map");
    return check_value(check, check->start);
}

/* The whole message, without recursion. */
static const uint8_t *
check_all(struct check *check)
{
    const uint8_t *at = check_root(check);
    while (at && check->depth > 0) {
        struct level *level = &check->level[check->depth - 1];
        if (level->left == 0) {
            check->key_count = level->key_base;
            check->depth--;
            continue;
        }
        level->left--;
        if (level->is_map)
            at = check_key(check, level, at);
        if (at)
            at = check_value(check, at);
    }
    if (at && at < check->end)
        return refuse(check, at, "bytes behind the message");
    return at;
}

/* ---- Duplicate keys in large maps -------------------------------------------------------------
 *
 * A hash set can be made quadratic by who knows the hash, and a secret one would make the check
 * depend on more than the message. Sorting has no bad case: the keys of a large map are sorted
 * where it ends, and equal ones are neighbours. This is a second walk, over bytes that have passed
 * the first. */

struct key_list {
    uint32_t count;
    uint64_t item[KEY_COUNT_MAX]; /* print << 32 | offset of the key's head; 256 KiB in all */
};

static struct slice
key_at(const struct check *check, uint64_t item)
{
    struct head head;
    bool whole = format_head(check->start + (uint32_t)item, check->end, &head);
    assert(whole && head.kind == FORMAT_STR);
    return slice_of(head.next, head.number);
}

/* A print of a key, so that sorting seldom has to look at the bytes. Nothing but speed depends on
 * how well it scatters, so it need not withstand an attack. */
static uint64_t
key_print(struct slice key)
{
    uint64_t print = key.size;
    for (size_t done = 0; done < key.size; done += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + done, key.size - done < 8 ? key.size - done : 8);
        print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        print ^= print >> 32;
    }
    return print & UINT32_MAX;
}

/* By print, then size, then bytes, then place: equal keys are neighbours, the first one first. */
static bool
key_before(const struct check *check, uint64_t a_item, uint64_t b_item)
{
    if (a_item >> 32 != b_item >> 32)
        return a_item < b_item;
    struct slice a = key_at(check, a_item), b = key_at(check, b_item);
    if (a.size != b.size)
        return a.size < b.size;
    int order = memcmp(a.data, b.data, a.size);
    return order ? order < 0 : a_item < b_item;
}

static void
sift_down(const struct check *check, uint64_t *heap, uint32_t root, uint32_t count)
{
    uint64_t moved = heap[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && key_before(check, heap[child], heap[child + 1]))
            child++;
        if (!key_before(check, moved, heap[child]))
            break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

/* Heapsort: in place, without recursion, n log n whatever the keys are. */
static void
sort_keys(const struct check *check, uint64_t *keys, uint32_t count)
{
    for (uint32_t root = count / 2; root-- > 0;)
        sift_down(check, keys, root, count);
    for (uint32_t last = count; last-- > 1;) {
        uint64_t greatest = keys[0];
        keys[0] = keys[last];
        keys[last] = greatest;
        sift_down(check, keys, 0, last);
    }
}

/* The second one of a pair of equal keys, or NULL if all differ. */
static const uint8_t *
find_duplicate(const struct check *check, uint64_t *keys, uint32_t count)
{
    sort_keys(check, keys, count);
    for (uint32_t i = 1; i < count; i++)
        if (keys[i - 1] >> 32 == keys[i] >> 32 &&
            slice_equal(key_at(check, keys[i - 1]), key_at(check, keys[i])))
            return check->start + (uint32_t)keys[i];
    return NULL;
}

/* Decode a value that has passed, and return the place behind its head and body. */
static const uint8_t *
walk(const struct check *check, const uint8_t *at, struct head *head)
{
    assert(at < check->end);
    bool whole = format_head(at, check->end, head);
    assert(whole && head->kind != FORMAT_EXT && head->kind != FORMAT_UNUSED);
    bool has_bytes = head->kind == FORMAT_STR || head->kind == FORMAT_BIN;
    return has_bytes ? head->next + head->number : head->next;
}

static void
keys_add(struct key_list *keys, const struct check *check, const uint8_t *at)
{
    assert(keys->count < KEY_COUNT_MAX);
    uint64_t offset = (uint64_t)(at - check->start);
    keys->item[keys->count++] = key_print(key_at(check, offset)) << 32 | offset;
}

/* Kept out of line for its frame, which the messages of every day do not need. */
static __attribute__((noinline)) const uint8_t *
check_large_maps(struct check *check)
{
    struct key_list keys; /* Not cleared. Those of open large maps, as a stack. */
    keys.count = 0;
    assert(check->depth == 0);

    struct head head;
    const uint8_t *at = walk(check, check->start, &head);
    push_level(check, &head, keys.count);
    while (check->depth > 0) {
        struct level *level = &check->level[check->depth - 1];
        if (level->left == 0) {
            uint64_t *own = keys.item + level->key_base;
            const uint8_t *second = find_duplicate(check, own, keys.count - level->key_base);
            if (second)
                return refuse(check, second, "duplicate key");
            keys.count = level->key_base;
            check->depth--;
            continue;
        }
        level->left--;
        if (level->is_map && !level->is_small)
            keys_add(&keys, check, at);
        if (level->is_map)
            at = walk(check, at, &head);
        at = walk(check, at, &head);
        if (head.kind == FORMAT_MAP || head.kind == FORMAT_ARRAY)
            push_level(check, &head, keys.count);
    }
    assert(at == check->end);
    return at;
}

bool
check_message(struct slice message, struct check_fault *fault)
{
    assert(fault);
    assert(message.data || message.size == 0);
    struct check check; /* Not cleared: the keys alone are 8 KiB. */
    check.start = message.data;
    check.end = message.size > 0 ? message.data + message.size : message.data;
    check.budget = KITH_NODE_COUNT_MAX - 1; /* the message's own map is one */
    check.depth = 0;
    check.key_count = 0;
    check.has_large_map = false;
    check.fault = fault;

    const uint8_t *end = check_all(&check);
    if (end && check.has_large_map)
        end = check_large_maps(&check);
    return end != NULL;
}

bool
check_utf8(struct slice text)
{
    return utf8_valid_size(text) == text.size;
}
