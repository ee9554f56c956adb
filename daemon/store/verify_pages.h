/* store/verify_pages.h: what LMDB keeps beside the rows: its two heads, and which pages are free.
 *
 * Layer: store (internal). Thread: any. Blocking: reads from the disk.
 */
#ifndef KITH_STORE_VERIFY_PAGES_H
#define KITH_STORE_VERIFY_PAGES_H

#include "store/verify_place.h"

/* Look at both heads of the file at @path. LMDB takes the one with the higher number; were that
 * damaged, it would take the older one without a word, and the last commit would be gone. */
bool pages_heads_are_sound(const char *path);

/* See that each page is used at most once, by a table or by the list of free ones, and has its own
 * number in its head, as of the snapshot, which may be taken anew. The list, too, is read through
 * it: it has no page that was freed since. */
void pages_check_use(struct place *place);

#endif
