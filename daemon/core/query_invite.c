#include "base/assert.h"
#include "base/endian.h"
#include "codec/writer.h"
#include "core/queries.h"
#include "core/text.h"

static const char *const states[] = {
    [INVITE_ACTIVE] = "active",       [INVITE_REDEEMED] = "redeemed",
    [INVITE_EXPIRED] = "expired",     [INVITE_CONVERTED] = "active", /* to the inviter */
    [INVITE_DECLINED] = "active",     [INVITE_REVOKED] = "revoked",
    [INVITE_EXHAUSTED] = "exhausted", [INVITE_ORPHANED] = "orphaned"};

/* As the inviter may know it: an invite outlives its inviter's membership. */
static const char *
state_of(const struct invite *invite, const struct member *inviter, msec_t now_ms)
{
    uint64_t state = invite_shown_at(invite, now_ms);
    if (state == INVITE_ACTIVE && inviter->state == MEMBER_CLOSED)
        state = INVITE_ORPHANED;
    return states[state];
}

static void
tell_head(struct call *call, const struct invite *invite, const char *state)
{
    struct entries *result = &call->out->result;
    entries_id(result, "invite", &invite->id);
    entries_cstr(result, "kind", words_name(&contact_kind_words, invite->kind));
    entries_cstr(result, "state", state);
    entries_str(result, "inviter", invite->inviter);
    entries_time(result, "created_at", (msec_t)invite->created_ms);
    entries_time(result, "expires_at", (msec_t)invite->expires_ms);
}

static void
tell_link(struct entries *result, const struct invite *invite)
{
    entries_uint(result, "uses", invite->uses);
    entries_uint(result, "max_uses", invite->max_uses);
    entries_cstr(result, "mode", invite->asks ? "request" : "auto");
    if (invite->label.size > 0)
        entries_str(result, "label", invite->label);
}

/* Nothing in here may depend on whose the contact is, or on what he said. */
static void
tell_mail(struct call *call, const struct invite *invite)
{
    struct entries *result = &call->out->result;
    entries_uint(result, "resends", invite->resends);
    if (invite->bounced)
        entries_bool(result, "bounced", true);
    if ((msec_t)invite->deliver_ms > call->now_ms)
        entries_time(result, "deliver_after", (msec_t)invite->deliver_ms);
}

static void
tell_invite(struct call *call, const struct invite *invite, const char *state)
{
    struct entries *result = &call->out->result;
    tell_head(call, invite, state);
    if (invite_is_link(invite))
        tell_link(result, invite);
    else
        tell_mail(call, invite);
    if (invite->state == INVITE_REDEEMED) {
        entries_str(result, "member", member_id(call->core->views, invite->redeemer));
        entries_time(result, "redeemed_at", (msec_t)invite->redeemed_ms);
    }
}

/* Somebody else's invite is not found, like one that never was. */
enum kith_err
query_invite(struct call *call)
{
    struct member member;
    struct invite invite = {0};
    struct public_id id;
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;
    if (public_id_parse(args_text(call->args, KITH_ARG_INVITE), &id))
        invite_load(call->core->views, &id, &invite);
    if (!invite.known || invite.inviter_number != member.number)
        return refuse_field(call->out, KITH_NOT_FOUND, "invite");
    tell_invite(call, &invite, state_of(&invite, &member, call->now_ms));
    return KITH_OK;
}

