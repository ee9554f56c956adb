/* op.c: any operation of the protocol, as `kith OP name=value ...`. */
#include <stdio.h>

#include "base/assert.h"
#include "fail.h"
#include "json_write.h"
#include "op_args.h"
#include "op_find.h"
#include "style.h"
#include "text.h"
#include "verb.h"
#include "view.h"

struct op_options {
    const char *id;
    bool all, reply;
};

static const struct option_row rows[] = {
    {"id", 'i', OPTION_TEXT, offsetof(struct op_options, id), 0, 0, "ID",
     "the command's idempotency key: the same again does nothing twice"},
    {"all", 'a', OPTION_FLAG, offsetof(struct op_options, all), 0, 0, NULL,
     "all pages of a list, one item a line in JSON"},
    {"reply", 'r', OPTION_FLAG, offsetof(struct op_options, reply), 0, 0, NULL,
     "the whole reply: id, pos, at and dup too"},
};

static const struct option_table options_table = {rows, ARRAY_COUNT(rows)};

/* One call, or one list page after page. */
struct run {
    const struct cli *cli;
    const struct op_options *options;
    enum kith_op op;
    char **words;
    size_t word_count;
    struct kith *kith;
};

static void
put_reply_json(struct buf *out, const struct kith_reply *reply)
{
    json_open(out);
    json_member_str(out, "id", kith_reply_id(reply));
    json_key(out, "ok");
    text_put_own(out, "true");
    json_member_int(out, "pos", (int64_t)kith_reply_pos(reply));
    json_member_int(out, "at", kith_reply_at(reply));
    if (kith_reply_dup(reply)) {
        json_key(out, "dup");
        text_put_own(out, "true");
    }
    json_key(out, "result");
    json_put_value(out, kith_reply_result(reply));
    json_close(out);
}

/* Behind a command's result: where in the log it is, and whether it was done before. */
static void
put_done(struct buf *out, const struct run *run, const struct kith_reply *reply)
{
    text_put_own(out, style(run->cli->colour, STYLE_FAINT));
    text_printf(out, "%s #%llu", kith_reply_dup(reply) ? "done before, at" : "done, at",
                (unsigned long long)kith_reply_pos(reply));
    if (run->options->reply && kith_reply_id(reply)) {
        text_put_own(out, ", id ");
        text_put(out, kith_reply_id(reply), strlen(kith_reply_id(reply)));
    }
    text_put_own(out, style(run->cli->colour, STYLE_NONE));
    text_put_own(out, "\n");
}

static void
put_people(struct buf *out, const struct run *run, const struct kith_reply *reply)
{
    const struct kith_value *result = kith_reply_result(reply);
    view_put(out, result, run->cli->colour, cli_now_ms());
    if (kith_ops[run->op].kind == KITH_KIND_COMMAND || run->options->reply)
        put_done(out, run, reply);
    else if (out->size == 0)
        text_printf(out, "%snothing%s\n", style(run->cli->colour, STYLE_FAINT),
                    style(run->cli->colour, STYLE_NONE));
}

static enum cli_exit
print(const struct run *run, const struct kith_reply *reply)
{
    struct buf out = {0};
    if (run->cli->people) {
        put_people(&out, run, reply);
    } else if (run->options->reply) {
        put_reply_json(&out, reply);
        text_put_own(&out, "\n");
    } else {
        json_put_value(&out, kith_reply_result(reply));
        text_put_own(&out, "\n");
    }
    return cli_print(&out);
}

static enum cli_exit
call(const struct run *run, const struct kith_args *args, struct kith_reply **reply)
{
    enum kith_status status =
        kith_call(run->kith, kith_ops[run->op].name, args, run->options->id, reply);
    if (status == KITH_STATUS_OK)
        return CLI_OK;
    enum cli_exit code = status == KITH_STATUS_REFUSED ? cli_fail_reply(run->cli, *reply)
                                                       : cli_fail_status(run->cli, status);
    kith_reply_destroy(*reply);
    return code;
}

static enum cli_exit
run_once(const struct run *run, struct kith_args *args)
{
    struct kith_reply *reply;
    enum cli_exit code = call(run, args, &reply);
    if (code != CLI_OK)
        return code;
    code = print(run, reply);
    kith_reply_destroy(reply);
    return code;
}

