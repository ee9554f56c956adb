/* conformance: the cases, against one of the back ends.
 *
 *     conformance --backend core|wire|client [--kithd PATH] [--only TEXT] [--list] [--fail] FILE...
 *
 * --only: the cases with that in their title. --list: name each. --fail: each has to fail, which
 * shows that the language can tell.
 */
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "run.h"

#define FILES_OPEN_MAX 16 /* of nftw() */

static struct {
    const struct backend_ops *ops;
    const char *only; /* only cases with this in their title */
    bool list;        /* say the name of each case */
    bool fail;        /* each case is to fail */
    unsigned held, failed, missing, other;
} program;

/* What runs now, for the last words of a process that a failed assertion ends. */
static char running[512];

static void
on_abort(int number)
{
    ssize_t ignored = write(STDERR_FILENO, running, strlen(running));
    (void)ignored;
    signal(number, SIG_DFL);
}

/* --- directories ------------------------------------------------------------------------------ */

/* In memory where that can be: what is slow about a disk is not looked at here. */
static void
make_dir(char *dir, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(dir, size, "%s/kith-case-XXXXXX", tmp);
    char *made = mkdtemp(dir);
    assert(made != NULL);
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* --- cases ------------------------------------------------------------------------------------ */

/* Once, in a directory of its own. */
static bool
run_once(struct run *run)
{
    char dir[128];
    make_dir(dir, sizeof(dir));
    run->dir = dir;
    bool good = run_case(run);
    nftw(dir, remove_one, FILES_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
    if (!good && (!program.fail || program.list))
        printf("%.*s\n", (int)run->report.size, (const char *)run->report.data);
    buf_fini(&run->report);
    return good;
}

static bool
run_twin(const struct script *script, const struct script_case *one)
{
    struct transcript transcript = {0};
    struct pool pool = {0};
    bool good = true;
    for (unsigned i = 0; i < 2 && good; i++) {
        struct run run = {.ops = program.ops,
                          .script = script,
                          .one = one,
                          .with_secrets = i == 1,
                          .compares = i == 1,
                          .transcript = &transcript};
        run.scope.pool = &pool; /* what is noted outlives the first run */
        transcript.at = transcript.first;
        good = run_once(&run);
    }
    pool_fini(&pool);
    return good;
}

static bool
run_single(const struct script *script, const struct script_case *one)
{
    struct run run = {.ops = program.ops, .script = script, .one = one, .with_secrets = true};
    return run_once(&run);
}

static void
run_one(const struct script *script, const struct script_case *one)
{
    struct slice missing;
    const unsigned line = script->lines[one->first - 1].number;
    snprintf(running, sizeof(running), "%s:%u: %s: ended here\n", script->path, line, one->title);
    if (!run_has_needs(script, one, &missing)) {
        printf("%s:%u: %s: skipped, there is no %.*s\n", script->path, line, one->title,
               (int)missing.size, (const char *)missing.data);
        program.missing++;
        return;
    }
    if (one->is_odd && !program.ops->sends_anything) {
        program.other++;
        return;
    }
    if (program.list)
        printf("%s:%u: %s\n", script->path, line, one->title);
    bool good = one->is_twin ? run_twin(script, one) : run_single(script, one);
    if (good && program.fail)
        printf("%s:%u: %s: holds, and should not\n", script->path, line, one->title);
    program.held += good != program.fail;
    program.failed += good == program.fail;
    fflush(stdout);
}

static void
run_file(const char *path)
{
    struct script script;
    if (!script_read(&script, path)) {
        printf("%s\n", script.wrong);
        program.failed++;
    } else {
        for (unsigned i = 0; i < script.case_count; i++)
            if (!program.only || strstr(script.cases[i].title, program.only))
                run_one(&script, &script.cases[i]);
    }
    script_fini(&script);
}

/* --- the program ------------------------------------------------------------------------------ */

static const struct backend_ops *
find_backend(const char *name)
{
    static const struct backend_ops *const all[] = {&backend_core, &backend_wire, &backend_client};
    for (unsigned i = 0; i < ARRAY_COUNT(all); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static bool
read_flags(int argc, char **argv)
{
    static const struct option options[] = {
        {"backend", required_argument, NULL, 'b'}, {"kithd", required_argument, NULL, 'k'},
        {"only", required_argument, NULL, 'o'},    {"list", no_argument, NULL, 'l'},
        {"fail", no_argument, NULL, 'f'},          {NULL, 0, NULL, 0},
    };
    program.ops = &backend_core;
    for (int flag; (flag = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (flag == 'b')
            program.ops = find_backend(optarg);
        else if (flag == 'k')
            backend_use_kithd(optarg);
        else if (flag == 'o')
            program.only = optarg;
        else if (flag == 'l')
            program.list = true;
        else if (flag == 'f')
            program.fail = true;
        else
            return false;
    }
    return program.ops && optind < argc;
}

int
main(int argc, char **argv)
{
    if (!read_flags(argc, argv)) {
        fprintf(stderr, "usage: conformance --backend core|wire|client [--kithd PATH] "
                        "[--only TEXT] [--list] [--fail] FILE...\n");
        return 2;
    }
    signal(SIGABRT, on_abort);
    signal(SIGPIPE, SIG_IGN);
    for (int i = optind; i < argc; i++)
        run_file(argv[i]);
    printf("%s: %u cases held, %u did not; %u skipped for what is not there yet, %u for what a "
           "library does not send\n",
           program.ops->name, program.held, program.failed, program.missing, program.other);
    return program.failed > 0 || program.held == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
