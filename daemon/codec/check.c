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
    const uint8_t *start, *at, *end;
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

static bool
refuse(const struct check *check, const uint8_t *where, const char *what)
{
    assert(where >= check->start && where <= check->end);
    check->fault->what = what;
    check->fault->offset = (size_t)(where - check->start);
    return false;
}

/* Decode the head of the next value and move behind it. */
static bool
take_head(struct check *check, struct head *head)
{
    if (check->at == check->end || !format_head(check->at, check->end, head))
        return refuse(check, check->at, "truncated");
    check->at = head->next;
    return true;
}

/* The body of a str, bin or ext. */
static bool
take_body(struct check *check, const struct head *head, struct slice *body)
{
    if (head->number > (size_t)(check->end - check->at))
        return refuse(check, check->at, "truncated");
    *body = slice_of(check->at, head->number);
    check->at += head->number;
    return true;
}

static bool
take_text(struct check *check, const struct head *head, struct slice *text)
{
    if (!take_body(check, head, text))
        return false;
    size_t valid = utf8_valid_size(*text);
    return valid == text->size || refuse(check, text->data + valid, "invalid UTF-8");
}

/* Open a container. What it announces is paid for at once, so that the sum over all headers, not
 * only each of them, is bounded before anything is looped over. */
static bool
enter(struct check *check, const struct head *head, const uint8_t *where)
{
    bool is_map = head->kind == FORMAT_MAP;
    uint64_t node_count = head->number << is_map;

    if (check->depth == KITH_NESTING_MAX)
        return refuse(check, where, "nested too deeply");
    if (node_count > (size_t)(check->end - check->at))
        return refuse(check, where, "truncated");
    if (node_count > check->budget)
        return refuse(check, where, "too many values");
    check->budget -= (uint32_t)node_count;

    bool is_small = is_map && head->number <= SMALL_PAIRS_MAX;
    check->has_large_map |= is_map && !is_small;
    check->level[check->depth++] = (struct level){
        .left = (uint32_t)head->number,
        .key_base = check->key_count,
        .is_map = is_map,
        .is_small = is_small,
    };
    return true;
}

static void
leave(struct check *check)
{
    assert(check->depth > 0);
    check->key_count = check->level[--check->depth].key_base;
}

static bool
is_new_key(struct check *check, const struct level *level, struct slice key)
{
    for (uint32_t i = level->key_base; i < check->key_count; i++)
        if (slice_equal(check->key[i], key))
            return false;
    assert(check->key_count < ARRAY_COUNT(check->key));
    check->key[check->key_count++] = key;
    return true;
}

static bool
check_key(struct check *check, const struct level *level)
{
    const uint8_t *where = check->at;
    struct head head;
    struct slice key;

    if (!take_head(check, &head))
        return false;
    if (head.kind != FORMAT_STR)
        return refuse(check, where, "a key that is not a string");
    if (!take_text(check, &head, &key))
        return false;
    if (level->is_small && !is_new_key(check, level, key))
        return refuse(check, where, "duplicate key");
    return true;
}

static bool
check_value(struct check *check)
{
    const uint8_t *where = check->at;
    struct head head;
    struct slice body;

    if (!take_head(check, &head))
        return false;
    switch (head.kind) {
    case FORMAT_NIL:
    case FORMAT_BOOL:
    case FORMAT_UINT:
    case FORMAT_INT:
    case FORMAT_FLOAT:
        return true;
    case FORMAT_STR:
        return take_text(check, &head, &body);
    case FORMAT_BIN:
        return take_body(check, &head, &body);
    case FORMAT_ARRAY:
    case FORMAT_MAP:
        return enter(check, &head, where);
    case FORMAT_EXT:
        return refuse(check, where, "an extension type");
    case FORMAT_UNUSED:
        break;
    }
    return refuse(check, where, "the unused byte 0xc1");
}

/* All of one map and what it contains, without recursion. */
static bool
check_root(struct check *check)
{
    struct head head;
    if (!take_head(check, &head))
        return false;
    if (head.kind != FORMAT_MAP)
        return refuse(check, check->start, "not a map");
    if (!enter(check, &head, check->start))
        return false;

    while (check->depth > 0) {
        struct level *level = &check->level[check->depth - 1];
        if (level->left == 0) {
            leave(check);
            continue;
        }
        level->left--;
        if (level->is_map && !check_key(check, level))
            return false;
        if (!check_value(check))
            return false;
    }
    return check->at == check->end || refuse(check, check->at, "bytes behind the message");
}

/* ---- Duplicate keys in large maps -------------------------------------------------------------
 *
 * A hash set can be made quadratic by who knows the hash, and a secret one would make the check
 * depend on more than the message. Sorting has no bad case: the keys of a large map are sorted by
 * size and bytes where it ends, and equal ones are neighbours. This is a second walk, over bytes
 * that have passed the first. */

