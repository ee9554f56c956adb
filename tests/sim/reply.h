/* sim/reply.h: look into what the daemon answered, and show it. */
#ifndef KITH_SIM_REPLY_H
#define KITH_SIM_REPLY_H

#include <stdio.h>

#include "base/types.h"

struct reply {
    struct slice id; /* absent: nil */
    bool ok, dup;
    seq_t pos;
    msec_t at_ms;
    struct slice body; /* encoded: the result, or the error */
};

/* Take one reply apart, or an item of a batch; slices point into @message. False if it is none. */
bool reply_read(struct slice message, struct reply *out);

/* The encoded value at a path of keys such as "quota.left" below @map. False if there is none. */
bool reply_find(struct slice map, const char *path, struct slice *value);

/* Values at a path; absent or zero where there is none of that type. */
struct slice reply_str(struct slice map, const char *path);
int64_t reply_num(struct slice map, const char *path);

/* Print any encoded value for people, in the manner of JSON. */
void reply_print(FILE *out, struct slice value);

#endif
