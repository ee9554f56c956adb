/* store/files.h: the few things that are done to small files beside those of LMDB.
 *
 * Layer: store (internal). Thread: any. Blocking: waits for the disk.
 */
#ifndef KITH_STORE_FILES_H
#define KITH_STORE_FILES_H

#include <stddef.h>

/* DIR/NAME; free with free(). NULL, with errno, if memory is short. */
char *path_join(const char *dir, const char *name);

/* The names in it are durable from here on. 0, or an errno, as all of these. */
int directory_sync(const char *dir);

/* Write all of a file, for its owner alone, under another name (PATH.new) first: a crash leaves
 * what was there or all of this. Durable with its name once it is 0; else what was there may be
 * gone. */
int file_replace(const char *path, const void *data, size_t size);

/* Missing is no error. Durable with the next directory_sync(). */
int file_remove(const char *path);

#endif
