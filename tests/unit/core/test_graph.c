/* Who is connected to whom, against a matrix: mutuals, shortest ways, suggestions, on random graphs
 * with blocks, suspensions and dismissals; and what a budget ends.
 *
 * A seed may be given as argument; it is printed when something differs. */
#include "world.h"

#include "core/graph.h"

#define N      40 /* members */
#define GRAPHS 6

static uint64_t seed = 7;

static struct {
    bool edge[N][N], blocks[N][N], dismissed[N][N], pending[N][N];
    bool suspended[N];
} naive;

static uint64_t
number_of(unsigned i)
{
    return i + 1; /* they register in order */
}

static void
load(unsigned i, struct member *out)
{
    char id[8];
    snprintf(id, sizeof(id), "m%u", i);
    member_load(store_views(world.store), slice_str(id), out);
    assert_int_equal(out->number, number_of(i));
    out->id = slice_str("-"); /* the text above is gone */
}

/* --- a graph --------------------------------------------------------------------------------- */

static void
connect_some(uint64_t *random, unsigned percent)
{
    for (unsigned a = 0; a < N; a++) {
        struct buf args = {0};
        char pair[64];
        for (unsigned b = a + 1; b < N; b++) {
            if (random_below(random, 100) >= percent)
                continue;
            naive.edge[a][b] = naive.edge[b][a] = true;
            snprintf(pair, sizeof(pair), "%s[m%u, m%u]", args.size ? ", " : "{pairs: [", a, b);
            show(&args, pair);
        }
        if (args.size > 0) {
            show(&args, "]}");
            done("connection.import", "%s", shown(&args));
        }
        buf_fini(&args);
    }
}

/* What stands between strangers; a block ends a connection. */
static void
trouble_some(uint64_t *random)
{
    for (unsigned i = 0; i < 3 * N; i++) {
        unsigned a = (unsigned)random_below(random, N), b = (unsigned)random_below(random, N);
        if (a == b)
            continue;
        switch (random_below(random, 6)) {
        case 0:
            if (naive.pending[a][b] || naive.pending[b][a])
                break;
            done("member.block", "{member: m%u, other: m%u}", a, b);
            naive.blocks[a][b] = true;
            naive.edge[a][b] = naive.edge[b][a] = false;
            break;
        case 1:
            done("connection.dismiss", "{member: m%u, other: m%u}", a, b);
            naive.dismissed[a][b] = true;
            break;
        case 2:
            if (naive.edge[a][b] || naive.pending[a][b] || naive.pending[b][a] ||
                naive.blocks[a][b])
                break;
            done("connection.request", "{from: m%u, to: m%u}", a, b);
            naive.pending[a][b] = true;
            break;
        default:
            break;
        }
    }
    for (unsigned a = 0; a < N; a++)
        if (random_below(random, 8) == 0) {
            done("member.suspend", "{member: m%u}", a);
            naive.suspended[a] = true;
        }
}

static bool
visible(unsigned viewer, unsigned other)
{
    return viewer != other && !naive.suspended[other] && !naive.blocks[viewer][other] &&
           !naive.blocks[other][viewer];
}

/* --- questions ------------------------------------------------------------------------------- */

static void
check_mutuals(unsigned a, unsigned b)
{
    struct member viewer, other;
    struct common common;
    uint64_t active = 0, number;
    load(a, &viewer);
    load(b, &other);
    common_begin(&common, world.core, &viewer, &other, 0);
    for (unsigned c = 0; c < N; c++) {
        if (!naive.edge[a][c] || !naive.edge[b][c])
            continue;
        active += !naive.suspended[c];
        assert_int_equal(common_next(&common), number_of(c)); /* by rising number */
        assert_int_equal(graph_visible(world.core, &viewer, number_of(c)), visible(a, c));
    }
    number = common_next(&common);
    common_end(&common);
    assert_int_equal(number, 0);
    assert_int_equal(graph_mutuals(world.core, &viewer, &other, N, UINT64_MAX), active);
    uint64_t two = graph_mutuals(world.core, &viewer, &other, 2, UINT64_MAX);
    assert_int_equal(two, active < 2 ? active : 2);
}

/* The length of a shortest way through what @a may see; 0: none of three steps. */
static unsigned
naive_degree(unsigned a, unsigned b)
{
    if (a == b || naive.suspended[b])
        return 0;
    if (naive.edge[a][b])
        return 1;
    for (unsigned c = 0; c < N; c++)
        if (naive.edge[a][c] && naive.edge[c][b] && visible(a, c))
            return 2;
    for (unsigned c = 0; c < N; c++)
        for (unsigned d = 0; d < N && naive.edge[a][c] && visible(a, c); d++)
            if (naive.edge[c][d] && naive.edge[d][b] && visible(a, d))
                return 3;
    return 0;
}

