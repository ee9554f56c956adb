#include "verbs.h"

static const struct verb verbs[] = {
    {"register", "member.register", "member", NULL},
    {"update", "member.update", "member", NULL},
    {"verify_contact", "member.verify_contact", "member", "contact"},
    {"drop_contact", "member.drop_contact", "member", "contact"},
    {"suspend", "member.suspend", "member", NULL},
    {"restore", "member.restore", "member", NULL},
    {"close", "member.close", "member", NULL},
    {"erase", "member.erase", "member", NULL},
    {"block", "member.block", "member", "other"},
    {"unblock", "member.unblock", "member", "other"},
    {"preapprove", "member.preapprove", "member", "other"},
    {"unpreapprove", "member.unpreapprove", "member", "other"},
    {"profile", "member.get", "member", NULL},
    {"blocks", "member.blocks", "member", NULL},
    {"preapprovals", "member.preapprovals", "member", NULL},

    {"connect", "connection.request", "from", "to"},
    {"accept", "connection.accept", "member", "other"},
    {"ignore", "connection.ignore", "member", "other"},
    {"decline", "connection.decline", "member", "other"},
    {"report", "connection.report", "member", "other"},
    {"withdraw", "connection.withdraw", "member", "other"},
    {"remove", "connection.remove", "member", "other"},
    {"dismiss", "connection.dismiss", "member", "other"},
    {"decline_all", "connection.decline_all", "member", NULL},
    {"set_access", "connection.set_access", "member", "other"},
    {"status", "connection.status", "viewer", "other"},
    {"preview", "connection.preview", "from", "to"},
    {"list", "connection.list", "member", NULL},
    {"incoming", "connection.incoming", "member", NULL},
    {"outgoing", "connection.outgoing", "member", NULL},
    {"counts", "connection.counts", "member", NULL},
    {"mutuals", "connection.mutuals", "viewer", "other"},
    {"path", "connection.path", "viewer", "other"},
    {"suggest", "connection.suggest", "member", NULL},
    {"access", "connection.access", "viewer", "other"},
    {"quota", "quota.get", "member", NULL},

    {"invite", "invite.create", "member", "contact"},
    {"link", "invite.link", "member", NULL},
    {"resend", "invite.resend", "member", "invite"},
    {"revoke", "invite.revoke", "member", "invite"},
    {"redeem", "invite.redeem", "member", "token"},
    {"invite_get", "invite.get", "member", "invite"},
    {"invites", "invite.list", "member", NULL},
    {"invite_counts", "invite.counts", "member", NULL},
    {"invite_tree", "invite.tree", "member", NULL},

    {"unsuppress", "contact.unsuppress", "member", "contact"},
    {"restrict", "restriction.set", "member", NULL},
    {"lift", "restriction.lift", "member", NULL},
    {"feed", "event.read", "member", NULL},
};

const struct verb *
verb_find(struct slice word)
{
    for (unsigned i = 0; i < ARRAY_COUNT(verbs); i++)
        if (slice_is(word, verbs[i].word))
            return &verbs[i];
    return NULL;
}
