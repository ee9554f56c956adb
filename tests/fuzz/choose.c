#include "fuzz/choose.h"

#include <stdio.h>

#include "base/assert.h"
#include "codec/reader.h"
#include "codec/writer.h"

/* The first ones are members of the beginning, the last one nobody's id. */
static const char *const members[] = {"m0", "m1", "m2", "m3", "m4", "m5", "n0", "n1", "nobody"};
#define BEGIN_MEMBERS 6

static const char *const contacts[][2] = {
    {"email", "m0@example.com"},  {"email", "m1@example.com"},    {"email", "New@Example.COM "},
    {"email", "two@example.org"}, {"phone", "+49 (30) 123-4567"}, {"opaque", "x"},
    {"email", "not an address"},
};

static const char *const texts[] = {
    "a",
    "hello",
    "we met at the conference in Ghent last week",
    "free",
    "premium",
    "unlimited",
    "connection.",
    "m",
    "w1",
    "\xc3\xbc\xe2\x80\x8d\xf0\x9f\x91\xa9",
    "http://a.example/1",
};

static const uint64_t numbers[] = {
    0,
    1,
    2,
    3,
    5,
    24,
    25,
    26,
    100,
    500,
    501,
    1000,
    3600000,
    86400000,
    604800000,
    INT64_C(1750000000000),
    UINT32_MAX,
    KITH_INT_MAX - 1,
    KITH_INT_MAX,
};

/* Around the borders of burst, hour, day, week, cooldown, ttl. */
static const int64_t times_ms[] = {
    1,        1000,      6000,      60000,      3599999,    3600000,     86399999,
    86400000, 259200000, 604800000, 1814400000, 2592000000, 15552000000,
};

void
choose_init(struct choose *choose, const uint8_t *data, size_t size)
{
    *choose = (struct choose){.left = slice_of(data, size)};
}

bool
choose_more(const struct choose *choose)
{
    return choose->left.size > 0;
}

static unsigned
next(struct choose *choose)
{
    if (choose->left.size == 0)
        return 0;
    choose->left.size--;
    return *choose->left.data++;
}

/* A number below @count. */
static unsigned
pick(struct choose *choose, size_t count)
{
    return next(choose) % (unsigned)count;
}

int64_t
choose_time(struct choose *choose)
{
    unsigned byte = next(choose);
    return byte < 200 ? 0 : times_ms[byte % ARRAY_COUNT(times_ms)];
}

/* --- values ---------------------------------------------------------------------------------- */

static void
write_member(struct choose *choose, struct buf *out)
{
    write_cstr(out, members[pick(choose, ARRAY_COUNT(members))]);
}

static void
write_members(struct choose *choose, struct buf *out)
{
    unsigned count = pick(choose, 5);
    write_array(out, count);
    while (count-- > 0)
        write_member(choose, out);
}

static void
write_contact(struct choose *choose, struct buf *out)
{
    unsigned which = pick(choose, ARRAY_COUNT(contacts));
    write_map(out, 2);
    write_cstr(out, "kind");
    write_cstr(out, contacts[which][0]);
    write_cstr(out, "value");
    write_cstr(out, contacts[which][1]);
}

static void
write_contacts(struct choose *choose, struct buf *out)
{
    unsigned count = pick(choose, 4);
    write_array(out, count);
    while (count-- > 0)
        write_contact(choose, out);
}

/* Something that was told earlier, one of ours, or bytes of the input as they are. */
static void
write_text(struct choose *choose, struct buf *out)
{
    unsigned byte = next(choose);
    if (byte < 128 && choose->word_count > 0) {
        unsigned known =
            choose->word_count < CHOOSE_WORD_COUNT ? choose->word_count : CHOOSE_WORD_COUNT;
        write_cstr(out, choose->words[byte % known]);
    } else if (byte < 240) {
        write_cstr(out, texts[byte % ARRAY_COUNT(texts)]);
    } else {
        size_t size = byte - 240u < choose->left.size ? byte - 240u : choose->left.size;
        write_str(out, slice_of(choose->left.data, size));
        choose->left.data += size;
        choose->left.size -= size;
    }
}

static void
write_texts(struct choose *choose, struct buf *out)
{
    unsigned count = pick(choose, 4);
    write_array(out, count);
    while (count-- > 0)
        write_text(choose, out);
}

static void
write_number(struct choose *choose, struct buf *out)
{
    write_uint(out, numbers[pick(choose, ARRAY_COUNT(numbers))]);
}

