/* completion.c: `kith completion bash|zsh` prints the script to be read by that shell. */
#include <stdio.h>

#include "completion_scripts.h"
#include "fail.h"
#include "verb.h"

static const struct script {
    const char *shell;
    const unsigned char *text;
    const size_t *size;
} scripts[] = {
    {"bash", completion_bash, &completion_bash_size},
    {"zsh", completion_zsh, &completion_zsh_size},
};

static enum cli_exit
completion_run(struct cli *cli, struct option_args *args)
{
    if (!option_parse(cli, args->at[0], &option_none, NULL, args))
        return CLI_INVALID;
    for (size_t i = 0; args->count == 2 && i < ARRAY_COUNT(scripts); i++)
        if (strcmp(scripts[i].shell, args->at[1]) == 0) {
            fwrite(scripts[i].text, 1, *scripts[i].size, stdout);
            return CLI_OK;
        }
    return fail_usage(cli, "which shell? bash or zsh\nkith completion bash");
}

const struct verb verb_completion = {
    .name = "completion",
    .words = "bash|zsh",
    .help = "a script that lets the shell complete verbs, operations and arguments",
    .more = "  bash:  source <(kith completion bash)\n"
            "  zsh:   source <(kith completion zsh)",
    .options = &option_none,
    .run = completion_run,
};
