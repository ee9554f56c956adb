/* version.c: `kith version`. */
#include <stdio.h>

#include "fail.h"
#include "proto/limits.h"
#include "verb.h"

static enum cli_exit
version_run(struct cli *cli, struct option_args *args)
{
    if (args->count > 0 && !option_parse(cli, args->at[0], &option_none, NULL, args))
        return CLI_INVALID;
    if (cli->json)
        printf("{\"version\":\"%s\",\"protocol\":%d}\n", KITH_VERSION, KITH_PROTOCOL_VERSION);
    else
        printf("kith %s, protocol %d\n", KITH_VERSION, KITH_PROTOCOL_VERSION);
    return CLI_OK;
}

const struct verb verb_version = {
    .name = "version",
    .words = "",
    .help = "the version of kith and of the protocol it speaks",
    .options = &option_none,
    .run = version_run,
};
