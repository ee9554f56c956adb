/* style.h: the few colours there are, and only where a terminal shows them.
 *
 * NO_COLOR set to anything, or TERM=dumb, switches them off (no-color.org).
 */
#ifndef CLI_STYLE_H
#define CLI_STYLE_H

#include <stdbool.h>
#include <stdio.h>

enum style {
    STYLE_NONE, /* back to plain */
    STYLE_KEY,
    STYLE_HEAD,
    STYLE_FAINT,
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_NOTE
};

/* Does @stream want colours? */
bool style_wanted(FILE *stream);

/* The escape sequence, or "" where @colour is false. */
const char *style(bool colour, enum style style);

#endif
