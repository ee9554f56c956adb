/* store/page.h: reading LMDB's pages by their layout, that of LMDB 0.9 on 64-bit machines.
 *
 * Layer: store (internal). Pure. Thread: any.
 */
#ifndef KITH_STORE_PAGE_H
#define KITH_STORE_PAGE_H

#include <string.h>

#include "base/types.h"

#define PAGE_START_SIZE 16 /* what every page begins with */

/* Numbers as LMDB writes them: as the machine does, and anywhere. */
static inline uint16_t
page_load16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t
page_load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t
page_load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

#endif
