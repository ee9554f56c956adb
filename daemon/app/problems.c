#include "app/problems.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

#define TEXT_SIZE_MAX 1024

void
problems_init(struct problems *problems)
{
    *problems = (struct problems){0};
    buf_init(&problems->texts);
}

void
problems_fini(struct problems *problems)
{
    buf_fini(&problems->texts);
}

void
problems_add(struct problems *problems, const char *format, ...)
{
    if (problems->count++ >= PROBLEMS_COUNT_MAX)
        return;
    char text[TEXT_SIZE_MAX];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(wanted >= 0);
    buf_append(&problems->texts, text, strlen(text) + 1);
}

const char *
problems_next(const struct problems *problems, const char *text)
{
    if (problems->texts.failed || problems->texts.size == 0)
        return NULL;
    const char *first = (const char *)problems->texts.data;
    const char *next = text ? text + strlen(text) + 1 : first;
    assert(next >= first && next <= first + problems->texts.size);
    return next < first + problems->texts.size ? next : NULL;
}
