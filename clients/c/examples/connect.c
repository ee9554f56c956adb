/* connect.c: one member asks another to connect, and the other accepts.
 *
 *     connect ada bob
 *
 * Commands are safe to repeat: each carries an idempotency key, and what was done once is answered
 * again, not done again. */
#include <stdio.h>
#include <stdlib.h>

#include <kith.h>

/* Print what went wrong, in the daemon's words where it has any. */
static void
complain(const char *op, enum kith_status status, const struct kith_reply *reply)
{
    const char *text = kith_get_str(kith_reply_error(reply), "text");
    fprintf(stderr, "%s: %s\n", op, text ? text : kith_status_text(status));
}

/* Call @op with two members. Returns the reply, or NULL. */
static struct kith_reply *
call(struct kith *kith, const char *op, const char *name_a, const char *a, const char *name_b,
     const char *b)
{
    struct kith_args *args = kith_args_create();
    struct kith_reply *reply;
    if (!args)
        return NULL;
    kith_put_str(args, name_a, a);
    kith_put_str(args, name_b, b);
    enum kith_status status = kith_call(kith, op, args, NULL, &reply);
    kith_args_destroy(args);
    if (status == KITH_STATUS_OK)
        return reply;
    complain(op, status, reply);
    kith_reply_destroy(reply);
    return NULL;
}

static int
connect_members(struct kith *kith, const char *from, const char *to)
{
    struct kith_reply *asked = call(kith, "connection.request", "from", from, "to", to);
    if (!asked)
        return EXIT_FAILURE;
    const char *state = kith_get_str(kith_reply_result(asked), "state");
    printf("%s asked %s: %s\n", from, to, state ? state : "?");
    kith_reply_destroy(asked);

    struct kith_reply *accepted = call(kith, "connection.accept", "member", to, "other", from);
    if (!accepted)
        return EXIT_FAILURE;
    printf("%s accepted, event %llu\n", to, (unsigned long long)kith_reply_pos(accepted));
    kith_reply_destroy(accepted);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct kith *kith;
    if (argc != 3) {
        fprintf(stderr, "usage: %s FROM TO\n", argv[0]);
        return EXIT_FAILURE;
    }
    enum kith_status status = kith_open(&kith, NULL);
    if (status != KITH_STATUS_OK) {
        fprintf(stderr, "%s\n", kith_status_text(status));
        return EXIT_FAILURE;
    }
    for (int i = 1; i <= 2; i++) /* known already is fine as well */
        kith_reply_destroy(call(kith, "member.register", "member", argv[i], "name", argv[i]));
    int outcome = connect_members(kith, argv[1], argv[2]);
    kith_close(kith);
    return outcome;
}
