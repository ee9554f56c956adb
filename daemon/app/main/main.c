/* kithd: read the settings, open the parts, serve, close them. */
#include <signal.h>
#include <stdlib.h>

#include "app/daemon.h"
#include "app/diagnostics.h"
#include "app/flags.h"
#include "app/loop.h"
#include "app/memory.h"
#include "app/verify.h"

#define EXIT_USAGE 2 /* wrong flags or settings: starting again would not help */

static const char *
environment(const char *name)
{
    return getenv(name);
}

static unsigned
tell_problems(const struct problems *problems)
{
    for (const char *text = NULL; (text = problems_next(problems, text));)
        diag(DIAG_ERROR, "%s", text);
    if (problems->count > PROBLEMS_COUNT_MAX)
        diag(DIAG_ERROR, "and %u more", problems->count - PROBLEMS_COUNT_MAX);
    return problems->count;
}

static int
serve(const struct config *config, const struct config_sources *sources)
{
    static struct daemon daemon;
    if (!daemon_open(&daemon, config, sources))
        return EXIT_FAILURE;
    struct loop *loop = loop_create(&daemon);
    if (loop) {
        daemon_announce(&daemon);
        loop_run(loop);
        loop_destroy(loop);
    }
    daemon_close(&daemon);
    if (loop)
        diag(DIAG_NOTICE, "stopped");
    return loop ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
check(const struct config *config, unsigned problem_count)
{
    if (problem_count > 0)
        return EXIT_FAILURE;
    config_print(config, stdout);
    return EXIT_SUCCESS;
}

/* With settings that are read, wrong or not. */
static int
act(const struct flags *flags, struct problems *problems)
{
    static struct config config;
    const struct config_sources sources = {
        .file = flags->file,
        .values = flags->values,
        .value_count = flags->value_count,
        .lookup = environment,
    };
    config_load(&config, &sources, problems);
    unsigned problem_count = tell_problems(problems);
    if (flags->action == FLAGS_CHECK)
        return check(&config, problem_count);
    if (flags->action == FLAGS_VERIFY && problem_count == 0)
        return verify_run(&(struct verify_request){
            .config = &config,
            .online = flags->online,
            .deep = flags->deep,
            .json = flags->json,
            .rate = flags->rate,
        });
    return problem_count > 0 ? EXIT_USAGE : serve(&config, &sources);
}

static int
run(const struct flags *flags, struct problems *problems)
{
    switch (flags->action) {
    case FLAGS_HELP:
        flags_print_help(stdout);
        return EXIT_SUCCESS;
    case FLAGS_VERSION:
        puts("kithd " KITH_VERSION);
        return EXIT_SUCCESS;
    case FLAGS_PRINT_CONFIG:
        config_print_reference(stdout);
        return EXIT_SUCCESS;
    case FLAGS_SERVE:
    case FLAGS_CHECK:
    case FLAGS_VERIFY:
        break;
    }
    return act(flags, problems);
}

int
main(int argc, char **argv)
{
    static struct flags flags;
    struct problems problems;
    memory_init();
    diag_init();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* Until the loop takes it: while recovering there is nothing to do. */

    problems_init(&problems);
    flags_read(&flags, argc, argv, environment, &problems);
    int status = tell_problems(&problems) > 0 ? EXIT_USAGE : run(&flags, &problems);
    problems_fini(&problems);
    return status;
}
