#include "base/types.h"
#include "kith.h"

static const char *const texts[] = {
    [KITH_STATUS_OK] = "done",
    [KITH_STATUS_REFUSED] = "the daemon refused it",
    [KITH_STATUS_TIMEOUT] = "no answer in time; a command may or may not have been done",
    [KITH_STATUS_BAD_URL] = "the url is neither ipc://PATH (at most 107 bytes) nor tcp://HOST:PORT",
    [KITH_STATUS_BAD_REPLY] = "what answers there does not speak kith protocol 1",
    [KITH_STATUS_TOO_LARGE] = "the message would be larger than 1 MiB",
    [KITH_STATUS_FULL] = "the window is full; take replies first",
    [KITH_STATUS_NO_MEMORY] = "out of memory or of descriptors",
    [KITH_STATUS_STOPPED] = "stopped",
};

const char *
kith_status_text(enum kith_status status)
{
    size_t index = (size_t)status;
    return index < ARRAY_COUNT(texts) && texts[index] ? texts[index] : "unknown status";
}
