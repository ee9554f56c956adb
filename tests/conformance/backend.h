/* backend.h: what the cases run against.
 *
 * One interpreter sends encoded messages and reads encoded replies; who carries them differs: the
 * core in this process, raw bytes to a daemon, or the client library.
 */
#ifndef KITH_CONFORMANCE_BACKEND_H
#define KITH_CONFORMANCE_BACKEND_H

#include "base/buf.h"
#include "base/fault.h"

#define BACKEND_SETTINGS_MAX 32

/* Settings as `kithd --set KEY=VALUE` takes them, in rising precedence. */
struct backend_settings {
    const char *file; /* with others, which these come before; or NULL */
    unsigned count;
    struct {
        const char *key, *text; /* borrowed until the back end is closed */
    } list[BACKEND_SETTINGS_MAX];
};

struct backend;

struct backend_ops {
    const char *name;
    bool sends_anything; /* also what is no operation, and fields around it */

    /* A fresh one, in @dir, which is empty and goes away later. NULL with @fault. */
    struct backend *(*open)(const char *dir, const struct backend_settings *settings,
                            struct fault *fault);
    /* Send @message, and append the answer to @reply, which is empty. */
    bool (*exchange)(struct backend *backend, struct slice message, struct buf *reply,
                     struct fault *fault);
    /* End it, in whatever way is the hardest, and start it anew. */
    bool (*restart)(struct backend *backend, const struct backend_settings *settings,
                    struct fault *fault);
    /* What can be said after the case. */
    bool (*audit)(struct backend *backend, struct fault *fault);
    /* False if it did not end well. */
    bool (*close)(struct backend *backend, struct fault *fault);
};

extern const struct backend_ops backend_core, backend_wire, backend_client;

/* How the setting @key begins where it is given to the daemon: a tier's limit by itself is that of
 * the tier free, "tier.free."; else "". NULL if there is no such setting. */
const char *backend_setting_prefix(struct slice key);

/* The daemon that the others start; borrowed. */
void backend_use_kithd(const char *path);

#endif
