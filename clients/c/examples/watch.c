/* watch.c: print every event, from a position on, and never one twice or none.
 *
 *     watch [AFTER]
 *
 * Whoever writes the last number down in the same step as what he does with the event, and starts
 * from it next time, has handled each exactly once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <kith.h>

static bool
on_news(void *context, enum kith_news news, uint64_t seq, const struct kith_value *event)
{
    (void)context;
    switch (news) {
    case KITH_NEWS_EVENT: {
        const char *type = kith_get_str(event, "type");
        printf("%" PRIu64 "\t%s\n", seq, type ? type : "?");
        break;
    }
    case KITH_NEWS_CAUGHT_UP:
        fprintf(stderr, "-- live after %" PRIu64 "\n", seq);
        break;
    case KITH_NEWS_FELL_BEHIND:
        fprintf(stderr, "-- reading the log again after %" PRIu64 "\n", seq);
        break;
    case KITH_NEWS_EPOCH:
        fprintf(stderr, "-- this is another log\n");
        break;
    }
    return fflush(stdout) == 0; /* stop when nobody reads */
}

int
main(int argc, char **argv)
{
    struct kith *kith;
    const struct kith_subscribe_options options = {
        .after = argc > 1 ? strtoull(argv[1], NULL, 10) : 0,
    };
    enum kith_status status = kith_open(&kith, NULL);
    if (status == KITH_STATUS_OK) {
        status = kith_subscribe(kith, &options, on_news, NULL);
        kith_close(kith);
    }
    fprintf(stderr, "%s\n", kith_status_text(status));
    return status == KITH_STATUS_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}
