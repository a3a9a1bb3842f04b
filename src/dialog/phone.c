/* phone.c - finds a telephone number in what a customer wrote, as E.164. */
#include "dialog/phone.h"

#include "dialog/dialog.h"
#include "dialog/text.h"

#include <unictype.h>

enum { SEARCHED_CHARACTERS = 100, DIGITS_LEAST = 5, DIGITS_MOST = 17, LOOKS_LIKE_DIGITS = 7 };

/* A character as it stands in a number: digits, +, the common marks; everything else ends the number. */
static char number_char(ucs4_t c)
{
	int digit = uc_decimal_value(c);

	if (digit >= 0)
		return (char)('0' + digit);
	if (c == '+' || c == 0xff0b)
		return '+';
	if (c == '-' || c == 0x2212 || c == 0xad || (c >= 0x2010 && c <= 0x2015) || c == 0xff0d)
		return '-';
	if (c == ' ' || c == '.' || c == '(' || c == ')' || c == '/')
		return (char)c;
	return c == '[' ? '(' : c == ']' ? ')' : c == 0xff08 ? '(' : c == 0xff09 ? ')' : '\n';
}

/* The text as numbers between line feeds. A plus begins a new number. */
static struct slice numbers_of(struct arena *a, struct slice text)
{
	char *out = arena_alloc(a, 2 * SEARCHED_CHARACTERS + 1);
	size_t n = 0;

	for (size_t at = 0, i = 0; at < text.n && i < SEARCHED_CHARACTERS; i++) {
		ucs4_t c = text_next(text, &at);

		if (c == 0x200c || c == 0x200d)
			continue;
		if (number_char(c) == '+')
			out[n++] = '\n';
		out[n++] = number_char(c);
	}
	return (struct slice){ out, n };
}

static size_t count_digits(const char *number)
{
	size_t n = 0;

	for (; *number != '\0'; number++)
		n += text_is_digit(*number);
	return n;
}

/* The next piece with enough digits for a number, from its + or first digit or bracket; NULL at the end. */
static const char *next_number(struct arena *a, struct slice *rest)
{
	while (rest->n > 0) {
		const char *end = memchr(rest->p, '\n', rest->n);
		size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n, from = 0;
		const char *piece;

		while (from < n && rest->p[from] != '+' && rest->p[from] != '(' && !text_is_digit(rest->p[from]))
			from++;
		piece = arena_copy(a, rest->p + from, n - from);
		rest->p += n + (end != NULL);
		rest->n -= n + (end != NULL);
		if (count_digits(piece) >= DIGITS_LEAST && count_digits(piece) <= DIGITS_MOST)
			return piece;
	}
	return NULL;
}

/* "00" and "+" say the same: a country code follows. */
static const char *with_plus(struct arena *a, const char *number)
{
	size_t n = strlen(number);
	char *copy;

	if (number[0] != '0' || number[1] != '0')
		return number;
	copy = arena_copy(a, number + 1, n - 1);
	copy[0] = '+';
	return copy;
}

static const char *guess_plus(struct arena *a, const char *number)
{
	char *copy = arena_alloc(a, strlen(number) + 2);

	copy[0] = '+';
	memcpy(copy + 1, number, strlen(number) + 1);
	return copy;
}

static struct phone_found check(struct arena *a, const char *number, const char *const *regions, size_t n)
{
	struct phone_found best = { .verdict = PHONE_NONE }, now = best;

	number = with_plus(a, number);
	if (number[0] == '+') {
		best.verdict = phone_lib_check(number, "ZZ", best.e164);
		return best;
	}
	for (size_t i = 0; i < n && best.verdict != PHONE_VALID; i++) {
		now.verdict = phone_lib_check(number, regions[i], now.e164);
		if (now.verdict > best.verdict)
			best = now;
	}
	if (best.verdict == PHONE_NONE) {
		best.verdict = phone_lib_check(guess_plus(a, number), "ZZ", best.e164);
		best.guessed = true;
		if (best.verdict != PHONE_VALID)
			best.verdict = PHONE_NONE;
	}
	return best;
}

struct phone_found phone_find(struct arena *a, struct slice text, const char *const *regions, size_t n_regions)
{
	struct slice rest = numbers_of(a, text);
	struct phone_found best = { .verdict = PHONE_NONE };
	const char *number;

	while ((number = next_number(a, &rest)) != NULL) {
		struct phone_found now = check(a, number, regions, n_regions);

		if (now.verdict == PHONE_VALID && !now.guessed)
			return now;
		if (now.verdict != PHONE_NONE && (best.verdict == PHONE_NONE || (best.guessed && !now.guessed)))
			best = now;
	}
	return best;
}

bool phone_looks_like(struct slice text)
{
	size_t digits = 0;

	for (size_t at = 0; at < text.n;) {
		char c = number_char(text_next(text, &at));

		if (c == '\n')
			return false;
		digits += text_is_digit(c);
	}
	return digits >= LOOKS_LIKE_DIGITS;
}

void dialog_phone_warm(void)
{
	char e164[PHONE_SIZE];

	(void)phone_lib_check("+14155552671", "ZZ", e164);
}
