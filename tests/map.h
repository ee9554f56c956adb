/* tests/map.h: look into an encoded map.
 *
 * For tests of every kind: they read what the daemon wrote with its own reader, and take a message
 * apart no further than they must.
 */
#ifndef KITH_TESTS_MAP_H
#define KITH_TESTS_MAP_H

#include "codec/reader.h"

/* The value of @key, borrowed from @map; absent where there is none, or where @map is no map. */
static inline struct slice
map_get(struct slice map, struct slice key)
{
    struct reader reader;
    reader_init(&reader, map);
    uint32_t count = map.data && reader_peek(&reader) == READER_MAP ? reader_map(&reader) : 0;
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct slice name = reader_str(&reader), value = reader_skip(&reader);
        if (slice_equal(name, key))
            return value;
    }
    return (struct slice){0};
}

/* The same by a name of this program's own. */
static inline struct slice
map_find(struct slice map, const char *name)
{
    return map_get(map, slice_str(name));
}

#endif