static void
check_path(unsigned a, unsigned b)
{
    struct member viewer, other;
    struct path path;
    unsigned degree = naive_degree(a, b), at = a;
    load(a, &viewer);
    load(b, &other);
    for (unsigned max = 1; max <= 3; max++) {
        graph_path(world.core, &viewer, &other, max, &path);
        assert_true(path.complete);
        assert_int_equal(path.degree, degree <= max ? degree : 0);
    }
    for (unsigned i = 0; i + 1 < path.degree; i++) { /* each step is one */
        unsigned next = (unsigned)path.via[i] - 1;
        assert_true(naive.edge[at][next] && visible(a, next));
        at = next;
    }
    if (path.degree > 0)
        assert_true(naive.edge[at][b]);
}

static uint64_t
naive_mutuals_by(unsigned a, unsigned b)
{
    uint64_t count = 0;
    for (unsigned c = 0; c < N; c++)
        count += naive.edge[a][c] && naive.edge[c][b] && visible(a, c);
    return count;
}

static bool
naive_suggests(unsigned a, unsigned b)
{
    return visible(a, b) && !naive.edge[a][b] && !naive.pending[a][b] && !naive.pending[b][a] &&
           !naive.dismissed[a][b] && naive_mutuals_by(a, b) > 0;
}

static void
check_suggestions(unsigned a)
{
    struct member member;
    struct suggestion found[SUGGESTION_COUNT_MAX];
    unsigned wanted = 0;
    load(a, &member);
    for (unsigned b = 0; b < N; b++)
        wanted += naive_suggests(a, b);
    unsigned count = graph_suggest(world.core, &member, SUGGESTION_COUNT_MAX, found);
    assert_int_equal(count, wanted);
    for (unsigned i = 0; i < count; i++) {
        unsigned b = (unsigned)found[i].number - 1;
        assert_true(naive_suggests(a, b));
        assert_int_equal(found[i].mutuals, naive_mutuals_by(a, b));
        if (i > 0) /* best first; of equals, who registered earlier */
            assert_true(
                found[i].score < found[i - 1].score ||
                (found[i].score == found[i - 1].score && found[i].number > found[i - 1].number));
    }
    struct suggestion few[3];
    unsigned less = graph_suggest(world.core, &member, 3, few);
    assert_int_equal(less, count < 3 ? count : 3);
    for (unsigned i = 0; i < less; i++)
        assert_int_equal(few[i].number, found[i].number);
}

static void
test_random_graphs(void **state)
{
    (void)state;
    uint64_t random = seed;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned graph = 0; graph < GRAPHS; graph++) {
        if (graph > 0) {
            world_close();
            scratch_teardown((void **)&world.scratch);
            world_setup((void **)&world.scratch);
        }
        memset(&naive, 0, sizeof(naive));

        register_many(N);
        together();
        connect_some(&random, 2 + 5 * graph);
        trouble_some(&random);
        apart();
        for (unsigned a = 0; a < N; a++) {
            check_suggestions(a);
            for (unsigned b = 0; b < N; b++)
                check_path(a, b);
            for (unsigned b = 0; b < N; b++)
                if (a != b)
                    check_mutuals(a, b);
        }
    }
    *state = world.scratch;
}

/* --- long lists ------------------------------------------------------------------------------ */

/* One of two lists is much longer: its members are looked up, not merged. */
static void
test_a_long_list_is_looked_up_in(void **state)
{
    (void)state;
    struct member hub, few;
    struct common common;
    register_many(100);
    members("hub few"); /* 101 and 102 */
    connect_hub("hub", 0, 99);
    connect_hub("few", 7, 8);
    done("connection.import", "{pairs: [[few, hub]]}");
    member_row("hub", &hub);
    member_row("few", &few);
    for (unsigned turned = 0; turned < 2; turned++) {
        common_begin(&common, world.core, turned ? &hub : &few, turned ? &few : &hub, 0);
        assert_null(common.b);
        assert_int_equal(common_next(&common), 8);
        assert_int_equal(common_next(&common), 9);
        assert_int_equal(common_next(&common), 0);
        assert_int_equal(common.seen, 3);
        common_end(&common);
    }
    common_begin(&common, world.core, &few, &hub, 8);
    assert_int_equal(common_next(&common), 9);
    common_end(&common);
    assert_int_equal(graph_mutuals(world.core, &few, &hub, 9, 1), 1);
    assert_int_equal(graph_mutuals(world.core, &few, &hub, 9, 0), 0);
}

/* --- budgets --------------------------------------------------------------------------------- */

static bool
path_within(int64_t budget, struct path *out)
{
    struct member ada, bob;
    member_row("ada", &ada);
    member_row("bob", &bob);
    world.settings.fof_budget = budget;
    graph_path(world.core, &ada, &bob, 3, out);
    return out->degree > 0;
}

static void
test_a_budget_ends_a_search(void **state)
{
    (void)state;
    struct path path;
    register_many(20);
    members("ada bob");
    connect_hub("ada", 0, 9);
    connect_hub("bob", 10, 19);
    connect_two("m9", "m10");
    int64_t least = 0;
    while (!path_within(least, &path)) { /* each step more, until it is enough */
        assert_false(path.complete);
        least++;
    }
    assert_int_equal(path.degree, 3);
    assert_true(path.complete && least > 20 && least < 60);
    done("connection.remove", "{member: m9, other: m10}");
    assert_false(path_within(1000, &path));
    assert_true(path.complete);
}