/* Within its bounds, mostly: a command that is refused at the door tells little. */
static void
write_bounded(struct choose *choose, const struct kith_arg_row *row, struct buf *out)
{
    uint64_t number = numbers[pick(choose, ARRAY_COUNT(numbers))];
    if (next(choose) < 240)
        number = number < row->min ? row->min : number > row->max ? row->max : number;
    write_uint(out, number);
}

static void
write_numbers(struct choose *choose, struct buf *out)
{
    unsigned count = pick(choose, 6);
    write_array(out, count);
    while (count-- > 0)
        write_uint(out, next(choose));
}

static void
write_word(struct choose *choose, const char *words, struct buf *out)
{
    unsigned count = 1;
    for (const char *at = words; *at; at++)
        count += *at == ' ';
    for (unsigned skip = pick(choose, count); skip > 0; skip--)
        words = strchr(words, ' ') + 1;
    write_str(out, slice_of(words, strcspn(words, " ")));
}

static void
write_pairs(struct choose *choose, struct buf *out)
{
    unsigned count = pick(choose, 8);
    write_array(out, count);
    while (count-- > 0) {
        write_array(out, 2);
        write_member(choose, out);
        write_member(choose, out);
    }
}

static void
write_policy(struct choose *choose, struct buf *out)
{
    unsigned byte = next(choose);
    write_map(out, (byte & 1) + (byte >> 1 & 1));
    if (byte & 1) {
        write_cstr(out, "accept");
        write_word(choose, "everyone proof mutual nobody", out);
    }
    if (byte & 2)
        write_cstr(out, "auto_accept");
    if ((byte & 6) == 6)
        write_uint(out, byte >> 3 & 3);
    else if (byte & 2)
        write_word(choose, "none all", out);
}

static void
write_hints(struct choose *choose, struct buf *out)
{
    write_map(out, 3);
    write_cstr(out, "viewed_profile");
    write_bool(out, next(choose) & 1);
    write_cstr(out, "shared_interests");
    write_texts(choose, out);
    write_cstr(out, "recipient_last_seen");
    write_number(choose, out);
}

static void
write_value(struct choose *choose, const struct kith_arg_row *row, struct buf *out)
{
    switch (row->type) {
    case KITH_TYPE_MEMBER:
        write_member(choose, out);
        break;
    case KITH_TYPE_STR:
    case KITH_TYPE_FORBIDDEN:
        write_text(choose, out);
        break;
    case KITH_TYPE_UINT:
        write_bounded(choose, row, out);
        break;
    case KITH_TYPE_BOOL:
        write_bool(out, next(choose) & 1);
        break;
    case KITH_TYPE_CHOICE:
        write_word(choose, row->choices, out);
        break;
    case KITH_TYPE_MEMBERS:
        write_members(choose, out);
        break;
    case KITH_TYPE_UINTS:
        write_numbers(choose, out);
        break;
    case KITH_TYPE_STRS:
        write_texts(choose, out);
        break;
    case KITH_TYPE_PAIRS:
        write_pairs(choose, out);
        break;
    case KITH_TYPE_CONTACT:
        write_contact(choose, out);
        break;
    case KITH_TYPE_CONTACTS:
        write_contacts(choose, out);
        break;
    case KITH_TYPE_POLICY:
        write_policy(choose, out);
        break;
    case KITH_TYPE_HINTS:
        write_hints(choose, out);
        break;
    }
}

/* --- messages -------------------------------------------------------------------------------- */

/* Those that must be there, and of the others every second one. */
static void
write_args(struct choose *choose, const struct kith_op_row *op, struct buf *out)
{
    uint64_t taken = op->required;
    for (uint64_t left = op->optional; left; left &= left - 1)
        if (next(choose) & 1)
            taken |= left & -left;
    write_map(out, (uint32_t)__builtin_popcountll(taken));
    for (; taken; taken &= taken - 1) {
        const struct kith_arg_row *arg = &kith_args[__builtin_ctzll(taken)];
        write_str(out, slice_of(arg->name, arg->name_size));
        write_value(choose, arg, out);
    }
}

void
choose_message(struct choose *choose, struct buf *out, struct choice *choice)
{
    buf_clear(out);
    /* Now and then an earlier id: the same command, or, more likely, another. */
    unsigned number = ++choose->number, back = next(choose);
    if (back >= 250 && number > back - 249)
        number -= back - 249;
    choice->op = pick(choose, KITH_OP_COUNT);
    snprintf(choice->id, sizeof(choice->id), "c%u", number);

    write_map(out, 4);
    write_cstr(out, "v");
    write_uint(out, KITH_PROTOCOL_VERSION);
    write_cstr(out, "op");
    write_cstr(out, kith_ops[choice->op].name);
    write_cstr(out, "id");
    write_cstr(out, choice->id);
    write_cstr(out, "args");
    write_args(choose, &kith_ops[choice->op], out);
    assert(!out->failed);
}

