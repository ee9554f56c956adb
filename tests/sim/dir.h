/* sim/dir.h: directories that last as long as a run. */
#ifndef KITH_SIM_DIR_H
#define KITH_SIM_DIR_H

#include <stdbool.h>
#include <stddef.h>

/* Make a new one, in memory where there is some, or on disk, and write its path into @dir. Ends the
 * program where that fails. */
void dir_make(char *dir, size_t size, bool on_disk);

/* Remove it with the files, and directories of files, in it. */
void dir_remove(const char *dir);

#endif
