/* When invites are mailed: at their inviter's pace, and as often as a contact may be written to.
 * The inviter is told of his own pace and of nothing else. */
#include "base/assert.h"
#include "sim/model.h"

#define DAY_MS   (24 * 3600000LL)
#define MONTH_MS (30 * DAY_MS)

/* --- the inviter's pace ---------------------------------------------------------------------- */

/* The first instant from now on at which fewer of his slots than the pace have not been left
 * behind by a day. */
static msec_t
next_slot(const struct model *model, int inviter)
{
    const struct model_member *who = &model->members[inviter];
    int64_t pace = model_tier_of(model, inviter)->pace;
    msec_t at_ms = model->now_ms;
    for (;;) {
        int64_t count = 0;
        msec_t leaves_ms = FOREVER;
        for (unsigned i = 0; i < who->slot_count; i++) {
            msec_t end_ms = who->slots[i] + DAY_MS;
            count += end_ms > at_ms;
            if (end_ms > at_ms && end_ms < leaves_ms)
                leaves_ms = end_ms;
        }
        if (count < pace)
            return at_ms;
        at_ms = leaves_ms;
    }
}

static msec_t
take_slot(struct model *model, int inviter)
{
    struct model_member *who = &model->members[inviter];
    if (model_tier_of(model, inviter)->pace == 0)
        return 0;
    msec_t slot_ms = next_slot(model, inviter);
    if (who->slot_count == SLOTS_MAX)
        memmove(who->slots, who->slots + 1, --who->slot_count * sizeof(who->slots[0]));
    who->slots[who->slot_count++] = slot_ms;
    return slot_ms;
}

/* --- the contact's mails --------------------------------------------------------------------- */

/* Would a mail at @at_ms be one more than @limit in some stretch of this length? */
static bool
is_crowded(const struct model_contact *contact, msec_t at_ms, int64_t limit, msec_t length_ms)
{
    for (unsigned i = 0; i <= contact->mail_count && limit > 0; i++) {
        msec_t begin_ms = i < contact->mail_count ? contact->mails[i].at_ms : at_ms;
        int64_t count = 1;
        if (begin_ms > at_ms || at_ms >= begin_ms + length_ms)
            continue;
        for (unsigned j = 0; j < contact->mail_count; j++)
            count += contact->mails[j].at_ms >= begin_ms &&
                     contact->mails[j].at_ms < begin_ms + length_ms;
        if (count > limit)
            return true;
    }
    return false;
}

/* The first instant from @from_ms on at which it may be written to; 0: none before @until_ms. */
static msec_t
next_mail(const struct model *model, const struct model_contact *contact, msec_t from_ms,
          msec_t until_ms)
{
    const msec_t lengths_ms[] = {DAY_MS, MONTH_MS};
    msec_t at_ms = from_ms;
    while (at_ms < until_ms) {
        if (!is_crowded(contact, at_ms, model->settings.mails_day, DAY_MS) &&
            !is_crowded(contact, at_ms, model->settings.mails_month, MONTH_MS))
            return at_ms;
        msec_t later_ms = FOREVER;
        for (unsigned i = 0; i < 2 * contact->mail_count; i++) {
            msec_t end_ms = contact->mails[i / 2].at_ms + lengths_ms[i % 2];
            if (end_ms > at_ms && end_ms < later_ms)
                later_ms = end_ms;
        }
        at_ms = later_ms;
    }
    return 0;
}

static void
add_mail(struct model *model, struct model_contact *contact, unsigned invite, msec_t at_ms)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < contact->mail_count; i++)
        if (contact->mails[i].at_ms + MONTH_MS > model->now_ms)
            contact->mails[kept++] = contact->mails[i];
    assert(kept < MAILS_MAX);
    contact->mails[kept] = (struct model_mail){at_ms, invite};
    contact->mail_count = kept + 1;
}

/* One for now is gone at once. */
static void
put_mail(struct model *model, struct model_invite *invite, msec_t due_ms)
{
    if (due_ms == 0)
        return;
    add_mail(model, &model->contacts[invite->contact], (unsigned)(invite - model->invites), due_ms);
    invite->due_ms = due_ms > model->now_ms ? due_ms : 0;
    invite->due_order = ++model->order;
}

