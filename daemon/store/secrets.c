#include "store/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/files.h"

#define FILE_SIZE_MAX 8192 /* the keys and some comments; more is another file */

#define NAME_SIZE_MAX 16

/* The keys that there is one of; the token keys come behind them. */
static const struct {
    const char *name;
    size_t offset;
} secret_rows[] = {
    {"id_key", offsetof(struct secrets, id_key)},
    {"contact_key", offsetof(struct secrets, contact_key)},
};

#define SINGLE_COUNT ARRAY_COUNT(secret_rows)
#define SECRET_COUNT (SINGLE_COUNT + TOKEN_KEY_COUNT_MAX)

static const char intro[] =
    "# The secrets of this kithd. Public ids and invite tokens are made with them: back this file\n"
    "# up, apart from the data, and show it to nobody. Without it the log does not open. Should a\n"
    "# token key become known, add a line token_key.2 = (64 hexadecimal digits) and restart: the\n"
    "# newest signs, and what the older ones signed stays valid.\n";

static uint8_t *
secret_at(struct secrets *secrets, size_t row)
{
    assert(row < SECRET_COUNT);
    if (row >= SINGLE_COUNT)
        return secrets->token_key[row - SINGLE_COUNT];
    return (uint8_t *)secrets + secret_rows[row].offset;
}

static void
secret_name(size_t row, char name[NAME_SIZE_MAX])
{
    assert(row < SECRET_COUNT);
    if (row >= SINGLE_COUNT)
        snprintf(name, NAME_SIZE_MAX, "token_key.%zu", row - SINGLE_COUNT + 1);
    else
        snprintf(name, NAME_SIZE_MAX, "%s", secret_rows[row].name);
}

/* ---- Reading ---- */

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r", text[size - 1]))
        text[--size] = 0;
    return text;
}

/* Take one line in; NULL, or what is wrong with it. */
static const char *
line_read(char *line, struct secrets *out, unsigned *seen)
{
    line = trim(line);
    if (line[0] == 0 || line[0] == '#')
        return NULL;
    char *value = strchr(line, '=');
    if (!value)
        return "expected \"name = hex\"";
    *value++ = 0;
    const char *name = trim(line);
    value = trim(value);

    for (size_t row = 0; row < SECRET_COUNT; row++) {
        char known[NAME_SIZE_MAX];
        secret_name(row, known);
        if (strcmp(name, known) != 0)
            continue;
        size_t size = 0;
        if (*seen & 1u << row)
            return "this secret stands here twice";
        if (strlen(value) != 2 * SECRET_SIZE ||
            sodium_hex2bin(secret_at(out, row), SECRET_SIZE, value, 2 * SECRET_SIZE, NULL, &size,
                           NULL) != 0 ||
            size != SECRET_SIZE)
            return "expected 64 hexadecimal digits";
        *seen |= 1u << row;
        return NULL;
    }
    return "no secret has this name";
}

/* One of each is needed, and of the token keys all up to the newest. The name of one that is
 * missing, or an empty string. */
static void
find_missing(unsigned seen, unsigned token_key_count, char name[NAME_SIZE_MAX])
{
    name[0] = 0;
    for (size_t row = 0; row < SINGLE_COUNT + token_key_count && !name[0]; row++)
        if (!(seen & 1u << row))
            secret_name(row, name);
}

static unsigned
count_token_keys(unsigned seen)
{
    unsigned count = 1;
    for (unsigned i = 1; i < TOKEN_KEY_COUNT_MAX; i++)
        if (seen & 1u << (SINGLE_COUNT + i))
            count = i + 1;
    return count;
}

static enum kith_err
text_read(char *text, const char *path, struct secrets *out, struct fault *fault)
{
    struct secrets secrets = {0};
    char missing[NAME_SIZE_MAX];
    unsigned seen = 0, number = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        number++;
        const char *wrong = line_read(line, &secrets, &seen);
        if (wrong) {
            fault_set(fault, "%s:%u: %s: restore this file from a backup", path, number, wrong);
            return KITH_UNAVAILABLE;
        }
    }
    secrets.token_key_count = count_token_keys(seen);
    find_missing(seen, secrets.token_key_count, missing);
    if (missing[0]) {
        fault_set(fault, "%s:%u: %s is missing: restore this file from a backup", path, number,
                  missing);
        return KITH_UNAVAILABLE;
    }
    *out = secrets;
    sodium_memzero(&secrets, sizeof(secrets));
    return KITH_OK;
}

static enum kith_err
file_read(int fd, const char *path, struct secrets *out, struct fault *fault)
{
    char text[FILE_SIZE_MAX + 1];
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        fault_set(fault, "%s: not a file", path);
        return KITH_UNAVAILABLE;
    }
    if (stat.st_mode & (S_IRWXG | S_IRWXO)) {
        fault_set(fault, "%s: others may read it (mode %03o): chmod 600 %s", path,
                  (unsigned)stat.st_mode & 0777, path);
        return KITH_UNAVAILABLE;
    }
    ssize_t size = pread(fd, text, sizeof(text), 0);
    if (size < 0 || size > FILE_SIZE_MAX || memchr(text, 0, (size_t)size)) {
        fault_set(fault, "%s: %s", path, size < 0 ? strerror(errno) : "not a file of secrets");
        return KITH_UNAVAILABLE;
    }
    text[size] = 0;
    enum kith_err err = text_read(text, path, out, fault);
    sodium_memzero(text, sizeof(text));
    return err;
}

/* ---- Making ---- */

static size_t
text_make(char *text, size_t capacity, struct secrets *secrets)
{
    size_t size = (size_t)snprintf(text, capacity, "%s", intro);
    for (size_t row = 0; row < SINGLE_COUNT + secrets->token_key_count; row++) {
        char hex[2 * SECRET_SIZE + 1], name[NAME_SIZE_MAX];
        secret_name(row, name);
        sodium_bin2hex(hex, sizeof(hex), secret_at(secrets, row), SECRET_SIZE);
        size += (size_t)snprintf(text + size, capacity - size, "%s = %s\n", name, hex);
        assert(size < capacity);
    }
    return size;
}

static enum kith_err
file_make(const char *path, struct secrets *out, struct fault *fault)
{
    char text[FILE_SIZE_MAX];
    struct secrets secrets;
    memset(&secrets, 0, sizeof(secrets));
    secrets.token_key_count = 1;
    for (size_t row = 0; row < SINGLE_COUNT + secrets.token_key_count; row++)
        randombytes_buf(secret_at(&secrets, row), SECRET_SIZE);
    int rc = file_replace(path, text, text_make(text, sizeof(text), &secrets));
    sodium_memzero(text, sizeof(text));
    if (rc != 0) {
        fault_set(fault, "%s: cannot make it: %s", path, strerror(rc));
        return KITH_UNAVAILABLE;
    }
    *out = secrets;
    sodium_memzero(&secrets, sizeof(secrets));
    return KITH_OK;
}

enum kith_err
secrets_open(const char *path, bool create, struct secrets *out, struct fault *fault)
{
    if (sodium_init() < 0) {
        fault_set(fault, "libsodium does not start: no source of random numbers");
        return KITH_UNAVAILABLE;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        enum kith_err err = file_read(fd, path, out, fault);
        close(fd);
        return err;
    }
    if (errno == ENOENT && create)
        return file_make(path, out, fault);
    if (errno == ENOENT)
        fault_set(fault,
                  "%s is missing, but there is a log that was written with it: restore it from a "
                  "backup",
                  path);
    else
        fault_set(fault, "%s: %s", path, strerror(errno));
    return KITH_UNAVAILABLE;
}
