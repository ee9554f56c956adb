#include "sim/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/writer.h"

const struct sim_op_row sim_ops[SIM_OP_COUNT] = {
#define X(id, name, args, weight) [SIM_##id] = {name, args, weight},
    SIM_OP_LIST(X)
#undef X
};

/* The second spelling is the same address to everybody. */
static const char *const contacts[CONTACT_COUNT][2] = {
    {"ann@example.com", " Ann@Example.COM "},
    {"ann+x@example.com", "ANN+X@example.com"},
    {"bob@example.com", "bob@EXAMPLE.com"},
    {"cy@b\xc3\xbc"
     "cher.example",
     "cy@xn--bcher-kva.example"},
    {"dee@example.org", "\tdee@example.org"},
    {"eve@example.net", "Eve@example.net"},
    {"fay@example.net", "FAY@example.net "},
    {"gus@example.net", "gus@example.NET"},
    {"crm:4711", "crm:4711"},
};

#define THIRTY    "thirty characters in one line."
#define TEN(text) text text text text text text text text text text

/* Case, punctuation, blanks and digits make no difference to a print. */
const struct note notes[NOTE_COUNT] = {
    {"hello", 5, 1, true},
    {"we met at the conference in Ghent last week", 43, 2, false},
    {"We met at the CONFERENCE,  in Ghent: last week!", 47, 2, false},
    {"Your talk about hash tables was the best of the day, thank you!", 63, 3, false},
    {"call 555 0100", 13, 4, true},
    {"Call 555-0199!", 14, 4, true},
    {TEN(THIRTY), 300, 5, false},
    {TEN(THIRTY) "!", 301, 5, false},
};

static enum kith_op
op_of(enum sim_op op)
{
    return kith_op_find(sim_ops[op].name, strlen(sim_ops[op].name));
}

bool
sim_op_exists(enum sim_op op)
{
    return op_of(op) != KITH_OP_COUNT;
}

bool
sim_op_takes(enum sim_op op, const char *arg)
{
    return sim_op_exists(op) && kith_arg_find(op_of(op), arg, strlen(arg)) != KITH_ARG_COUNT;
}

void
command_init(struct command *command, enum sim_op op)
{
    *command = (struct command){
        .op = op,
        .a = NOBODY,
        .b = NOBODY,
        .contact = ABSENT,
        .proof = ABSENT,
        .block = ABSENT,
        .updates = ABSENT,
        .messages = ABSENT,
        .level = ABSENT,
        .ttl_ms = ABSENT,
        .until_ms = ABSENT,
        .max_uses = ABSENT,
        .policy.auto_accept = ABSENT,
    };
}

bool
command_names_two(const struct command *command)
{
    const char *args = sim_ops[command->op].args;
    return strstr(args, "member other") || strstr(args, "from to");
}

const char *
member_name(int member)
{
    static const char *const names[] = {
        "m0",  "m1",  "m2",  "m3",  "m4",  "m5",  "m6",  "m7",  "m8",  "m9",  "m10",
        "m11", "m12", "m13", "m14", "m15", "m16", "m17", "m18", "m19", "m20", "m21",
        "m22", "m23", "m24", "m25", "m26", "m27", "m28", "m29", "m30", "m31",
    };
    if (member == NOBODY)
        return "nobody";
    assert(member >= 0 && (unsigned)member < ARRAY_COUNT(names));
    return names[member];
}

int
member_find(struct slice id)
{
    char text[4] = "";
    if (id.size < 2 || id.size > 3 || id.data[0] != 'm')
        return NOBODY;
    memcpy(text, id.data + 1, id.size - 1);
    return (int)strtol(text, NULL, 10);
}

const char *
contact_text(int contact, int spelling)
{
    assert(contact >= 0 && contact < CONTACT_COUNT);
    return contacts[contact][spelling != 0];
}

/* --- arguments: each writes its value, or says that it is not given -------------------------- */

static bool
write_text(struct buf *out, const char *text)
{
    if (text && text[0])
        write_cstr(out, text);
    return text && text[0];
}

static bool
write_number(struct buf *out, int64_t number)
{
    if (number != ABSENT)
        write_int(out, number);
    return number != ABSENT;
}

static bool
write_truth(struct buf *out, int truth)
{
    if (truth != ABSENT)
        write_bool(out, truth);
    return truth != ABSENT;
}

static bool
write_contact(struct buf *out, int contact, int spelling)
{
    if (contact == ABSENT)
        return false;
    write_map(out, 2);
    write_cstr(out, "kind");
    write_cstr(out, contact == CONTACT_OPAQUE ? "opaque" : "email");
    write_cstr(out, "value");
    write_cstr(out, contact_text(contact, spelling));
    return true;
}

