#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "when.h"

#define BAR_WIDTH          28
#define TERMINAL_PERIOD_NS UINT64_C(100000000)  /* ten a second look steady */
#define PIPE_PERIOD_NS     UINT64_C(3000000000) /* in a journal, seldom is enough */
#define STUCK_NS           UINT64_C(2000000000) /* no answer for so long: kithd is away */

void
progress_begin(struct progress *progress, const struct cli *cli, const char *what, uint64_t total)
{
    uint64_t now_ns = cli_now_ns();
    bool terminal = isatty(STDERR_FILENO);
    *progress = (struct progress){
        .what = what,
        .total = total,
        .start_ns = now_ns,
        .told_ns = now_ns,
        .moved_ns = now_ns,
        .period_ns = terminal ? TERMINAL_PERIOD_NS : PIPE_PERIOD_NS,
        .terminal = terminal,
        .silent = cli->json,
    };
}

static void
put_bar(struct buf *out, uint64_t done, uint64_t total)
{
    size_t filled = total ? (size_t)(done * BAR_WIDTH / total) : BAR_WIDTH;
    assert(filled <= BAR_WIDTH);
    text_put_own(out, " [");
    for (size_t i = 0; i < BAR_WIDTH; i++)
        text_put_own(out, i < filled ? "#" : ".");
    text_put_own(out, "]");
}

static void
tell(struct progress *progress, uint64_t now_ns, bool last)
{
    struct buf out = {0};
    double seconds = (double)(now_ns - progress->start_ns) / 1e9;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;
    uint64_t left = progress->total - progress->done;
    text_put_own(&out, progress->terminal ? "\r\033[K" : "");
    text_printf(&out, "kith: %s %llu of %llu", progress->what, (unsigned long long)progress->done,
                (unsigned long long)progress->total);
    if (progress->terminal)
        put_bar(&out, progress->done, progress->total);
    text_printf(&out, " %.0f/s", rate);
    if (!last && now_ns - progress->moved_ns > STUCK_NS)
        text_put_own(&out, ", waiting for kithd");
    else if (!last && rate > 0) {
        text_put_own(&out, ", ");
        when_put_duration(&out, (uint64_t)((double)left / rate * 1000));
        text_put_own(&out, " left");
    }
    text_put_own(&out, progress->terminal && !last ? "" : "\n");
    if (!out.failed)
        fwrite(out.data, 1, out.size, stderr);
    buf_fini(&out);
}

void
progress_tell(struct progress *progress, uint64_t done)
{
    assert(done >= progress->done);
    uint64_t now_ns = cli_now_ns();
    if (done > progress->done)
        progress->moved_ns = now_ns;
    progress->done = done > progress->total ? progress->total : done;
    if (progress->silent || now_ns - progress->told_ns < progress->period_ns)
        return;
    progress->told_ns = now_ns;
    tell(progress, now_ns, false);
}

void
progress_end(struct progress *progress)
{
    if (!progress->silent)
        tell(progress, cli_now_ns(), true);
}
