/* Run a fuzz target on files, and on all files of directories: its corpus as an ordinary test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"

#define INPUT_SIZE_MAX (2 * 1024 * 1024)

static unsigned replayed;

static void
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = malloc(INPUT_SIZE_MAX);
    assert(bytes);
    size_t size = fread(bytes, 1, INPUT_SIZE_MAX, file);
    assert(!ferror(file) && size < INPUT_SIZE_MAX);
    fclose(file);

    /* Exactly as large as the input, so that a sanitizer sees what is read beyond it. */
    uint8_t *exact = realloc(bytes, size > 0 ? size : 1);
    assert(exact);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    replayed++;
}

static void
replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory) {
        perror(path);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        replay_file(file);
    }
    closedir(directory);
}

int
main(int count, char **paths)
{
    for (int i = 1; i < count; i++) {
        struct stat info;
        if (stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode))
            replay_directory(paths[i]);
        else
            replay_file(paths[i]);
    }
    printf("%u inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1; /* An empty corpus tests nothing. */
}
