/* A file of settings: any bytes. Every mistake has its line; what is taken is within its bounds,
 * and the same again when it is printed and read back. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"
#include "base/assert.h"
#include "fuzz/fuzz.h"

#define TEXT_SIZE_MAX 65536

static const char *
no_environment(const char *name)
{
    (void)name;
    return NULL;
}

/* Read @text as a file. Returns how many mistakes it has. */
static unsigned
load(struct config *config, const void *text, size_t size)
{
    char path[64];
    struct problems problems;
    int fd = memfd_create("config", 0);
    ssize_t written = write(fd, text, size);
    assert(fd >= 0 && written == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const struct config_sources sources = {.file = path, .lookup = no_environment};
    problems_init(&problems);
    config_load(config, &sources, &problems);
    unsigned count = problems.count;
    for (const char *one = NULL; (one = problems_next(&problems, one));)
        assert(strncmp(one, path, strlen(path)) == 0);
    problems_fini(&problems);
    close(fd);
    return count;
}

static void
check_bounds(const struct config *config)
{
    for (unsigned i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        int64_t value;
        if (row->kind == CONFIG_PATH || row->kind == CONFIG_URLS || row->kind == CONFIG_CHOICE)
            continue;
        memcpy(&value, (const uint8_t *)config + row->offset, sizeof(value));
        assert(value >= row->min && value <= row->max);
    }
    assert(config->settings.tier_count >= 1 && config->settings.tier_count <= TIER_COUNT_MAX);
}

/* One line a setting, as somebody would write them. */
static void
print_lines(const struct config *config, FILE *out)
{
    char value[TEXT_SIZE_MAX];
    for (unsigned i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        const char *name = strchr(row->key, '.') + 1;
        config_print_value(row, config, value, sizeof(value));
        if (value[0] && row->kind != CONFIG_PATH && row->kind != CONFIG_URLS)
            fprintf(out, "[%.*s]\n%s = %s\n", (int)(name - 1 - row->key), row->key, name, value);
    }
}

static void
read_back(const struct config *config)
{
    static struct config again;
    char *text, first[TEXT_SIZE_MAX], second[TEXT_SIZE_MAX];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert(out);
    print_lines(config, out);
    fclose(out);
    unsigned mistakes = load(&again, text, size);
    assert(mistakes == 0);
    for (unsigned i = 0; i < config_row_count; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->kind == CONFIG_PATH || row->kind == CONFIG_URLS)
            continue;
        config_print_value(row, config, first, sizeof(first));
        config_print_value(row, &again, second, sizeof(second));
        assert(strcmp(first, second) == 0);
    }
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    if (load(&config, data, size) > 0)
        return 0;
    check_bounds(&config);
    read_back(&config);
    return 0;
}
