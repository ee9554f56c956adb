#include "core/args.h"

#include <stdio.h>

#include "base/assert.h"

static bool
fail(struct args_fault *fault, enum kith_arg arg, const char *what)
{
    fault->field = slice_str(kith_args[arg].name);
    snprintf(fault->text, sizeof(fault->text), "`%s` must be %s", kith_args[arg].name, what);
    return false;
}

static bool
fail_size(struct args_fault *fault, enum kith_arg arg)
{
    char what[64];
    snprintf(what, sizeof(what), "a string of %llu to %llu bytes",
             (unsigned long long)kith_args[arg].min, (unsigned long long)kith_args[arg].max);
    return fail(fault, arg, what);
}

static bool
is_member(struct slice text)
{
    if (text.size < 1 || text.size > KITH_MEMBER_SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}

static const char member_rule[] = "a string of 1 to 64 bytes without control characters";

static bool
take_member(struct reader *reader, enum kith_arg arg, union arg_value *out,
            struct args_fault *fault)
{
    out->text = reader_str(reader);
    if (reader->bad || !is_member(out->text))
        return fail(fault, arg, member_rule);
    return true;
}

static bool
take_str(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    out->text = reader_str(reader);
    if (reader->bad || out->text.size < kith_args[arg].min || out->text.size > kith_args[arg].max)
        return fail_size(fault, arg);
    return true;
}

static bool
take_uint(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    char what[64];
    out->number = reader_uint(reader);
    if (!reader->bad && out->number >= kith_args[arg].min && out->number <= kith_args[arg].max)
        return true;
    snprintf(what, sizeof(what), "an integer from %llu to %llu",
             (unsigned long long)kith_args[arg].min, (unsigned long long)kith_args[arg].max);
    return fail(fault, arg, what);
}

static bool
take_bool(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    out->truth = reader_bool(reader);
    if (!reader->bad)
        return true;
    return fail(fault, arg, "true or false");
}

static bool
take_choice(struct reader *reader, enum kith_arg arg, union arg_value *out,
            struct args_fault *fault)
{
    char what[96];
    out->text = reader_str(reader);
    const char *word = kith_args[arg].choices;
    while (!reader->bad && *word) {
        size_t size = strcspn(word, " ");
        if (slice_equal(out->text, slice_of(word, size)))
            return true;
        word += size + (word[size] == ' ');
    }
    snprintf(what, sizeof(what), "one of: %s", kith_args[arg].choices);
    return fail(fault, arg, what);
}

/* An array of min to max strings, each of which @fits; what is no string is absent, and never does.
 */
static bool
take_array(struct reader *reader, enum kith_arg arg, bool fits(struct slice), const char *each,
           union arg_value *out, struct args_fault *fault)
{
    char what[128];
    const uint8_t *start = reader->at;
    uint32_t count = reader_array(reader);
    bool good = !reader->bad && count >= kith_args[arg].min && count <= kith_args[arg].max;
    for (uint32_t i = 0; i < count && good; i++)
        good = fits(reader_str(reader));
    if (good) {
        out->raw = slice_of(start, (size_t)(reader->at - start));
        return true;
    }
    snprintf(what, sizeof(what), "an array of %llu to %llu, each %s",
             (unsigned long long)kith_args[arg].min, (unsigned long long)kith_args[arg].max, each);
    return fail(fault, arg, what);
}

static bool
is_short(struct slice text)
{
    return text.data && text.size >= 1 && text.size <= 64;
}

static bool
take_members(struct reader *reader, enum kith_arg arg, union arg_value *out,
             struct args_fault *fault)
{
    return take_array(reader, arg, is_member, member_rule, out, fault);
}

static bool
take_strs(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    return take_array(reader, arg, is_short, "a string of 1 to 64 bytes", out, fault);
}

static bool
take_uints(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    char what[64];
    const uint8_t *start = reader->at;
    uint32_t count = reader_array(reader);
    bool good = !reader->bad && count >= kith_args[arg].min && count <= kith_args[arg].max;
    for (uint32_t i = 0; i < count && good; i++)
        good = reader_uint(reader) <= KITH_INT_MAX && !reader->bad;
    if (good) {
        out->raw = slice_of(start, (size_t)(reader->at - start));
        return true;
    }
    snprintf(what, sizeof(what), "an array of %llu to %llu integers",
             (unsigned long long)kith_args[arg].min, (unsigned long long)kith_args[arg].max);
    return fail(fault, arg, what);
}

static bool
take_pairs(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    const uint8_t *start = reader->at;
    uint32_t count = reader_array(reader);
    bool good = !reader->bad && count >= kith_args[arg].min && count <= kith_args[arg].max;
    for (uint32_t i = 0; i < count && good; i++)
        good = reader_array(reader) == 2 && is_member(reader_str(reader)) &&
               is_member(reader_str(reader));
    if (!good)
        return fail(fault, arg, "an array of 1 to 1000 pairs [member, member]");
    out->raw = slice_of(start, (size_t)(reader->at - start));
    return true;
}

struct contact_arg
args_next_contact(struct reader *reader)
{
    struct contact_arg contact = {{0}, {0}};
    uint32_t count = reader_map(reader);
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        struct slice key = reader_str(reader);
        if (slice_is(key, "kind"))
            contact.kind = reader_str(reader);
        else if (slice_is(key, "value"))
            contact.value = reader_str(reader);
        else
            reader->bad = true;
    }
    return contact;
}

