/* Members: registration, profile, contacts, state, restriction. */
#include "facts.h"

/* Every row is about ada; decide gets the row. */
struct row {
    const char *name;
    struct member member;
    bool unknown;
    struct profile profile;
    bool name_is_same;
    bool owned; /* the contact is verified: */
    uint64_t owner;
    uint64_t level;
    msec_t until_ms;
    const char *events, *answer;
};

typedef enum kith_err decide_fn(const struct row *, const struct member *);

static void
run(decide_fn *decide, const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct member member = rows[i].member;
        facts_member(&member, "ada", 1, rows[i].unknown);
        facts_begin();
        enum kith_err err = decide(&rows[i], &member);
        expect_decision(rows[i].name, err, rows[i].events, rows[i].answer);
    }
    expect_rows();
}

#define RUN(decide, rows) run(decide, rows, ARRAY_COUNT(rows))

/* --- profile --------------------------------------------------------------------------------- */

static enum kith_err
register_it(const struct row *row, const struct member *member)
{
    struct register_facts facts = {.member = *member, .profile = row->profile};
    return decide_register(&facts, &rules, &decision);
}

static void
test_register(void **state)
{
    (void)state;
    const char *there = "ok {existing: true}", *new = "ok {existing: false}";
    const struct row rows[] = {
        {"new", .unknown = true, .events = "member.registered member:ada audience:member",
         .answer = new},
        {"with all there is", .unknown = true,
         .profile = {.name = slice_str("Ada L."),
                     .tier = slice_str("premium"),
                     .accept = ACCEPT_PROOF,
                     .auto_accept = AUTO_ALL,
                     .interests = slice_str("\x91\xa1x")},
         .events = "member.registered member:ada tier:premium name:'Ada L.' audience:member "
                   "accept:proof auto_accept:2 interests:(3)",
         .answer = new},
        {"in a tier that is not there", .unknown = true, .profile.tier = slice_str("gold"),
         .answer = "bad_argument {field: tier}"},
        {"again", .answer = there},
        {"again, otherwise: nothing changes", .profile.tier = slice_str("premium"),
         .answer = there},
        {"again, in a tier that is not there", .profile.tier = slice_str("gold"),
         .answer = "bad_argument {field: tier}"},
        {"again while suspended", .member.state = MEMBER_SUSPENDED, .answer = there},
        {"an id is never used again", .member.state = MEMBER_CLOSED, .answer = "member_closed"},
    };
    RUN(register_it, rows);
}

static enum kith_err
update_it(const struct row *row, const struct member *member)
{
    struct update_facts facts = {
        .member = *member, .profile = row->profile, .name_is_same = row->name_is_same};
    return decide_update(&facts, &rules, &decision);
}

static void
test_update(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", .member.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"a suspended one may", .member.state = MEMBER_SUSPENDED, .profile.name = slice_str("Ada"),
         .events = "member.updated member:ada name:Ada audience:member", .answer = "ok"},
        {"nothing", .answer = "ok"},
        {"a name", .profile.name = slice_str("Ada"),
         .events = "member.updated member:ada name:Ada audience:member", .answer = "ok"},
        {"the same name", .profile.name = slice_str("Ada"), .name_is_same = true, .answer = "ok"},
        {"a tier", .profile.tier = slice_str("premium"),
         .events = "member.updated member:ada tier:premium audience:member", .answer = "ok"},
        {"the same tier", .member.tier = slice_str("premium"), .profile.tier = slice_str("premium"),
         .answer = "ok"},
        {"free, which holds where none was said", .profile.tier = slice_str("free"),
         .answer = "ok"},
        {"back to free", .member.tier = slice_str("premium"), .profile.tier = slice_str("free"),
         .events = "member.updated member:ada tier:free audience:member", .answer = "ok"},
        {"no such tier", .profile.tier = slice_str("gold"), .answer = "bad_argument {field: tier}"},
        {"a policy", .profile = {.accept = ACCEPT_NOBODY, .auto_accept = AUTO_MUTUALS + 3},
         .events = "member.updated member:ada audience:member accept:nobody auto_accept:6",
         .answer = "ok"},
        {"the same policy", .member = {.accept = ACCEPT_NOBODY, .auto_accept = AUTO_ALL},
         .profile = {.accept = ACCEPT_NOBODY, .auto_accept = AUTO_ALL}, .answer = "ok"},
        {"everyone and none, which hold where nothing was said",
         .profile = {.accept = ACCEPT_EVERYONE, .auto_accept = AUTO_NONE}, .answer = "ok"},
        {"half of it changes", .member = {.accept = ACCEPT_NOBODY, .auto_accept = AUTO_ALL},
         .profile = {.accept = ACCEPT_NOBODY, .auto_accept = AUTO_NONE},
         .events = "member.updated member:ada audience:member auto_accept:1", .answer = "ok"},
        {"interests", .profile.interests = slice_str("\x91\xa1x"),
         .events = "member.updated member:ada audience:member interests:(3)", .answer = "ok"},
        {"the same interests", .member.interests = slice_str("\x91\xa1x"),
         .profile.interests = slice_str("\x91\xa1x"), .answer = "ok"},
    };
    RUN(update_it, rows);
}

/* --- contacts -------------------------------------------------------------------------------- */

static struct contact_facts
contact_of(const struct row *row, const struct member *member)
{
    return (struct contact_facts){
        .member = *member,
        .hash = slice_str("hash-of-16-bytes"),
        .owned = row->owned,
        .owner = row->owner,
        .owner_id = slice_str("cy"),
    };
}

static enum kith_err
verify_it(const struct row *row, const struct member *member)
{
    struct contact_facts facts = contact_of(row, member);
    return decide_verify_contact(&facts, &decision);
}

