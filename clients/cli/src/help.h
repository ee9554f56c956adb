/* help.h: what `kith` says about itself, made from the tables of verbs, options and operations.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli.h"

/* One screen: how to call it, the verbs, the operations, the exit codes. */
void help_overview(FILE *to);

/* Help on what @words (borrowed; may be none) name: a verb or an operation. */
enum cli_exit help_put(const struct cli *cli, int count, char *const *words);

#endif
