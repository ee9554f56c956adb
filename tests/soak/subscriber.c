/* A subscriber that keeps its place in a file, and may be killed at any time.
 *
 *     soak_subscriber URL EVENTS_URL FILE
 *
 * The file is a map of three numbers: the last sequence told, how many were told by all processes
 * that had it, and what was told out of order, if anything was. It outlives the process. The first
 * is written last: killed between the two, the next one is told that event again and counts it
 * again, which is why the order is what matters, and the count at most some more. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kith.h"

struct place {
    uint64_t last, told, broken;
};

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    struct place *place = context;
    bool is_event = news == KITH_NEWS_EVENT;
    bool is_next = seq == place->last + 1 && kith_get_int(event, "seq") == (int64_t)seq;
    if (news == KITH_NEWS_EPOCH || (is_event && !is_next))
        __atomic_store_n(&place->broken, seq > 0 ? seq : UINT64_MAX, __ATOMIC_SEQ_CST);
    if (is_event && is_next) {
        __atomic_store_n(&place->told, place->told + 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&place->last, seq, __ATOMIC_SEQ_CST);
    }
    return place->broken == 0;
}

int
main(int argc, char **argv)
{
    int fd = argc == 4 ? open(argv[3], O_RDWR | O_CREAT, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof(struct place)) != 0) {
        fprintf(stderr, "soak_subscriber URL EVENTS_URL FILE\n");
        return 1;
    }
    struct place *place = mmap(NULL, sizeof(*place), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct kith *kith = NULL;
    const struct kith_options options = {.url = argv[1], .events_url = argv[2]};
    if (place == MAP_FAILED || kith_open(&kith, &options) != KITH_STATUS_OK)
        return 1;
    const struct kith_subscribe_options from = {.after = place->last};
    enum kith_status status = kith_subscribe(kith, &from, on_news, place);
    fprintf(stderr, "soak_subscriber: %s at %llu\n", kith_status_text(status),
            (unsigned long long)place->last);
    return 2;
}
