/* app/flags.h: the command line and the environment.
 *
 * Layer: app. Pure: what is wrong is returned, not printed.
 */
#ifndef KITH_APP_FLAGS_H
#define KITH_APP_FLAGS_H

#include "app/config.h"

#define FLAGS_VALUE_COUNT_MAX 64 /* each --command counts */

enum flags_action {
    FLAGS_SERVE,
    FLAGS_CHECK,
    FLAGS_VERIFY,
    FLAGS_PRINT_CONFIG,
    FLAGS_HELP,
    FLAGS_VERSION
};

struct flags {
    enum flags_action action;
    bool online, deep, json;                           /* of --verify, and so is the rate: */
    int64_t rate;                                      /* bytes a second; 0: no limit */
    const char *file;                                  /* the configuration file, or NULL */
    struct config_value values[FLAGS_VALUE_COUNT_MAX]; /* the environment's, then the flags' */
    unsigned value_count;
    char set_keys[FLAGS_VALUE_COUNT_MAX][CONFIG_FLAG_SIZE_MAX]; /* those of --set */
    char file_path[CONFIG_PATH_SIZE_MAX];
};

/* Read the command line (borrowed as long as @flags is used) and the environment. */
void flags_read(struct flags *flags, int argc, char **argv, const char *(*lookup)(const char *),
                struct problems *problems);

void flags_print_help(FILE *out);

#endif
