/* A log whose beginning is gone: who reads from there is told, and nobody skips anything. */
#include "world.h"

#include "base/endian.h"
#include "store/row.h"

#define TRIMMED 3

static void
del(struct mdb_place *place, seq_t seq)
{
    uint8_t name[8];
    put_be64(name, seq);
    MDB_val key = {sizeof(name), name};
    check(mdb_del(place->txn, place->table, &key, NULL) == 0);
}

static uint64_t
checksum_of(struct mdb_place *place, seq_t seq)
{
    uint8_t name[8];
    put_be64(name, seq);
    MDB_val key = {sizeof(name), name}, value;
    check(mdb_get(place->txn, place->table, &key, &value) == 0);
    return get_be64(value.mv_data);
}

/* What a trim leaves: no records up to TRIMMED, and the base that the next one stands on. */
static void
trim(void)
{
    uint8_t row[16 + ROW_TRAILER_SIZE];
    struct slice name = slice_str("base");
    world_close();
    struct mdb_place events = mdb_place_open(world.scratch, "data/log", "events");
    put_be64(row, TRIMMED);
    put_be64(row + 8, checksum_of(&events, TRIMMED));
    for (seq_t seq = 1; seq <= TRIMMED; seq++)
        del(&events, seq);
    mdb_place_close(&events);

    put_be32(row + 16, (uint32_t)row_hash(0, name, slice_of(row, 16)));
    struct mdb_place meta = mdb_place_open(world.scratch, "data/log", "meta");
    MDB_val key = {name.size, (void *)(uintptr_t)name.data}, value = {sizeof(row), row};
    check(mdb_put(meta.txn, meta.table, &key, &value, 0) == 0);
    mdb_place_close(&meta);
    world_open();
}

static void
test_what_is_gone_is_told(void **state)
{
    (void)state;
    members("ada bob cid dan eve");
    done("connection.request", "{from: ada, to: eve}");
    trim();
    expect("server.hello", "{}", "ok {first_seq: 4, last_seq: 6, …}");
    expect("event.read", "{after: 0}", "trimmed {first_seq: 4}");
    expect("event.read", "{after: 2}", "trimmed {first_seq: 4}");
    expect("event.read", "{after: 5, types: [none]}", "ok {events: [], next: 6, last_seq: 6}");
    expect("event.read", "{types: [none]}", "ok {events: [], next: 6, last_seq: 6}");
    expect("subscription.fetch", "{name: s, worker: w, after: 1}", "bad_argument {field: after}");
    expect("subscription.fetch", "{name: s, worker: w, types: [none]}",
           "ok {items: [], open: 0, parked: 0, next: 6, last_seq: 6}");
}

/* In a feed it is told by the feed's own numbers. */
static void
test_a_feed_tells_its_own(void **state)
{
    (void)state;
    members("ada bob cid dan eve");
    done("connection.request", "{from: ada, to: eve}");
    trim();
    expect("event.read", "{member: ada, after: 0}", "trimmed {first_seq: 2}");
    expect("event.read", "{member: ada, types: [none]}", "ok {events: [], next: 2, last_seq: 2}");
    expect("event.read", "{member: ada, after: 1, types: [none]}",
           "ok {events: [], next: 2, last_seq: 2}");
    expect("event.read", "{member: eve, after: 0, types: [none]}",
           "ok {events: [], next: 2, last_seq: 2}");
    expect("event.read", "{member: bob, after: 0}", "trimmed {first_seq: 2}");
    expect("event.read", "{member: bob}", "ok {events: [], next: 1, last_seq: 1}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_what_is_gone_is_told),
        world_test(test_a_feed_tells_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