void
mail_drop(struct model *model, struct model_invite *invite)
{
    if (invite->due_ms == 0)
        return;
    struct model_contact *contact = &model->contacts[invite->contact];
    unsigned number = (unsigned)(invite - model->invites), kept = 0;
    for (unsigned i = 0; i < contact->mail_count; i++)
        if (contact->mails[i].invite != number || contact->mails[i].at_ms != invite->due_ms)
            contact->mails[kept++] = contact->mails[i];
    contact->mail_count = kept;
    invite->due_ms = 0;
}

void
mail_plan(struct model *model, struct model_invite *invite, bool silent, struct answer *out)
{
    struct model_contact *contact = &model->contacts[invite->contact];
    int inviter = invite->inviter;
    bool suppressed = contact->suppressed || (contact->suppressed_of & only(inviter));

    mail_drop(model, invite);
    invite->deliver_ms = take_slot(model, inviter);
    msec_t from_ms = invite->deliver_ms ? invite->deliver_ms : model->now_ms;
    if (from_ms > model->now_ms)
        expect_num(out, "deliver_after", from_ms);
    else
        expect_absent(out, "deliver_after");
    msec_t due_ms = next_mail(model, contact, from_ms, invite->expires_ms);
    if (silent || suppressed || due_ms == 0)
        return;
    if (due_ms == model->now_ms)
        says_str(expect_feeds(out, "invite.delivery_due", 0), "invite", invite->id);
    put_mail(model, invite, due_ms);
}

bool
model_deliver(struct model *model, struct slice id)
{
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (!slice_is(id, invite->id))
            continue;
        bool due = invite->due_ms > 0 && invite->due_ms <= model->now_ms &&
                   invite->expires_ms > model->now_ms;
        invite->due_ms = 0;
        return due;
    }
    return false;
}

/* Of who is suspended it waits for another day. */
bool
model_withhold(struct model *model)
{
    struct model_invite *first = NULL;
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        bool due = invite->due_ms > 0 && invite->due_ms <= model->now_ms &&
                   invite->expires_ms > model->now_ms && !model_active(model, invite->inviter);
        if (due && (!first || invite->due_ms < first->due_ms ||
                    (invite->due_ms == first->due_ms && invite->due_order < first->due_order)))
            first = invite;
    }
    if (!first)
        return false;
    mail_drop(model, first);
    if (model->members[first->inviter].state == CLOSED)
        first->aside = true;
    else
        put_mail(model, first,
                 next_mail(model, &model->contacts[first->contact], model->now_ms + DAY_MS,
                           first->expires_ms));
    return true;
}

/* --- whom not to mail ------------------------------------------------------------------------ */

/* Of one inviter, or of all: what waits to be mailed is not mailed. */
void
model_suppress(struct model *model, const struct command *command, struct answer *out)
{
    struct model_contact *contact = &model->contacts[command->contact];
    int inviter = command->a;
    if (inviter != NOBODY && !model_known(model, inviter)) {
        refuse(out, "no_such_member");
        return;
    }
    bool already = inviter == NOBODY ? contact->suppressed : contact->suppressed_of & only(inviter);
    if (already) {
        expect_noted(out);
        return;
    }
    if (inviter == NOBODY)
        contact->suppressed = true;
    else
        contact->suppressed_of |= only(inviter);
    for (unsigned i = 0; i < model->invite_count; i++) {
        struct model_invite *invite = &model->invites[i];
        if (invite->contact == command->contact && invite->due_ms > model->now_ms &&
            (inviter == NOBODY || inviter == invite->inviter))
            mail_drop(model, invite);
    }
    expect_feeds(out, "contact.suppressed", 0);
}

void
model_unsuppress(struct model *model, const struct command *command, struct answer *out)
{
    struct model_contact *contact = &model->contacts[command->contact];
    if (!may_act(model, command->a, out))
        return;
    if (contact->owner != command->a)
        refuse(out, "forbidden");
    else if (contact->suppressed || contact->suppressed_of)
        expect_feeds(out, "contact.unsuppressed", only(command->a));
    else
        expect_noted(out);
    if (!out->code) {
        contact->suppressed = false;
        contact->suppressed_of = 0;
    }
}
