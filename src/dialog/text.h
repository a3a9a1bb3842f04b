/* text.h - what a customer wrote, made safe: cleaned, counted and cut as a person sees it.
 *
 * Pure functions; any thread. */
#ifndef DIALOG_TEXT_H
#define DIALOG_TEXT_H

#include "base/buf.h"

#include <unitypes.h>

enum { TEXT_BYTES_MAX = 65536 }; /* what lies behind is not read: no field is longer */

/* A copy in the arena that is valid UTF-8 (broken bytes become U+FFFD), without control and direction
 * characters, every white space one blank, none at the ends. */
struct slice text_clean(struct arena *a, struct slice raw);
/* Characters as a person sees them: an emoji family is one. s is cleaned. */
size_t text_graphemes(struct slice s);
/* Unicode characters. */
size_t text_characters(struct slice s);
/* The longest beginning of at most so many Unicode characters that ends where a person sees a character end. */
struct slice text_cut(struct slice s, size_t characters);
/* s, or a beginning short enough to be quoted, with an ellipsis; in the arena. */
struct slice text_quote(struct arena *a, struct slice s);
bool text_has_digit(struct slice s); /* in any script */
bool text_asks(struct slice s);      /* a question mark of any script stands in it */

/* An ASCII digit; c is a char or a whole Unicode character. */
static inline bool text_is_digit(int64_t c)
{
	return c >= '0' && c <= '9';
}

bool text_is_ascii(struct slice s);
/* The number as text, in the arena. */
struct slice text_of_number(struct arena *a, int64_t number);
/* What was gathered, in the arena; the buffer is freed. */
struct slice text_take(struct arena *a, struct buf *gathered);

/* One character at *at, which moves behind it. s is valid UTF-8 and *at < s.n. */
ucs4_t text_next(struct slice s, size_t *at);
/* Writes c at out (room for 4 bytes) and returns its length. */
size_t text_put(char *out, ucs4_t c);

#endif