static enum kith_err
drop_it(const struct row *row, const struct member *member)
{
    struct contact_facts facts = contact_of(row, member);
    return decide_drop_contact(&facts, &decision);
}

#define VERIFIED "member.contact_verified member:ada contact:hash-of-16-bytes audience:member"

static void
test_contacts(void **state)
{
    (void)state;
    const struct row verify[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", .member.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"nobody's yet", .events = VERIFIED, .answer = "ok"},
        {"hers already", .owned = true, .owner = 1, .answer = "ok"},
        {"it moves", .owned = true, .owner = 3,
         .events =
             "member.contact_dropped member:cy contact:hash-of-16-bytes audience:member\n" VERIFIED,
         .answer = "ok"},
    };
    RUN(verify_it, verify);
    const struct row drop[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", .member.state = MEMBER_CLOSED, .answer = "member_closed"},
        {"nobody's", .answer = "not_found {field: contact}"},
        {"somebody else's: as if nobody's", .owned = true, .owner = 3,
         .answer = "not_found {field: contact}"},
        {"hers", .owned = true, .owner = 1,
         .events = "member.contact_dropped member:ada contact:hash-of-16-bytes audience:member",
         .answer = "ok"},
    };
    RUN(drop_it, drop);
}

/* --- state ----------------------------------------------------------------------------------- */

static enum kith_err
suspend_it(const struct row *row, const struct member *member)
{
    (void)row;
    return decide_suspend(member, &decision);
}

static enum kith_err
restore_it(const struct row *row, const struct member *member)
{
    (void)row;
    return decide_restore(member, &decision);
}

static enum kith_err
close_it(const struct row *row, const struct member *member)
{
    (void)row;
    return decide_close(member, &decision);
}

static enum kith_err
erase_it(const struct row *row, const struct member *member)
{
    (void)row;
    return decide_erase(member, &decision);
}

#define CLOSED    "member.closed member:ada audience:member"
#define ERASED    "member.erased member:ada audience:member"
#define IS_CLOSED .member.state = MEMBER_CLOSED

static void
test_state(void **state)
{
    (void)state;
    const struct row suspend[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", IS_CLOSED, .answer = "member_closed"},
        {"active (C31)", .events = "member.suspended member:ada audience:member", .answer = "ok"},
        {"again", .member.state = MEMBER_SUSPENDED, .answer = "ok"},
    };
    RUN(suspend_it, suspend);
    const struct row restore[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", IS_CLOSED, .answer = "member_closed"},
        {"suspended", .member.state = MEMBER_SUSPENDED,
         .events = "member.restored member:ada audience:member", .answer = "ok"},
        {"again", .answer = "ok"},
    };
    RUN(restore_it, restore);
    const struct row close[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"active (C30)", .events = CLOSED, .answer = "ok"},
        {"suspended", .member.state = MEMBER_SUSPENDED, .events = CLOSED, .answer = "ok"},
        {"again", IS_CLOSED, .answer = "ok"},
    };
    RUN(close_it, close);
    const struct row erase[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"closes as well", .events = CLOSED "\n" ERASED, .answer = "ok"},
        {"closed before", IS_CLOSED, .events = ERASED, .answer = "ok"},
        {"again", .member = {.state = MEMBER_CLOSED, .erased = true}, .answer = "ok"},
    };
    RUN(erase_it, erase);
}

/* --- restriction ----------------------------------------------------------------------------- */

static enum kith_err
restrict_it(const struct row *row, const struct member *member)
{
    return decide_restrict(member, row->level, REASON_MANUAL, row->until_ms, &decision);
}

static enum kith_err
lift_it(const struct row *row, const struct member *member)
{
    (void)row;
    return decide_lift(member, &decision);
}

#define RESTRICTED(level, until)                                      \
    "quota.restricted member:ada level:" level " reason:manual" until \
    " audience:member notify evidence_ms:now"

static void
test_restriction(void **state)
{
    (void)state;
    const struct row set[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", IS_CLOSED, .answer = "member_closed"},
        {"one step", .events = RESTRICTED("1", " until_ms:+1d"), .answer = "ok"},
        {"another", .member = {.level = 1, .level_ms = NOW},
         .events = RESTRICTED("2", " until_ms:+3d"), .answer = "ok"},
        {"after thirty clean days it is the first again",
         .member = {.level = 1, .level_ms = NOW - 30 * DAY_MS},
         .events = RESTRICTED("1", " until_ms:+1d"), .answer = "ok"},
        {"a level by name", .level = 3, .events = RESTRICTED("3", " until_ms:+7d"), .answer = "ok"},
        {"the fourth", .level = 4, .events = RESTRICTED("4", " until_ms:+30d"), .answer = "ok"},
        {"the last has no end", .level = 5, .events = RESTRICTED("5", ""), .answer = "ok"},
        {"a step beyond the last", .member.level = 5, .events = RESTRICTED("5", ""),
         .answer = "ok"},
        {"until an instant", .level = 5, .until_ms = NOW + 1,
         .events = RESTRICTED("5", " until_ms:+1ms"), .answer = "ok"},
        {"until now", .level = 5, .until_ms = NOW, .answer = "bad_argument {field: until}"},
    };
    RUN(restrict_it, set);
    const struct row lift[] = {
        {"nobody", .unknown = true, .answer = "no_such_member {field: member}"},
        {"a closed one", IS_CLOSED, .answer = "member_closed"},
        {"restricted", .member.level = 2, .events = "quota.lifted member:ada audience:member",
         .answer = "ok"},
        {"not restricted", .answer = "ok"},
    };
    RUN(lift_it, lift);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        facts_test(test_register), facts_test(test_update),      facts_test(test_contacts),
        facts_test(test_state),    facts_test(test_restriction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
