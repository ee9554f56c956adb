/* store/verify_pages.h: what LMDB keeps beside the rows: which pages are free.
 *
 * Layer: store (internal). Thread: any. Blocking: reads from the disk.
 */
#ifndef KITH_STORE_VERIFY_PAGES_H
#define KITH_STORE_VERIFY_PAGES_H

#include "store/verify_place.h"

/* See that each page is used at most once, by a table or by the list of free ones, and has its own
 * number in its head, as of the snapshot, which may be taken anew. The list, too, is read through
 * it: it has no page that was freed since. */
void pages_check_use(struct place *place);

#endif