static bool
write_contacts(struct buf *out, const struct command *command)
{
    if (command->contact != ABSENT)
        write_array(out, 1);
    return write_contact(out, command->contact, command->spelling);
}

static bool
write_policy(struct buf *out, const struct policy *policy)
{
    bool has_auto = policy->auto_accept != ABSENT;
    if (!policy->accept && !has_auto)
        return false;
    write_map(out, (policy->accept != NULL) + has_auto);
    if (policy->accept) {
        write_cstr(out, "accept");
        write_cstr(out, policy->accept);
    }
    if (has_auto)
        write_cstr(out, "auto_accept");
    if (policy->auto_accept > 0)
        write_int(out, policy->auto_accept);
    else if (has_auto)
        write_cstr(out, policy->auto_accept == AUTO_ALL ? "all" : "none");
    return true;
}

static bool
write_pairs(struct buf *out, const struct command *command)
{
    write_array(out, command->pair_count);
    for (unsigned i = 0; i < command->pair_count; i++) {
        write_array(out, 2);
        write_cstr(out, member_name(command->pairs[i][0]));
        write_cstr(out, member_name(command->pairs[i][1]));
    }
    return true;
}

static bool
write_word(struct buf *out, const struct command *command, struct slice name)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {"name", command->name},
        {"tier", command->tier},
        {"note", command->note ? command->note->text : NULL},
        {"request", command->request},
        {"token", command->token},
        {"claim", command->claim},
        {"via", command->via},
        {"kind", command->kind},
        {"mode", command->mode},
        {"label", command->label},
        {"delivery", command->delivery},
        {"invite", command->invite},
        {"queue", command->queue},
        {"reason", command->reason},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(texts); i++)
        if (slice_is(name, texts[i].name))
            return write_text(out, texts[i].value);
    return false;
}

/* A member who is optional and not given is NOBODY; else that is one whom nobody knows. */
static bool
write_value(struct buf *out, const struct command *command, struct slice name)
{
    if (command->op == SIM_SUPPRESS && slice_is(name, "member") && command->a == NOBODY)
        return false;
    if (slice_is(name, "member") || slice_is(name, "from"))
        return write_text(out, member_name(command->a));
    if (slice_is(name, "other") || slice_is(name, "to"))
        return write_text(out, member_name(command->b));
    if (slice_is(name, "contact"))
        return write_contact(out, command->contact, command->spelling);
    if (slice_is(name, "contacts"))
        return write_contacts(out, command);
    if (slice_is(name, "proof"))
        return write_contact(out, command->proof, 0);
    if (slice_is(name, "pairs"))
        return write_pairs(out, command);
    if (slice_is(name, "policy"))
        return write_policy(out, &command->policy);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"ms", command->ms},
                   {"ttl_ms", command->ttl_ms},
                   {"until", command->until_ms},
                   {"level", command->level},
                   {"max_uses", command->max_uses}};
    for (unsigned i = 0; i < ARRAY_COUNT(numbers); i++)
        if (slice_is(name, numbers[i].name))
            return write_number(out, numbers[i].value);
    if (slice_is(name, "block"))
        return write_truth(out, command->block);
    if (slice_is(name, "updates"))
        return write_truth(out, command->updates);
    if (slice_is(name, "messages"))
        return write_truth(out, command->messages);
    return write_word(out, command, name);
}

static void
write_args(struct buf *out, const struct command *command)
{
    const char *word = sim_ops[command->op].args;
    size_t place = write_open_map(out);
    uint32_t count = 0;

    for (size_t size; *word; word += size + (word[size] == ' ')) {
        size = strcspn(word, " ");
        struct slice name = slice_of(word, word[size - 1] == '?' ? size - 1 : size);
        size_t start = out->size;
        write_str(out, name);
        if (write_value(out, command, name))
            count++;
        else
            out->size = start;
    }
    write_close_map(out, place, count);
}

void
command_write_body(struct buf *out, const struct command *command)
{
    write_cstr(out, "op");
    write_cstr(out, sim_ops[command->op].name);
    write_cstr(out, "args");
    write_args(out, command);
}

void
command_write_preview(struct buf *out, const struct command *command)
{
    write_map(out, 3);
    write_cstr(out, "v");
    write_uint(out, KITH_PROTOCOL_VERSION);
    write_cstr(out, "op");
    write_cstr(out, "connection.preview");
    write_cstr(out, "args");
    write_args(out, command);
}

void
command_write(struct buf *out, const struct command *command, bool in_batch)
{
    write_map(out, in_batch ? 3 : 4);
    if (!in_batch) {
        write_cstr(out, "v");
        write_uint(out, KITH_PROTOCOL_VERSION);
    }
    write_cstr(out, "id");
    write_cstr(out, command->id);
    command_write_body(out, command);
}