/* --- lists, page after page ------------------------------------------------------------------ */

static const struct kith_value *
list_of(const struct kith_value *result)
{
    const struct kith_value *items = kith_get(result, "items");
    return items ? items : kith_get(result, "events");
}

static bool
print_items(const struct run *run, const struct kith_value *result)
{
    const struct kith_value *items = list_of(result);
    struct buf out = {0};
    if (run->cli->people && kith_value_count(items) > 0)
        view_put_rows(&out, items, run->cli->colour, cli_now_ms());
    else if (!run->cli->people)
        for (size_t i = 0; i < kith_value_count(items); i++) {
            json_put_value(&out, kith_value_at(items, i));
            text_put_own(&out, "\n");
        }
    return cli_print(&out) == CLI_OK;
}

/* Put where the next page starts; false after the last. A list says so by leaving `next` out; the
 * log always gives it, and ends where it meets last_seq. */
static bool
put_next(struct kith_args *args, const struct kith_value *result)
{
    const struct kith_value *next = kith_get(result, "next");
    if (kith_value_kind(next) == KITH_KIND_STR)
        kith_put_bytes(args, "after", kith_value_str(next), kith_value_size(next));
    else if (kith_value_kind(next) == KITH_KIND_INT &&
             kith_value_int(next) < kith_get_int(result, "last_seq"))
        kith_put_int(args, "after", kith_value_int(next));
    else
        return false;
    return true;
}

static enum cli_exit
run_all(const struct run *run, struct kith_args *args)
{
    for (;;) {
        struct kith_reply *reply;
        enum cli_exit code = call(run, args, &reply);
        if (code != CLI_OK)
            return code;
        const struct kith_value *result = kith_reply_result(reply);
        bool written = print_items(run, result);
        kith_args_clear(args);
        bool more = written && put_next(args, result);
        kith_reply_destroy(reply);
        if (!written)
            return CLI_INTERNAL;
        if (!more)
            return CLI_OK;
        if (!op_args_put(run->cli, run->op, run->words, run->word_count, true, args))
            return CLI_INVALID;
    }
}

static bool
takes_after(enum kith_op op)
{
    return kith_arg_find(op, "after", strlen("after")) != KITH_ARG_COUNT;
}

static enum cli_exit
check_options(const struct cli *cli, const struct op_options *options, enum kith_op op)
{
    if (options->all && !takes_after(op))
        return fail_usage(cli, "%s is no list: --all means nothing here", kith_ops[op].name);
    if (options->id && (strlen(options->id) < 1 || strlen(options->id) > KITH_ID_SIZE_MAX))
        return fail_usage(cli, "--id takes 1 to %d bytes", KITH_ID_SIZE_MAX);
    return CLI_OK;
}

static enum cli_exit
run_op(struct run *run)
{
    struct kith_args *args = kith_args_create();
    if (!args)
        return cli_fail_status(run->cli, KITH_STATUS_NO_MEMORY);
    enum cli_exit code = CLI_INVALID;
    if (op_args_put(run->cli, run->op, run->words, run->word_count, false, args))
        code = cli_open(run->cli, 0, CLI_IMPATIENT, &run->kith);
    if (code == CLI_OK) {
        code = run->options->all ? run_all(run, args) : run_once(run, args);
        kith_close(run->kith);
    }
    kith_args_destroy(args);
    return code;
}

static enum cli_exit
op_run(struct cli *cli, struct option_args *args)
{
    struct op_options options = {0};
    if (!option_parse(cli, args->at[0], &options_table, &options, args))
        return CLI_INVALID;
    enum kith_op op;
    size_t named = op_find(args->at, (size_t)args->count, &op);
    if (named == 0)
        return op_fail_unknown(cli, args->at[0]);
    assert(named <= (size_t)args->count);
    enum cli_exit code = check_options(cli, &options, op);
    if (code != CLI_OK)
        return code;
    struct run run = {.cli = cli,
                      .options = &options,
                      .op = op,
                      .words = args->at + named,
                      .word_count = (size_t)args->count - named};
    return run_op(&run);
}

const struct verb verb_op = {
    .name = "OPERATION",
    .words = "[name=value]...",
    .help = "any operation of the protocol",
    .options = &options_table,
    .run = op_run,
};
