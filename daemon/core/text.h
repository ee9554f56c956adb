/* core/text.h: text that people wrote, counted and normalised.
 *
 * Layer: core. Pure but for memory that utf8proc takes. Thread: any.
 */
#ifndef KITH_CORE_TEXT_H
#define KITH_CORE_TEXT_H

#include "base/buf.h"
#include "proto/error.h"

/* Code points after normalisation to NFC (Unicode Standard Annex 15). @text is valid UTF-8 of at
 * most KITH_NOTE_SIZE_MAX bytes. */
size_t text_length(struct slice text);

/* A note as it is compared with others: NFKC and case folded, without zero-width characters; a URL
 * becomes U, a digit 0, a word of the recipient's name (@name, may be absent) N, and what is
 * neither letter nor digit one space. Appends it to @out; *says_name tells whether a word of the
 * name was in it (true where there is no name). KITH_UNAVAILABLE if memory is short. */
enum kith_err text_note(struct slice note, struct slice name, struct buf *out, bool *says_name);

/* Append a display name as it may be shown to a stranger: without words that look like an address
 * of the web or of a mailbox, and no longer than TEXT_NAME_LENGTH_MAX code points. */
#define TEXT_NAME_LENGTH_MAX 64
void text_name(struct slice name, struct buf *out);

/* Append the normalised form of a contact, under which two spellings of one address are equal:
 *   email   NFKC, trimmed, lower case; the domain's labels as they are in ASCII (IDNA, RFC 5891)
 *   phone   E.164: + and 7 to 15 digits; blanks, dots, dashes and brackets are dropped
 *   opaque  NFKC, trimmed
 * Dots and +tags of a mail's local part stay: two people may differ in them.
 * KITH_BAD_CONTACT where it is not an address of its kind; @out may hold rubbish then. */
enum kith_err text_contact(struct slice kind, struct slice value, struct buf *out);

#endif
