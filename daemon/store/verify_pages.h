/* store/verify_pages.h: what LMDB keeps beside the rows: its two heads, and which pages are free.
 *
 * Layer: store (internal). Thread: any. Blocking: reads from the disk.
 */
#ifndef KITH_STORE_VERIFY_PAGES_H
#define KITH_STORE_VERIFY_PAGES_H

#include <lmdb.h>

#include "store/verify.h"

/* How a finding is told. */
typedef void pages_found(const struct verify *verify, seq_t first, seq_t last, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

/* Look at both heads of the file at @path. LMDB takes the one with the higher number; were that
 * damaged, it would take the older one without a word, and the last commit would be gone. */
bool pages_heads_are_sound(const char *path);

/* See that each page is used at most once, by a table or by the list of free ones. */
void pages_check_use(MDB_txn *txn, const char *name, const struct verify *verify,
                     pages_found *found);

#endif
