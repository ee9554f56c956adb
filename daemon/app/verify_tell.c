#include "app/verify_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/diagnostics.h"
#include "base/assert.h"

#define LINE_MS          3000 /* between two lines in a file or a pipe */
#define TERMINAL_LINE_MS 200
#define BAR_SIZE         24

void
teller_init(struct teller *teller, bool is_json, msec_t now_ms)
{
    *teller = (struct teller){
        .is_json = is_json, .is_terminal = isatty(STDERR_FILENO) == 1, .told_ms = now_ms};
}

/* Of a child that has ended in a crash, too. */
static void
wipe(const struct teller *teller)
{
    if (teller->is_terminal)
        fputs("\r\033[K", stderr);
}

static void
print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= ' ')
            putchar(*text);
    }
    putchar('"');
}

void
tell_online(const struct teller *teller, long owner)
{
    if (teller->is_json)
        printf("{\"online\":true,\"process\":%ld}\n", owner);
    else if (owner)
        printf("the daemon runs (process %ld): looked at in snapshots, of the views a table at a "
               "time; "
               "pages freed meanwhile are kept, so that the files may grow\n",
               owner);
    else
        puts("looked at in snapshots, as beside a running daemon");
    fflush(stdout);
}

void
tell_finding(const struct teller *teller, const struct verify_finding *finding)
{
    wipe(teller);
    if (teller->is_json) {
        printf("{\"finding\":");
        print_json_text(finding->text);
        if (finding->first)
            printf(",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64, finding->first,
                   finding->last);
        puts("}");
    } else if (finding->first == 0) {
        printf("DAMAGED  %s\n", finding->text);
    } else if (finding->first == finding->last) {
        printf("DAMAGED  event %" PRIu64 ": %s\n", finding->first, finding->text);
    } else {
        printf("DAMAGED  events %" PRIu64 "-%" PRIu64 ": %s\n", finding->first, finding->last,
               finding->text);
    }
    fflush(stdout); /* The next page may be the end of this process. */
}

/* Rows of the views come first, then events, each with a bar of its own. */
static void
draw_bar(const struct verify_state *state)
{
    char bar[BAR_SIZE + 1];
    bool in_log = state->events_count > 0;
    uint64_t done = in_log ? state->events : state->rows;
    uint64_t count = in_log ? state->events_count : state->row_count;
    size_t filled = count == 0 ? 0 : (size_t)(done * BAR_SIZE / count);
    for (size_t i = 0; i < BAR_SIZE; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_SIZE] = 0;
    fprintf(stderr, "\r\033[K[%s] %" PRIu64 " of %" PRIu64 " %s", bar, done, count,
            in_log ? "events" : "rows of views");
}

void
tell_progress(struct teller *teller, const struct verify_state *state, msec_t now_ms)
{
    if (now_ms - teller->told_ms < (teller->is_terminal ? TERMINAL_LINE_MS : LINE_MS))
        return;
    teller->told_ms = now_ms;
    if (teller->is_terminal)
        draw_bar(state);
    else
        diag(DIAG_INFO,
             "verifying: %" PRIu64 " of %" PRIu64 " rows of views, %" PRIu64 " of %" PRIu64
             " events so far",
             state->rows, state->row_count, state->events, state->events_count);
}

void
tell_end(const struct teller *teller, const struct verify_state *state)
{
    bool good = state->findings == 0;
    bool is_half = state->is_part && !state->has_mark;
    bool is_seen = state->has_views && !is_half;
    wipe(teller);
    if (teller->is_json) {
        printf("{\"ok\":%s,\"findings\":%u,\"epoch\":\"%016" PRIx64 "\",\"first_seq\":%" PRIu64
               ",\"last_seq\":%" PRIu64 ",\"events\":%" PRIu64 ",\"keys\":%" PRIu64
               ",\"views\":%s,\"views_seen\":%s,\"applied\":%" PRIu64 ",\"rows\":%" PRIu64 "}\n",
               good ? "true" : "false", state->findings, state->epoch, state->first_seq,
               state->last_seq, state->events, state->keys, state->has_views ? "true" : "false",
               is_seen ? "true" : "false", state->applied, state->rows);
        return;
    }
    printf("%s  %" PRIu64 " events, %" PRIu64 "-%" PRIu64 ", epoch %016" PRIx64 "; %" PRIu64
           " keys; ",
           good ? "sound" : "DAMAGED", state->events, state->first_seq, state->last_seq,
           state->epoch, state->keys);
    if (is_half)
        printf("views not looked at: a checkpoint ended half way, which the next start takes back");
    else if (state->has_views)
        printf("views up to %" PRIu64 ", %" PRIu64 " rows", state->applied, state->rows);
    else
        printf("no views (the next start makes them)");
    printf(good ? "\n" : "; %u findings\n", state->findings);
}
