#include "pending.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/endian.h"

#define CAPACITY_MIN 256

/* Where SP tells a request from a hop on its way. */
#define REQUEST_MARK 0x80000000u

/* A pooled request that carried a large batch does not keep its memory. */
#define POOLED_SIZE_MAX (16 * 1024)

bool
pending_init(struct pending_table *table)
{
    *table = (struct pending_table){.capacity = CAPACITY_MIN};
    link_init(&table->pool);
    table->place = calloc(table->capacity, sizeof(table->place[0]));
    /* Anywhere will do; without randomness from the start. */
    if (getrandom(&table->next_number, sizeof(table->next_number), GRND_NONBLOCK) < 0)
        table->next_number = 0;
    return table->place;
}

void
pending_fini(struct pending_table *table)
{
    assert(table->count == 0);
    while (!link_is_empty(&table->pool)) {
        struct pending *pending = CONTAINER_OF(table->pool.next, struct pending, link);
        link_remove(&pending->link);
        buf_fini(&pending->message);
        free(pending);
    }
    free(table->place);
    *table = (struct pending_table){0};
}

struct pending *
pending_create(struct pending_table *table)
{
    struct pending *pending;
    struct buf message = {0};
    if (link_is_empty(&table->pool)) {
        pending = malloc(sizeof(*pending));
        if (!pending)
            return NULL;
    } else {
        pending = CONTAINER_OF(table->pool.prev, struct pending, link);
        link_remove(&pending->link);
        message = pending->message;
        buf_clear(&message);
    }
    *pending = (struct pending){.message = message};
    link_init(&pending->link);
    buf_append(&pending->message, "\0\0\0", sizeof(uint32_t));
    return pending;
}

void
pending_destroy(struct pending_table *table, struct pending *pending)
{
    assert(pending->number == 0 && !pending->answer.data);
    if (pending->message.capacity > POOLED_SIZE_MAX)
        buf_fini(&pending->message);
    link_remove(&pending->link);
    link_append(&table->pool, &pending->link);
}

static struct pending **
place_of(const struct pending_table *table, uint32_t number)
{
    return &table->place[number & (table->capacity - 1)];
}

/* Numbers that differ modulo the old size differ modulo the new one: nothing collides. */
static bool
grow(struct pending_table *table)
{
    struct pending_table larger = *table;
    larger.capacity *= 2;
    larger.place = calloc(larger.capacity, sizeof(larger.place[0]));
    if (!larger.place)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->place[i])
            *place_of(&larger, table->place[i]->number) = table->place[i];
    free(table->place);
    table->place = larger.place;
    table->capacity = larger.capacity;
    return true;
}

bool
pending_put(struct pending_table *table, struct pending *pending)
{
    assert(pending->number == 0);
    assert(pending->message.size > sizeof(uint32_t));
    if (table->count * 2 >= table->capacity && !grow(table))
        return false;

    uint32_t number;
    do
        number = table->next_number++ | REQUEST_MARK;
    while (*place_of(table, number));
    *place_of(table, number) = pending;
    table->count++;
    pending->number = number;
    put_be32(pending->message.data, number);
    return true;
}

struct pending *
pending_find(const struct pending_table *table, uint32_t number)
{
    struct pending *pending = *place_of(table, number);
    return pending && pending->number == number ? pending : NULL;
}

void
pending_remove(struct pending_table *table, struct pending *pending)
{
    assert(*place_of(table, pending->number) == pending);
    assert(table->count > 0);
    *place_of(table, pending->number) = NULL;
    table->count--;
    pending->number = 0;
}
