/* store/heads.h: the two heads of an LMDB file, which say where its last two commits left it.
 *
 * Commit N writes head N & 1, and LMDB takes the one with the higher number. So a commit is undone
 * by the heads as they were before it, for as long as no page of that time has been used again.
 *
 * Layer: store (internal). Thread: any. Blocking: reads and writes the disk.
 */
#ifndef KITH_STORE_HEADS_H
#define KITH_STORE_HEADS_H

#include "store/page.h"

#define HEAD_COUNT 2

/* Behind the start of its page a head is what LMDB's source calls MDB_meta; behind that, nothing.
 */
#define HEAD_AT_ROOTS  (PAGE_START_SIZE + 64) /* of the free pages' list, then of the names */
#define HEAD_AT_NUMBER (PAGE_START_SIZE + 128)
#define HEAD_SIZE      (PAGE_START_SIZE + 136)

struct heads {
    uint8_t bytes[HEAD_COUNT][HEAD_SIZE];
};

/* Read both heads of the open file. False if they are not there, are not heads, or are not those of
 * two commits in a row: were the newer one damaged, LMDB would take the older without a word, and
 * the last commit would be gone. */
bool heads_read(int fd, struct heads *heads);

/* The same of the file at @path, for who wants no more than to know. */
bool heads_are_sound(const char *path);

/* Write both and sync. Nobody may have the file open. 0, or an errno. */
int heads_write(int fd, const struct heads *heads);

#endif
