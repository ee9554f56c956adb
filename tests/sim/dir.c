#include "sim/dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
dir_make(char *dir, size_t size, bool on_disk)
{
    const char *parent = getenv("TMPDIR");
    if (!on_disk && access("/dev/shm", W_OK) == 0)
        parent = "/dev/shm";
    snprintf(dir, size, "%s/kith-sim-XXXXXX", parent ? parent : "/tmp");
    if (mkdtemp(dir))
        return;
    fprintf(stderr, "%s: cannot be made: %m\n", dir);
    exit(EXIT_FAILURE);
}

void
dir_remove(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    while (stream && (entry = readdir(stream))) {
        char path[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (unlink(path) != 0)
            dir_remove(path);
    }
    if (stream)
        closedir(stream);
    rmdir(dir);
}