static bool
is_learnt(struct slice key)
{
    return slice_is(key, "request") || slice_is(key, "invite") || slice_is(key, "token") ||
           slice_is(key, "claim") || slice_is(key, "next");
}

void
choose_learn(struct choose *choose, struct slice result)
{
    struct reader reader;
    reader_init(&reader, result);
    if (reader_peek(&reader) != READER_MAP)
        return;
    for (uint32_t count = reader_map(&reader); count > 0 && !reader.bad; count--) {
        struct slice key = reader_str(&reader);
        if (!is_learnt(key) || reader_peek(&reader) != READER_STR) {
            reader_skip(&reader);
            continue;
        }
        struct slice text = reader_str(&reader);
        char *word = choose->words[choose->word_count++ % CHOOSE_WORD_COUNT];
        if (text.size <= KITH_TOKEN_SIZE_MAX) {
            memcpy(word, text.data, text.size);
            word[text.size] = 0;
        }
    }
}

/* --- the beginning, and a look at it --------------------------------------------------------- */

struct line {
    const char *op, *first, *first_value, *second, *second_value;
};

static const struct line beginning[] = {
    {"member.register", "member", "m0", "tier", "unlimited"},
    {"member.register", "member", "m1", "name", "Ann"},
    {"member.register", "member", "m2", "tier", "premium"},
    {"member.register", "member", "m3", "name", "Cy"},
    {"member.register", "member", "m4", NULL, NULL},
    {"member.register", "member", "m5", NULL, NULL},
    {"connection.request", "from", "m0", "to", "m1"},
    {"connection.accept", "member", "m1", "other", "m0"},
    {"connection.request", "from", "m0", "to", "m2"},
    {"connection.accept", "member", "m2", "other", "m0"},
    {"connection.request", "from", "m1", "to", "m2"},
    {"connection.request", "from", "m0", "to", "m3"},
    {"connection.decline", "member", "m3", "other", "m0"},
    {"connection.request", "from", "m3", "to", "m4"},
    {"member.block", "member", "m4", "other", "m3"},
    {"member.preapprove", "member", "m5", "other", "m4"},
    {"invite.link", "member", "m0", NULL, NULL},
};

static const struct line sights[] = {
    {"member.list", NULL, NULL, NULL, NULL},
    {"event.read", NULL, NULL, NULL, NULL},
    {"cursor.list", NULL, NULL, NULL, NULL},
    {"connection.mutuals", "viewer", "m1", "other", "m2"},
    {"connection.path", "viewer", "m1", "other", "m5"},
};

/* Asked of every member of the beginning; suggestions are left out, since each takes milliseconds.
 */
static const char *const questions[] = {
    "member.get",          "member.blocks",       "member.preapprovals", "connection.list",
    "connection.incoming", "connection.outgoing", "connection.counts",   "quota.get",
    "invite.list",         "invite.tree",
};

static void
write_line(const struct line *line, const char *id, struct buf *out)
{
    buf_clear(out);
    write_map(out, 4);
    write_cstr(out, "v");
    write_uint(out, KITH_PROTOCOL_VERSION);
    write_cstr(out, "op");
    write_cstr(out, line->op);
    write_cstr(out, "id");
    write_cstr(out, id);
    write_cstr(out, "args");
    write_map(out, (line->first != NULL) + (line->second != NULL));
    if (line->first) {
        write_cstr(out, line->first);
        write_cstr(out, line->first_value);
    }
    if (line->second) {
        write_cstr(out, line->second);
        write_cstr(out, line->second_value);
    }
}

bool
choose_begin(unsigned number, struct buf *out)
{
    char id[16];
    if (number >= ARRAY_COUNT(beginning))
        return false;
    snprintf(id, sizeof(id), "begin%u", number);
    write_line(&beginning[number], id, out);
    return true;
}

bool
choose_look(unsigned number, struct buf *out)
{
    if (number < ARRAY_COUNT(sights)) {
        write_line(&sights[number], "look", out);
        return true;
    }
    number -= ARRAY_COUNT(sights);
    if (number >= ARRAY_COUNT(questions) * BEGIN_MEMBERS)
        return false;
    const struct line line = {.op = questions[number / BEGIN_MEMBERS],
                              .first = "member",
                              .first_value = members[number % BEGIN_MEMBERS]};
    write_line(&line, "look", out);
    return true;
}
