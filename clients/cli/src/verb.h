/* verb.h: the verbs of `kith`, one row and one file each.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "option.h"

struct verb {
    const char *name;
    const char *words; /* what stands behind it: "FILE|-"; "" for nothing */
    const char *help;  /* one line */
    const char *more;  /* paragraphs for `kith VERB --help`; NULL: none */
    const struct option_table *options;
    bool hidden; /* for machines: in neither help nor completion */
    /* @args->at[0] is the verb. Tells what fails, and returns the exit code. */
    enum cli_exit (*run)(struct cli *cli, struct option_args *args);
};

extern const struct verb *const verbs[];
extern const size_t verb_count;

/* The verb called @name, or NULL. */
const struct verb *verb_find(const char *name);

/* Each is defined in the file of its name. verb_op is any operation of the protocol and stands in
 * no table: it is what runs where no verb has the name. */
extern const struct verb verb_op;
extern const struct verb verb_cursors, verb_health, verb_invite;
extern const struct verb verb_watch, verb_import, verb_bench, verb_help, verb_completion,
    verb_version, verb_verify;
extern const struct verb verb_complete, verb_bench_echo_server;

/* Options for a verb that has none of its own. */
extern const struct option_table option_none;

#endif
