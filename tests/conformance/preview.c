/* Whatever connection.preview says of a request is what connection.request then answers. */
#include "codec/writer.h"
#include "proto/schema.h"
#include "run.h"

/* The result without the request's name, which is only made when there is one; or the error. */
static void
show_outcome(struct slice reply, struct buf *out)
{
    struct show_mask mask = {.without = "request"};
    bool ok = judge_is_ok(reply);
    show_value(map_find(reply, ok ? "result" : "error"), &mask, out);
}

/* Such an answer is not about the request, but about its id. */
static bool
is_about_id(struct slice reply)
{
    struct slice error = map_find(reply, "error");
    return map_find(reply, "dup").data || slice_is(message_text(error, "field"), "id") ||
           slice_is(message_text(error, "code"), "id_required") ||
           slice_is(message_text(error, "code"), "idempotency_mismatch");
}

void
preview_ask(struct run *run)
{
    static const char op[] = "connection.preview";
    struct slice message = buf_slice(&run->message), args = map_find(message, "args");
    struct buf question = {0}, reply = {0};
    struct fault fault;

    buf_clear(&run->foretold);
    if (!slice_is(message_text(message, "op"), "connection.request") || !args.data ||
        kith_op_find(op, strlen(op)) == KITH_OP_COUNT)
        return;
    write_map(&question, 3);
    write_cstr(&question, "v");
    write_uint(&question, KITH_PROTOCOL_VERSION);
    write_cstr(&question, "op");
    write_cstr(&question, op);
    write_cstr(&question, "args");
    write_raw(&question, args);
    if (run->ops->exchange(run->backend, buf_slice(&question), &reply, &fault))
        show_outcome(buf_slice(&reply), &run->foretold);
    buf_fini(&question);
    buf_fini(&reply);
}

bool
preview_compare(struct run *run, struct slice reply)
{
    struct buf outcome = {0};
    bool good = true;
    if (run->foretold.size == 0 || is_about_id(reply))
        return true;
    show_outcome(reply, &outcome);
    if (!slice_equal(buf_slice(&outcome), buf_slice(&run->foretold)))
        good = run_fail(run, run->line,
                        "connection.preview had said\n    %.*s\n    and connection.request "
                        "answered\n    %.*s",
                        (int)run->foretold.size, (const char *)run->foretold.data,
                        (int)outcome.size, (const char *)outcome.data);
    buf_fini(&outcome);
    return good;
}
