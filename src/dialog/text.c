/* text.c - what a customer wrote, made safe: cleaned, counted and cut as a person sees it. */
#include "dialog/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

enum { QUOTE_CHARACTERS = 60 };

static const uint8_t *bytes_of(struct slice s)
{
	return (const uint8_t *)s.p;
}

ucs4_t text_next(struct slice s, size_t *at)
{
	ucs4_t c;
	int n;

	if ((unsigned char)s.p[*at] < 0x80)
		return (unsigned char)s.p[(*at)++];
	n = u8_mbtouc(&c, bytes_of(s) + *at, s.n - *at);
	*at += (size_t)n;
	return c;
}

size_t text_put(char *out, ucs4_t c)
{
	int n;

	if (c < 0x80) {
		*out = (char)c;
		return 1;
	}
	n = u8_uctomb((uint8_t *)out, c, 4);
	return n > 0 ? (size_t)n : 0;
}

static bool is_blank(ucs4_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x80 && uc_is_property_white_space(c));
}

/* Joiners and tags make emoji and some scripts; every other format character only hides or turns text. */
static bool is_dropped(ucs4_t c)
{
	if (c < 0x80)
		return c < 0x20 || c == 0x7f;
	if (c == 0x200c || c == 0x200d || (c >= 0xe0020 && c <= 0xe007f))
		return false;
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf);
}

struct slice text_clean(struct arena *a, struct slice raw)
{
	struct slice in = { raw.p, raw.n < TEXT_BYTES_MAX ? raw.n : TEXT_BYTES_MAX };
	char *out = arena_alloc(a, 3 * in.n + 1); /* a broken byte grows to the 3 of U+FFFD */
	size_t n = 0;
	bool gap = false;

	for (size_t at = 0; at < in.n;) {
		ucs4_t c = text_next(in, &at);

		if (is_blank(c)) {
			gap = n > 0;
		} else if (!is_dropped(c)) {
			if (gap)
				out[n++] = ' ';
			gap = false;
			n += text_put(out + n, c);
		}
	}
	return (struct slice){ out, n };
}

bool text_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* marks[i] tells whether a seen character begins at byte i; the caller frees it. */
static char *grapheme_marks(struct slice s)
{
	char *marks = mem_alloc(s.n);

	u8_grapheme_breaks(bytes_of(s), s.n, marks);
	return marks;
}

size_t text_graphemes(struct slice s)
{
	size_t count = 0;
	char *marks;

	if (text_is_ascii(s))
		return s.n;
	marks = grapheme_marks(s);
	for (size_t i = 0; i < s.n; i++)
		count += marks[i] != 0;
	free(marks);
	return count;
}

size_t text_characters(struct slice s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.n; i++)
		count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return count;
}

struct slice text_cut(struct slice s, size_t characters)
{
	size_t end = 0;
	char *marks;

	for (size_t left = characters; end < s.n && left > 0; left--)
		(void)text_next(s, &end);
	if (end == s.n)
		return s;
	marks = grapheme_marks(s);
	while (end > 0 && !marks[end])
		end--;
	free(marks);
	return (struct slice){ s.p, end };
}

struct slice text_quote(struct arena *a, struct slice s)
{
	static const char ellipsis[] = "…";
	struct slice part = text_cut(s, QUOTE_CHARACTERS);
	char *quote;

	if (part.n == s.n)
		return s;
	quote = arena_alloc(a, part.n + sizeof ellipsis);
	if (part.n > 0)
		memcpy(quote, part.p, part.n);
	memcpy(quote + part.n, ellipsis, sizeof ellipsis);
	return (struct slice){ quote, part.n + sizeof ellipsis - 1 };
}

struct slice text_of_number(struct arena *a, int64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRId64, number);

	return slice_copy(a, (struct slice){ text, n > 0 ? (size_t)n : 0 });
}

struct slice text_take(struct arena *a, struct buf *gathered)
{
	struct slice s = slice_copy(a, buf_as_slice(gathered));

	buf_free(gathered);
	return s;
}

bool text_has_digit(struct slice s)
{
	for (size_t at = 0; at < s.n;)
		if (uc_decimal_value(text_next(s, &at)) >= 0)
			return true;
	return false;
}

bool text_asks(struct slice s)
{
	static const ucs4_t marks[] = { '?', 0xbf, 0x37e, 0x55e, 0x61f, 0x203d, 0x2047, 0x2048, 0x2049, 0xff1f };

	for (size_t at = 0; at < s.n;) {
		ucs4_t c = text_next(s, &at);

		for (size_t i = 0; i < COUNT_OF(marks); i++)
			if (c == marks[i])
				return true;
	}
	return false;
}
