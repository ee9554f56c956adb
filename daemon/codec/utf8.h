/* codec/utf8.h: how far a text is valid UTF-8.
 *
 * Layer: codec, private to it. Thread: any. Blocking: no.
 */
#ifndef KITH_CODEC_UTF8_H
#define KITH_CODEC_UTF8_H

#include "base/types.h"

/* How many bytes of @text (borrowed) are whole, valid sequences before the first that is not; all
 * of them if there is none such. */
size_t utf8_valid_size(struct slice text);

#endif
