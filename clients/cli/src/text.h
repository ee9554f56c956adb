/* text.h: text that came from somewhere else, made fit for a terminal.
 *
 * Names and notes are written by anybody. Escape sequences, controls and the marks that reorder
 * text must not reach a terminal; they are shown as \xNN or \uNNNN.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "base/buf.h"

#define TEXT_INVALID 0xfffd /* stands for each byte that is not UTF-8 */

/* The code point at @at and how many bytes it takes (1 to 4; 1 for a byte that is not UTF-8, which
 * reads as TEXT_INVALID). @size is at least 1. */
size_t text_next(const uint8_t *at, size_t size, uint32_t *code_point);

/* Append @text (borrowed) to @out, made harmless. */
void text_put(struct buf *out, const void *text, size_t size);

/* Columns that @text takes on a terminal, once text_put() has been over it. */
size_t text_width(const void *text, size_t size);

/* Append zero-terminated text as it is; for our own words. */
void text_put_own(struct buf *out, const char *text);

/* Append by a printf format; for our own words and numbers, up to 255 bytes. */
void text_printf(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append @count spaces. */
void text_pad(struct buf *out, size_t count);

#endif
