/* mend.c - one pass over JSON text that knows strings and numbers, no more. */
#include "chat2desk/mend.h"

enum { ESCAPE = 6, SAFE_NUMBER = 18 }; /* bytes of \uXXXX; digits that any 64-bit integer can hold */

/* The code unit of the \uXXXX at the start of s, -1 when there is none. */
static int32_t unit_at(struct slice s)
{
	int32_t unit = 0;

	if (s.n < ESCAPE || s.p[0] != '\\' || s.p[1] != 'u')
		return -1;
	for (size_t i = 2; i < ESCAPE; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *at = s.p[i] != '\0' ? strchr(digits, s.p[i]) : NULL;

		if (at == NULL)
			return -1;
		unit = unit << 4 | (int32_t)((at - digits) & 15);
	}
	return unit;
}

static bool is_high(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static struct slice rest(struct slice s, size_t from)
{
	return from < s.n ? (struct slice){ s.p + from, s.n - from } : SLICE_NONE;
}

/* Takes the escape at the start of s; returns the bytes it used up. */
static size_t mend_escape(struct slice s, struct buf *out)
{
	int32_t unit = unit_at(s);
	size_t n = unit >= 0 ? ESCAPE : s.n < 2 ? s.n : 2;

	if (unit == 0)
		return n;
	if (is_high(unit) && is_low(unit_at(rest(s, ESCAPE))))
		n = 2 * (size_t)ESCAPE;
	else if (is_high(unit) || is_low(unit))
		s = SLICE("\\ufffd");
	buf_add(out, s.p, n);
	return n;
}

/* Takes the string whose opening quote is at the start of s, as far as it goes. */
static size_t mend_string(struct slice s, struct buf *out)
{
	size_t i = 1;

	buf_char(out, '"');
	while (i < s.n && s.p[i] != '"') {
		if (s.p[i] == '\\')
			i += mend_escape(rest(s, i), out);
		else
			buf_char(out, s.p[i++]);
	}
	if (i < s.n) {
		buf_char(out, '"');
		i++;
	}
	return i;
}

static size_t digits_at(struct slice s, size_t from)
{
	size_t i = from;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i - from;
}

/* Bytes of the number at the start of s by JSON's grammar; 0 when there is none. *risky: it may not fit. */
static size_t number_at(struct slice s, bool *risky)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0;
	size_t whole = digits_at(s, i), part;

	if (whole == 0)
		return 0;
	i += whole;
	if (whole > 1 && s.p[i - whole] == '0')
		return i; /* no JSON, and to stay so */
	*risky = whole > SAFE_NUMBER;
	if (i < s.n && s.p[i] == '.' && (part = digits_at(s, i + 1)) > 0)
		i += 1 + part;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		size_t sign = i + 1 < s.n && (s.p[i + 1] == '+' || s.p[i + 1] == '-') ? 1 : 0;

		part = digits_at(s, i + 1 + sign);
		*risky |= part > 0;
		i += part > 0 ? 1 + sign + part : 0;
	}
	return i;
}

/* Takes the number, or the one byte, at the start of s. */
static size_t mend_other(struct slice s, struct buf *out)
{
	bool risky = false;
	size_t n = number_at(s, &risky);

	if (n == 0)
		n = 1;
	if (risky)
		buf_char(out, '"');
	buf_add(out, s.p, n);
	if (risky)
		buf_char(out, '"');
	return n;
}

void c2d_mend(struct slice json, struct buf *out)
{
	size_t i = json.n >= 3 && memcmp(json.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (i < json.n) {
		struct slice s = rest(json, i);

		i += s.p[0] == '"' ? mend_string(s, out) : mend_other(s, out);
	}
}
