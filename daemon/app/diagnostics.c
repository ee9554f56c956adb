#include "app/diagnostics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

static bool to_journal;

void
diag_init(void)
{
    to_journal = getenv("JOURNAL_STREAM") != NULL;
}

static size_t
put_prefix(char *line, size_t size, enum diag_level level)
{
    if (to_journal)
        return (size_t)snprintf(line, size, "<%d>", level);
    time_t now = time(NULL);
    struct tm local;
    size_t length = strftime(line, size, "%Y-%m-%d %H:%M:%S ", localtime_r(&now, &local));
    if (level <= DIAG_WARNING)
        length += (size_t)snprintf(line + length, size - length,
                                   "%s: ", level == DIAG_ERROR ? "error" : "warning");
    return length;
}

void
diag(enum diag_level level, const char *format, ...)
{
    char line[DIAG_LINE_SIZE_MAX];
    assert(level >= DIAG_ERROR && level <= DIAG_INFO);
    size_t length = put_prefix(line, sizeof(line) / 2, level);

    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
    va_end(args);
    assert(wanted >= 0);
    length += (size_t)wanted;
    if (length > sizeof(line) - 2)
        length = sizeof(line) - 2;
    line[length++] = '\n';

    /* One write, so that lines of two processes do not mix. Whether it worked is nothing that could
     * be told anybody. */
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored;
}