struct key_list {
    uint32_t count;
    uint32_t offset[KEY_COUNT_MAX]; /* of each key's head; 128 KiB, and all the memory needed */
};

static struct slice
key_at(const struct check *check, uint32_t offset)
{
    struct head head;
    bool whole = format_head(check->start + offset, check->end, &head);
    assert(whole && head.kind == FORMAT_STR);
    return slice_of(head.next, head.number);
}

/* Like memcmp: by size, then by bytes. Equal keys in the order of their places. */
static int
key_compare(const struct check *check, uint32_t a_offset, uint32_t b_offset)
{
    struct slice a = key_at(check, a_offset), b = key_at(check, b_offset);
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    int order = memcmp(a.data, b.data, a.size);
    return order ? order : (a_offset > b_offset) - (a_offset < b_offset);
}

static void
sift_down(const struct check *check, uint32_t *heap, uint32_t root, uint32_t count)
{
    uint32_t moved = heap[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && key_compare(check, heap[child], heap[child + 1]) < 0)
            child++;
        if (key_compare(check, moved, heap[child]) >= 0)
            break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

/* Heapsort: in place, without recursion, n log n whatever the keys are. */
static void
sort_keys(const struct check *check, uint32_t *keys, uint32_t count)
{
    for (uint32_t root = count / 2; root-- > 0;)
        sift_down(check, keys, root, count);
    for (uint32_t last = count; last-- > 1;) {
        uint32_t greatest = keys[0];
        keys[0] = keys[last];
        keys[last] = greatest;
        sift_down(check, keys, 0, last);
    }
}

static bool
keys_differ(const struct check *check, uint32_t *keys, uint32_t count)
{
    sort_keys(check, keys, count);
    for (uint32_t i = 1; i < count; i++)
        if (slice_equal(key_at(check, keys[i - 1]), key_at(check, keys[i])))
            return refuse(check, check->start + keys[i], "duplicate key");
    return true;
}

/* Move behind the next value's head and body; the message has passed check_root(). */
static struct head
walk(struct check *check)
{
    struct head head;
    bool whole = format_head(check->at, check->end, &head);
    assert(whole && head.kind != FORMAT_EXT && head.kind != FORMAT_UNUSED);
    check->at = head.next;
    if (head.kind == FORMAT_STR || head.kind == FORMAT_BIN)
        check->at += head.number;
    return head;
}

static void
walk_into(struct check *check, const struct head *head, uint32_t key_base)
{
    if (head->kind != FORMAT_MAP && head->kind != FORMAT_ARRAY)
        return;
    assert(check->depth < KITH_NESTING_MAX);
    check->level[check->depth++] = (struct level){
        .left = (uint32_t)head->number,
        .key_base = key_base,
        .is_map = head->kind == FORMAT_MAP,
        .is_small = head->number <= SMALL_PAIRS_MAX,
    };
}

/* Kept out of line for its frame, which the messages of every day do not need. */
static __attribute__((noinline)) bool
check_large_maps(struct check *check)
{
    struct key_list keys;
    keys.count = 0;
    assert(check->at == check->end && check->depth == 0);

    check->at = check->start;
    struct head head = walk(check);
    walk_into(check, &head, keys.count);
    while (check->depth > 0) {
        struct level *level = &check->level[check->depth - 1];
        bool is_large = level->is_map && !level->is_small;
        if (level->left == 0) {
            uint32_t *own = keys.offset + level->key_base;
            if (is_large && !keys_differ(check, own, keys.count - level->key_base))
                return false;
            keys.count = level->key_base;
            check->depth--;
            continue;
        }
        level->left--;
        if (is_large) {
            assert(keys.count < KEY_COUNT_MAX);
            keys.offset[keys.count++] = (uint32_t)(check->at - check->start);
        }
        if (level->is_map)
            walk(check);
        head = walk(check);
        walk_into(check, &head, keys.count);
    }
    return true;
}

bool
check_message(struct slice message, struct check_fault *fault)
{
    assert(fault);
    struct check check; /* Not cleared: the keys alone are 8 KiB. */
    check.start = check.at = message.data;
    check.end = message.size > 0 ? message.data + message.size : message.data;
    check.budget = KITH_NODE_COUNT_MAX - 1; /* the message's own map is one */
    check.depth = 0;
    check.key_count = 0;
    check.has_large_map = false;
    check.fault = fault;

    if (message.size == 0)
        return refuse(&check, check.at, "empty");
    if (message.size > UINT32_MAX)
        return refuse(&check, check.at, "too large");
    return check_root(&check) && (!check.has_large_map || check_large_maps(&check));
}

bool
check_utf8(struct slice text)
{
    return utf8_valid_size(text) == text.size;
}