enum kith_err
query_invites(struct call *call)
{
    struct page page;
    struct member member;
    struct slice key, value, wanted = args_text(call->args, KITH_ARG_STATE);
    struct invite invite;
    struct public_id id;

    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK)
        err = page_begin(&page, call, VIEW_INVITES, list_of(member.number));
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &value)) {
        memcpy(id.bytes, value.data, sizeof(id.bytes));
        invite_load(call->core->views, &id, &invite);
        if (!invite.known)
            break; /* the views have failed */
        const char *state = state_of(&invite, &member, call->now_ms);
        if (wanted.data && !slice_is(wanted, state))
            continue;
        struct entries_inner item = page_item(&page);
        tell_invite(call, &invite, state);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

/* --- invite.peek ---------------------------------------------------------------------------------
 */

/* The inviter's name as it may stand in a mail to a stranger. */
static void
tell_name(struct call *call, const struct member *inviter)
{
    struct buf plain = {0};
    buf_clear(&call->core->sealed);
    text_unseal(call->core, inviter->id, inviter->name, &call->core->sealed);
    text_name(buf_slice(&call->core->sealed), &plain);
    if (plain.failed)
        call->core->err = KITH_UNAVAILABLE;
    else if (plain.size > 0)
        entries_str(&call->out->result, "name", buf_slice(&plain));
    buf_fini(&plain);
}

/* Whoever looks learns the same, be the contact a member's or not: the inviter might look. */
enum kith_err
query_peek(struct call *call)
{
    struct invite invite;
    struct member inviter;
    uint8_t hash[TOKEN_HASH_SIZE];

    token_hash(args_text(call->args, KITH_ARG_TOKEN), hash);
    invite_load_token(call->core->views, slice_of(hash, sizeof(hash)), &invite);
    if (!invite_is_live(&invite, call->now_ms))
        return KITH_INVITE_INVALID;
    member_load(call->core->views, invite.inviter, &inviter);
    tell_head(call, &invite, states[INVITE_ACTIVE]);
    tell_name(call, &inviter);
    entries_bool(&call->out->result, "needs_account", true);
    return KITH_OK;
}

/* --- invite.counts -------------------------------------------------------------------------------
 */

static void
tell_label(struct entries *result, const struct label *label)
{
    entries_str(result, "label", label->label);
    entries_uint(result, "claimed", label->claimed);
    entries_uint(result, "redeemed", label->redeemed);
    entries_uint(result, "connected", label->connected);
}

static enum kith_err
count_one(struct call *call, const struct member *member, struct slice wanted)
{
    struct label label;
    struct entries *result = &call->out->result;
    label_load(call->core->views, member->number, wanted, &label);
    write_array(entries_key(result, "items"), 1);
    struct entries_inner item = entries_open_item(result);
    tell_label(result, &label);
    entries_close(result, item);
    return KITH_OK;
}

enum kith_err
query_invite_counts(struct call *call)
{
    struct page page;
    struct member member;
    struct slice key, value, wanted = args_text(call->args, KITH_ARG_LABEL);
    struct label label;

    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err == KITH_OK && wanted.data)
        return count_one(call, &member, wanted);
    if (err == KITH_OK)
        err = page_begin(&page, call, VIEW_LABEL, list_of(member.number));
    if (err != KITH_OK)
        return err;
    while (page_next(&page, &key, &value)) {
        bool ours = label_decode(value, &label);
        assert(ours); /* its checksum was right: then we wrote it */
        struct entries_inner item = page_item(&page);
        tell_label(&call->out->result, &label);
        page_item_end(&page, item);
    }
    page_end(&page);
    return KITH_OK;
}

/* --- invite.tree ---------------------------------------------------------------------------------
 */

#define TREE_DEPTH_DEFAULT 3

/* Members in the order in which they are found: a generation stands together, behind the one before
 * it. */
struct tree {
    unsigned count;
    struct {
        uint32_t number, parent; /* parent: an index; the root is his own */
        uint32_t depth;
    } rows[KITH_TREE_COUNT_MAX + 1];
    bool complete;
};

/* Add those whom row @index brought. */
static void
grow(struct views *views, struct tree *tree, unsigned index)
{
    struct list_key prefix = list_of(tree->rows[index].number);
    struct slice key, value;
    struct views_scan *scan =
        views_scan_begin(views, VIEW_JOINED, list_key_slice(&prefix), (struct slice){0});
    while (views_scan_next(scan, &key, &value)) {
        if (tree->count == ARRAY_COUNT(tree->rows)) {
            tree->complete = false;
            break;
        }
        tree->rows[tree->count].number = get_be32(value.data);
        tree->rows[tree->count].parent = index;
        tree->rows[tree->count].depth = tree->rows[index].depth + 1;
        tree->count++;
    }
    views_scan_end(scan);
}

static void
tell_tree(struct call *call, const struct tree *tree)
{
    struct views *views = call->core->views;
    struct entries *result = &call->out->result;
    write_array(entries_key(result, "items"), tree->count - 1);
    for (unsigned i = 1; i < tree->count; i++) {
        struct entries_inner item = entries_open_item(result);
        entries_str(result, "member", member_id(views, tree->rows[i].number));
        entries_str(result, "inviter", member_id(views, tree->rows[tree->rows[i].parent].number));
        entries_uint(result, "depth", tree->rows[i].depth);
        entries_close(result, item);
    }
    entries_bool(result, "complete", tree->complete);
}

/* The ids of those who have closed or were erased stay: who came through whom is what it is for. */
enum kith_err
query_tree(struct call *call)
{
    struct member member;
    struct tree tree = {.count = 1, .complete = true};
    uint64_t depth = args_uint(call->args, KITH_ARG_DEPTH, TREE_DEPTH_DEFAULT);
    enum kith_err err = query_member(call, KITH_ARG_MEMBER, &member);
    if (err != KITH_OK)
        return err;
    tree.rows[0].number = (uint32_t)member.number;
    for (unsigned i = 0; i < tree.count && tree.rows[i].depth < depth && tree.complete; i++)
        grow(call->core->views, &tree, i);
    if (member.inviter > 0)
        entries_str(&call->out->result, "inviter", member_id(call->core->views, member.inviter));
    tell_tree(call, &tree);
    return KITH_OK;
}
