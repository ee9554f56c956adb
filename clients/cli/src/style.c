#include "style.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
style_wanted(FILE *stream)
{
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(stream)) && !(off && *off) && term && strcmp(term, "dumb") != 0;
}

const char *
style(bool colour, enum style style)
{
    static const char *const sequences[] = {
        [STYLE_NONE] = "\033[0m",  [STYLE_KEY] = "\033[36m",  [STYLE_HEAD] = "\033[1m",
        [STYLE_FAINT] = "\033[2m", [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[31m",
        [STYLE_NOTE] = "\033[33m",
    };
    return colour ? sequences[style] : "";
}
