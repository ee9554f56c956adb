#include "store/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#define FILE_SIZE_MAX 8192 /* three lines and some comments; more is another file */

/* clang-format off */
static const struct {
    const char *name;
    size_t offset;
} secret_rows[] = {
    {"id_key",      offsetof(struct secrets, id_key)},
    {"contact_key", offsetof(struct secrets, contact_key)},
    {"token_key.1", offsetof(struct secrets, token_key)},
};
/* clang-format on */

static const char intro[] =
    "# The secrets of this kithd. Public ids and invite tokens are made with them: back this file\n"
    "# up, apart from the data, and show it to nobody. Without it the log does not open.\n";

static uint8_t *
secret_at(struct secrets *secrets, size_t row)
{
    return (uint8_t *)secrets + secret_rows[row].offset;
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

    for (size_t row = 0; row < ARRAY_COUNT(secret_rows); row++) {
        if (strcmp(name, secret_rows[row].name) != 0)
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

static enum kith_err
text_read(char *text, const char *path, struct secrets *out, struct fault *fault)
{
    struct secrets secrets;
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
    for (size_t row = 0; row < ARRAY_COUNT(secret_rows); row++) {
        if (!(seen & 1u << row)) {
            fault_set(fault, "%s:%u: %s is missing: restore this file from a backup", path, number,
                      secret_rows[row].name);
            return KITH_UNAVAILABLE;
        }
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

static int
directory_sync(const char *path)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return ENAMETOOLONG;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

static size_t
text_make(char *text, size_t capacity, struct secrets *secrets)
{
    size_t size = (size_t)snprintf(text, capacity, "%s", intro);
    for (size_t row = 0; row < ARRAY_COUNT(secret_rows); row++) {
        char hex[2 * SECRET_SIZE + 1];
        sodium_bin2hex(hex, sizeof(hex), secret_at(secrets, row), SECRET_SIZE);
        size +=
            (size_t)snprintf(text + size, capacity - size, "%s = %s\n", secret_rows[row].name, hex);
        assert(size < capacity);
    }
    return size;
}

/* Write the whole file under another name first, so that a crash leaves all of it or nothing. */
static int
file_write(const char *path, const char *text, size_t size)
{
    char draft[PATH_MAX];
    if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
        return ENAMETOOLONG;
    int fd = open(draft, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    ssize_t written = write(fd, text, size);
    int rc = written == (ssize_t)size ? 0 : written < 0 ? errno : ENOSPC;
    if (rc == 0 && (fchmod(fd, 0600) != 0 || fsync(fd) != 0))
        rc = errno;
    close(fd);
    if (rc == 0 && rename(draft, path) != 0)
        rc = errno;
    if (rc != 0)
        unlink(draft);
    return rc ? rc : directory_sync(path);
}

static enum kith_err
file_make(const char *path, struct secrets *out, struct fault *fault)
{
    char text[FILE_SIZE_MAX];
    struct secrets secrets;
    randombytes_buf(&secrets, sizeof(secrets));
    int rc = file_write(path, text, text_make(text, sizeof(text), &secrets));
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
