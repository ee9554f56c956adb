/* cursors.c: `kith cursors`: where the subscribers are. */
#include "fail.h"
#include "verb.h"

static enum cli_exit
cursors_run(struct cli *cli, struct option_args *args)
{
    static char op[] = "cursor.list", all[] = "--all";
    char *words[] = {op, all, NULL};
    struct option_args list = {2, words};
    if (!option_parse(cli, args->at[0], &option_none, NULL, args))
        return CLI_INVALID;
    if (args->count > 1)
        return fail_usage(cli, "cursors takes no words: '%s'\nmeant cursor.get %s?", args->at[1],
                          args->at[1]);
    return verb_op.run(cli, &list);
}

const struct verb verb_cursors = {
    .name = "cursors",
    .words = "",
    .help = "where the subscribers are, and how many events behind",
    .more = "  A cursor is made by `kith watch --cursor NAME`, by a client, or by cursor.commit;\n"
            "  cursor.delete forgets one.",
    .options = &option_none,
    .run = cursors_run,
};