static bool
is_contact(const struct contact_arg *contact)
{
    static const char *const kinds[] = {"email", "phone", "opaque"};
    if (contact->value.size < 1 || contact->value.size > KITH_CONTACT_SIZE_MAX)
        return false;
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if (slice_is(contact->kind, kinds[i]))
            return true;
    return false;
}

static const char contact_rule[] =
    "{kind: \"email\", \"phone\" or \"opaque\", value: string of 1 to 320 bytes}";

static bool
take_contact(struct reader *reader, enum kith_arg arg, union arg_value *out,
             struct args_fault *fault)
{
    out->contact = args_next_contact(reader);
    if (!reader->bad && is_contact(&out->contact))
        return true;
    return fail(fault, arg, contact_rule);
}

static bool
take_contacts(struct reader *reader, enum kith_arg arg, union arg_value *out,
              struct args_fault *fault)
{
    char what[128];
    const uint8_t *start = reader->at;
    uint32_t count = reader_array(reader);
    bool good = !reader->bad && count <= kith_args[arg].max;
    for (uint32_t i = 0; i < count && good; i++) {
        struct contact_arg contact = args_next_contact(reader);
        good = !reader->bad && is_contact(&contact);
    }
    if (good) {
        out->raw = slice_of(start, (size_t)(reader->at - start));
        return true;
    }
    snprintf(what, sizeof(what), "an array of at most 16 %s", contact_rule);
    return fail(fault, arg, what);
}

static void
take_auto_accept(struct reader *reader, union arg_value *out)
{
    if (reader_peek(reader) != READER_UINT) {
        out->policy.auto_word = reader_str(reader);
        reader->bad =
            !slice_is(out->policy.auto_word, "none") && !slice_is(out->policy.auto_word, "all");
        return;
    }
    out->policy.has_auto_count = true;
    out->policy.auto_count = reader_uint(reader);
    if (out->policy.auto_count < 1 || out->policy.auto_count > 1000)
        reader->bad = true;
}

static bool
take_policy(struct reader *reader, enum kith_arg arg, union arg_value *out,
            struct args_fault *fault)
{
    static const char *const words[] = {"everyone", "proof", "mutual", "nobody"};
    uint32_t count = reader_map(reader);
    memset(&out->policy, 0, sizeof(out->policy));
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        struct slice key = reader_str(reader);
        if (slice_is(key, "accept")) {
            bool known = false;
            out->policy.accept = reader_str(reader);
            for (unsigned k = 0; k < ARRAY_COUNT(words); k++)
                known = known || slice_is(out->policy.accept, words[k]);
            reader->bad = !known;
        } else if (slice_is(key, "auto_accept")) {
            take_auto_accept(reader, out);
        } else {
            reader->bad = true;
        }
    }
    if (!reader->bad)
        return true;
    return fail(fault, arg,
                "{accept: everyone, proof, mutual or nobody, auto_accept: none, all or 1 to 1000}");
}

