#include "verb.h"

const struct option_table option_none = {NULL, 0};

const struct verb *const verbs[] = {
    &verb_invite,  &verb_health,     &verb_cursors,  &verb_watch,
    &verb_import,  &verb_bench,      &verb_verify,   &verb_help,
    &verb_version, &verb_completion, &verb_complete, &verb_bench_echo_server,
};

const size_t verb_count = ARRAY_COUNT(verbs);

const struct verb *
verb_find(const char *name)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}