static void
test_a_budget_ends_suggestions(void **state)
{
    (void)state;
    struct member ada;
    struct suggestion found[20];
    register_many(20);
    members("ada");
    connect_hub("ada", 0, 1);
    connect_hub("m0", 2, 9);
    connect_hub("m1", 10, 19);
    member_row("ada", &ada);
    static const struct {
        int64_t budget;
        unsigned count;
    } rows[] = {{0, 0}, {1, 0}, {2, 1}, {9, 8}, {10, 8}, {11, 8}, {12, 9}, {1000, 18}};
    for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
        world.settings.fof_budget = rows[i].budget;
        unsigned count = graph_suggest(world.core, &ada, 20, found);
        if (count != rows[i].count) {
            print_error("budget %lld: %u\n", (long long)rows[i].budget, count);
            rows_failed++;
        }
    }
    expect_rows();
}

/* --- ranking --------------------------------------------------------------------------------- */

static void
test_what_counts_for_a_suggestion(void **state)
{
    (void)state;
    members("ada hub");
    done("member.update", "{member: ada, interests: [chess, go, tea]}");
    register_many(6);
    connect_two("ada", "hub");
    connect_hub("hub", 0, 5);
    done("member.update", "{member: m1, interests: [tea, go, rum]}");
    done("interaction.record", "{from: ada, to: m2, kind: share}");
    done("interaction.record", "{from: ada, to: m3, kind: comment}");
    done("interaction.record", "{from: ada, to: m4, kind: like}");
    done("interaction.record", "{from: m5, to: ada, kind: share}"); /* his, not hers */
    done("interaction.record", "{from: ada, to: m5, kind: view}");
    expect("connection.suggest", "{member: ada}",
           "ok {items: [{member: m2, mutuals: 1, score: 4}, {member: m1, mutuals: 1, score: 3}, "
           "{member: m3, mutuals: 1, score: 3}, {member: m4, mutuals: 1, score: 2}, "
           "{member: m0, mutuals: 1, score: 1}, {member: m5, mutuals: 1, score: 1}]}");
    expect_rows();
}

static void
test_who_waits_for_many_comes_last(void **state)
{
    (void)state;
    members("ada hub x");
    register_many(3);
    connect_two("ada", "hub");
    connect_hub("hub", 0, 2);
    done("connection.request", "{from: x, to: m0}");
    world.settings.tiers[2].inbound_day = 1;
    expect("connection.suggest", "{member: ada, limit: 2}",
           "ok {items: [{member: m1, mutuals: 1, score: 1}, {member: m2, mutuals: 1, score: 1}]}");
    expect("connection.suggest", "{member: ada}",
           "ok {items: [{member: m1, mutuals: 1, score: 1}, {member: m2, mutuals: 1, score: 1}, "
           "{member: m0, mutuals: 1, score: 1}]}");
    expect_rows();
}

/* Whoever ended something not long ago is not suggested, on either side. */
static void
test_who_parted_is_not_suggested(void **state)
{
    (void)state;
    members("ada hub bob");
    done("connection.import", "{pairs: [[ada, hub], [hub, bob], [ada, bob]]}");
    done("connection.remove", "{member: ada, other: bob}");
    expect("connection.suggest", "{member: ada}", "ok {items: []}");
    expect("connection.suggest", "{member: bob}", "ok {items: []}");
    world.now_ms += 30 * DAY_MS;
    expect("connection.suggest", "{member: bob}",
           "ok {items: [{member: ada, mutuals: 1, score: 1}]}");
    expect_rows();
}

/* In a batch that is nearly full, a page of mutual connections ends early, or is too large. */
static void
test_mutuals_where_room_is_short(void **state)
{
    (void)state;
    members("ada bob cyd dan");
    connect_two("ada", "cyd");
    connect_two("ada", "dan");
    connect_two("bob", "cyd");
    connect_two("bob", "dan");
    expect_in(10, "connection.mutuals", "{viewer: ada, other: bob}", "too_large");
    expect_in(150, "connection.mutuals", "{viewer: ada, other: bob}",
              "ok {items: [{member: cyd}], count: 2, next: 00000003}");
    expect_in(200, "connection.mutuals", "{viewer: ada, other: bob}",
              "ok {items: [{member: cyd}, {member: dan}], count: 2}");
    expect_rows();
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        world_test(test_random_graphs),
        world_test(test_a_long_list_is_looked_up_in),
        world_test(test_a_budget_ends_a_search),
        world_test(test_a_budget_ends_suggestions),
        world_test(test_what_counts_for_a_suggestion),
        world_test(test_who_waits_for_many_comes_last),
        world_test(test_who_parted_is_not_suggested),
        world_test(test_mutuals_where_room_is_short),
    };
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