static void
take_hint(struct reader *reader, struct slice key, union arg_value *out)
{
    if (slice_is(key, "viewed_profile")) {
        out->hints.profile_not_viewed = !reader_bool(reader);
    } else if (slice_is(key, "shared_interests")) {
        uint32_t count = reader_array(reader);
        reader->bad = reader->bad || count > KITH_INTEREST_COUNT_MAX;
        for (uint32_t i = 0; i < count && !reader->bad; i++)
            reader->bad = !is_short(reader_str(reader));
        out->hints.shares_interests = count > 0;
    } else if (slice_is(key, "recipient_last_seen")) {
        reader_uint(reader);
    } else {
        reader->bad = true;
    }
}

static bool
take_hints(struct reader *reader, enum kith_arg arg, union arg_value *out, struct args_fault *fault)
{
    uint32_t count = reader_map(reader);
    memset(&out->hints, 0, sizeof(out->hints));
    for (uint32_t i = 0; i < count && !reader->bad; i++)
        take_hint(reader, reader_str(reader), out);
    if (!reader->bad)
        return true;
    return fail(fault, arg,
                "{viewed_profile: bool, shared_interests: [string], recipient_last_seen: time}");
}

static bool
take_forbidden(struct reader *reader, enum kith_arg arg, union arg_value *out,
               struct args_fault *fault)
{
    (void)out;
    reader_skip(reader);
    fault->field = slice_str(kith_args[arg].name);
    fault->text[0] = 0;
    return false;
}

/* Take the next value, which must be of the argument's type, or say what it must be. */
typedef bool take_fn(struct reader *, enum kith_arg, union arg_value *, struct args_fault *);

static take_fn *const takers[] = {
    [KITH_TYPE_MEMBER] = take_member,     [KITH_TYPE_STR] = take_str,
    [KITH_TYPE_UINT] = take_uint,         [KITH_TYPE_BOOL] = take_bool,
    [KITH_TYPE_CHOICE] = take_choice,     [KITH_TYPE_MEMBERS] = take_members,
    [KITH_TYPE_UINTS] = take_uints,       [KITH_TYPE_STRS] = take_strs,
    [KITH_TYPE_PAIRS] = take_pairs,       [KITH_TYPE_CONTACT] = take_contact,
    [KITH_TYPE_CONTACTS] = take_contacts, [KITH_TYPE_POLICY] = take_policy,
    [KITH_TYPE_HINTS] = take_hints,       [KITH_TYPE_FORBIDDEN] = take_forbidden,
};

static enum kith_err
fail_unknown(struct slice name, enum kith_op op, struct args_fault *fault)
{
    /* The name is the caller's: cut, so that a long one does not bloat the reply. */
    fault->field = slice_of(name.data, name.size < 64 ? name.size : 64);
    while (fault->field.size > 0 && fault->field.size < name.size &&
           (name.data[fault->field.size] & 0xc0) == 0x80)
        fault->field.size--;
    snprintf(fault->text, sizeof(fault->text), "%s takes no such argument", kith_ops[op].name);
    return KITH_BAD_ARGUMENT;
}

static enum kith_err
fail_missing(uint64_t missing, struct args_fault *fault)
{
    enum kith_arg arg = (enum kith_arg)__builtin_ctzll(missing);
    fault->field = slice_str(kith_args[arg].name);
    snprintf(fault->text, sizeof(fault->text), "`%s` is missing", kith_args[arg].name);
    return KITH_BAD_ARGUMENT;
}

enum kith_err
args_decode(struct slice raw, enum kith_op op, struct args *out, struct args_fault *fault)
{
    assert(op < KITH_OP_COUNT);
    struct reader reader;
    out->given = 0;
    fault->text[0] = 0;

    reader_init(&reader, raw);
    uint32_t count = raw.data ? reader_map(&reader) : 0;
    if (reader.bad) {
        fault->field = slice_str("args");
        snprintf(fault->text, sizeof(fault->text), "`args` must be a map");
        return KITH_BAD_ARGUMENT;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = reader_str(&reader);
        enum kith_arg arg = kith_arg_find(op, (const char *)name.data, name.size);
        if (arg == KITH_ARG_COUNT)
            return fail_unknown(name, op, fault);
        if (!takers[kith_args[arg].type](&reader, arg, &out->value[arg], fault))
            return kith_args[arg].type == KITH_TYPE_FORBIDDEN ? KITH_NOTE_NOT_ALLOWED
                                                              : KITH_BAD_ARGUMENT;
        out->given |= UINT64_C(1) << arg;
    }
    uint64_t missing = kith_ops[op].required & ~out->given;
    return missing ? fail_missing(missing, fault) : KITH_OK;
}
