/* invite.c: `kith invite CONTACT --as MEMBER`: an invite, and the link to paste. */
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "json_write.h"
#include "proto/schema.h"
#include "style.h"
#include "text.h"
#include "verb.h"

#define NAME_SIZE_MAX 64

struct invite_options {
    const char *as, *label, *page, *id;
    uint64_t uses;
};

static const struct option_row rows[] = {
    {"as", 0, OPTION_TEXT, offsetof(struct invite_options, as), 0, 0, "MEMBER", "who invites"},
    {"uses", 0, OPTION_UINT, offsetof(struct invite_options, uses), 1, KITH_LINK_USES_MAX, "N",
     "without CONTACT: how many may join by the link (default 1)"},
    {"label", 0, OPTION_TEXT, offsetof(struct invite_options, label), 0, 0, "WORD",
     "without CONTACT: your own word for the link, for invite.counts"},
    {"page", 0, OPTION_TEXT, offsetof(struct invite_options, page), 0, 0, "URL",
     "what stands before the token in the link (default $KITH_INVITE_PAGE)"},
    {"id", 'i', OPTION_TEXT, offsetof(struct invite_options, id), 0, 0, "ID",
     "the command's idempotency key: the same again does nothing twice"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

/* A contact as people write it: with its kind before a colon, or a number, or else an address. */
static void
put_contact(struct kith_args *args, const char *text)
{
    static const char *const kinds[] = {"email", "phone", "opaque"};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        size_t size = strlen(kinds[i]);
        if (strncmp(text, kinds[i], size) == 0 && text[size] == ':') {
            kith_put_contact(args, "contact", kinds[i], text + size + 1);
            return;
        }
    }
    kith_put_contact(args, "contact", text[0] == '+' ? "phone" : "email", text);
}

static void
put_args(struct kith_args *args, const struct invite_options *options, const char *contact)
{
    kith_put_str(args, "member", options->as);
    if (contact)
        put_contact(args, contact);
    else if (options->uses > 0)
        kith_put_int(args, "max_uses", (int64_t)options->uses);
    kith_put_str(args, "label", options->label);
}

/* The link alone on its line, so that it can be taken whole. */
static void
put_people(struct buf *out, const struct cli *cli, const struct invite_options *options,
           bool is_link, const struct kith_value *result)
{
    const char *page = options->page ? options->page : getenv("KITH_INVITE_PAGE");
    const char *token = kith_get_str(result, "token");
    if (page)
        text_put(out, page, strlen(page));
    if (token)
        text_put(out, token, strlen(token));
    text_put_own(out, "\n");
    text_printf(out, "%sinvite %s%s; %s%s\n", style(cli->colour, STYLE_FAINT),
                kith_get_str(result, "invite"),
                kith_get_bool(result, "existing") ? ", the same as before" : "",
                is_link ? "pass it on" : "mail it when invite.delivery_due says so",
                style(cli->colour, STYLE_NONE));
}

static enum cli_exit
print(const struct cli *cli, const struct invite_options *options, bool is_link,
      const struct kith_reply *reply)
{
    struct buf out = {0};
    if (cli->people) {
        put_people(&out, cli, options, is_link, kith_reply_result(reply));
    } else {
        json_put_value(&out, kith_reply_result(reply));
        text_put_own(&out, "\n");
    }
    return cli_print(&out);
}

static enum cli_exit
invite(const struct cli *cli, const struct invite_options *options, const char *contact)
{
    struct kith *kith;
    struct kith_reply *reply;
    struct kith_args *args = kith_args_create();
    if (!args)
        return cli_fail_status(cli, KITH_STATUS_NO_MEMORY);
    put_args(args, options, contact);
    enum cli_exit code = cli_open(cli, 0, CLI_IMPATIENT, &kith);
    if (code != CLI_OK) {
        kith_args_destroy(args);
        return code;
    }
    enum kith_status status =
        kith_call(kith, contact ? "invite.create" : "invite.link", args, options->id, &reply);
    if (status == KITH_STATUS_OK)
        code = print(cli, options, contact == NULL, reply);
    else
        code = status == KITH_STATUS_REFUSED ? cli_fail_reply(cli, reply)
                                             : cli_fail_status(cli, status);
    kith_reply_destroy(reply);
    kith_close(kith);
    kith_args_destroy(args);
    return code;
}

static bool
ends_operation(const char *word)
{
    char name[NAME_SIZE_MAX];
    int size = snprintf(name, sizeof(name), "invite.%s", word);
    return size < (int)sizeof(name) && kith_op_find(name, (size_t)size) != KITH_OP_COUNT;
}

/* `kith invite create ...` is the operation, as for every other family: it never has --as, which
 * the verb cannot do without. */
static bool
is_operation(const struct option_args *args)
{
    bool found = false;
    for (int i = 1; i < args->count; i++) {
        if (strncmp(args->at[i], "--as", 4) == 0)
            return false;
        found = found || ends_operation(args->at[i]);
    }
    return found;
}

static enum cli_exit
invite_run(struct cli *cli, struct option_args *args)
{
    struct invite_options options = {0};
    if (is_operation(args))
        return verb_op.run(cli, args);
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    if (!options.as)
        return fail_usage(cli, "who invites? kith invite CONTACT --as MEMBER");
    if (args->count > 2)
        return fail_usage(cli, "one contact at a time, not '%s' too", args->at[2]);
    const char *contact = args->count == 2 ? args->at[1] : NULL;
    if (contact && (options.uses || options.label))
        return fail_usage(cli, "--uses and --label are for a link: leave '%s' out", contact);
    return invite(cli, &options, contact);
}

const struct verb verb_invite = {
    .name = "invite",
    .words = "[CONTACT] --as MEMBER",
    .help = "invite somebody by mail address or phone number, or make a link to pass on",
    .more = "  CONTACT is ann@ex.com, +491701234567, or KIND:VALUE. Without one a link is made.\n"
            "  kithd mails nothing: it says when to, by the event invite.delivery_due.",
    .options = &options_table,
    .run = invite_run,
};
