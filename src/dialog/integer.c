/* integer.c - how many a customer wants: one whole number, in digits of any script or in words. */
#include "dialog/integer.h"

#include "dialog/text.h"

#include <unictype.h>

enum { DIGITS_MAX = 15, TEXT_MAX = 200 };

/* A message cut at its first number. */
struct parts {
	struct slice before, digits, behind;
};

/* The text with ASCII digits, without the marks that make an emoji of a digit. */
static struct slice plain_digits(struct arena *a, struct slice text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0;

	for (size_t at = 0; at < text.n;) {
		ucs4_t c = text_next(text, &at);
		int digit = uc_decimal_value(c);

		if (c == 0xfe0f || c == 0x20e3)
			continue;
		n += text_put(out + n, digit >= 0 ? (ucs4_t)('0' + digit) : c);
	}
	return (struct slice){ out, n };
}

static struct parts cut_at_number(struct slice s)
{
	size_t from = 0, to;

	while (from < s.n && !text_is_digit(s.p[from]))
		from++;
	for (to = from; to < s.n && text_is_digit(s.p[to]);)
		to++;
	return (struct parts){ { s.p, from }, { s.p + from, to - from }, { s.p + to, s.n - to } };
}

static bool is_dash(ucs4_t c)
{
	return c == '-' || c == 0x2212 || (c >= 0x2010 && c <= 0x2015);
}

/* A dash right before the number is a sign. */
static bool ends_with_sign(struct slice before)
{
	ucs4_t last = 0;

	for (size_t at = 0; at < before.n;)
		last = text_next(before, &at);
	return is_dash(last);
}

/* ".5", ",5", "/2" right behind the digits. */
static bool begins_with_fraction(struct slice behind)
{
	return behind.n >= 2 && strchr(".,/:'", behind.p[0]) != NULL && text_is_digit(behind.p[1]);
}

static bool has_digit(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (text_is_digit(s.p[i]))
			return true;
	return false;
}

static bool is_letter(ucs4_t c)
{
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M);
}

/* Letters, digits, blanks, hyphens between letters and the marks that end a sentence: anything else could change what
 * the number means. */
static bool is_plain(struct slice s)
{
	ucs4_t last = 0;

	for (size_t at = 0; at < s.n;) {
		ucs4_t c = text_next(s, &at);
		bool mark = c < 0x80 && c != 0 && strchr(" .,!;:()'\"0123456789", (int)c) != NULL;
		bool hyphen = c == '-' && is_letter(last);

		if (!mark && !hyphen && !is_letter(c))
			return false;
		last = c;
	}
	return true;
}

/* Nothing, or polite words, or a unit. */
static bool is_beside_the_number(const struct integer_words *w, struct arena *a, struct slice s)
{
	struct slice folded = words_fold(a, s);
	int64_t alone = words_find(w->general, folded);

	if (!is_plain(s))
		return false;
	if (folded.n == 0 || alone == MEANING_POLITE || alone == MEANING_THANKS)
		return true;
	return w->units != NULL && words_find(w->units, words_strip(w->general, folded)) != WORDS_NONE;
}

/* "#3", "№ 3", "x3", "(3)": marks that count for nothing before a number. */
static struct slice without_marks(struct slice before)
{
	static const char *const marks[] = { "#", "№", "(", "x", "X", "×", "х", "*" };

	before = slice_trim(before);
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (slice_eq(before, slice_of(marks[i])))
			return SLICE_NONE;
	return before;
}

static enum integer_verdict read_digits(
    const struct integer_words *w, struct arena *a, struct parts parts, int64_t *ret)
{
	struct slice before = without_marks(parts.before);

	if (ends_with_sign(parts.before) || begins_with_fraction(parts.behind))
		return INTEGER_NOT_WHOLE;
	if (!is_beside_the_number(w, a, before) || !is_beside_the_number(w, a, parts.behind))
		return has_digit(parts.behind) ? INTEGER_SEVERAL : INTEGER_NONE;
	while (parts.digits.n > 1 && parts.digits.p[0] == '0')
		parts.digits = (struct slice){ parts.digits.p + 1, parts.digits.n - 1 };
	if (parts.digits.n > DIGITS_MAX)
		return INTEGER_HUGE;
	return slice_to_int64(parts.digits, ret) ? INTEGER_READ : INTEGER_NONE;
}

/* "three", "a dozen", "twenty five". */
static enum integer_verdict read_phrase(const struct words *numbers, struct slice folded, int64_t *ret)
{
	int64_t whole = words_find(numbers, folded), tens, ones;
	struct slice rest = folded;

	if (whole != WORDS_NONE) {
		*ret = whole;
		return INTEGER_READ;
	}
	tens = words_find(numbers, words_next(&rest));
	ones = words_find(numbers, rest);
	if (tens == WORDS_NONE || ones == WORDS_NONE)
		return INTEGER_NONE;
	if (tens < 20 || tens > 90 || tens % 10 != 0 || ones < 1 || ones > 9)
		return INTEGER_SEVERAL;
	*ret = tens + ones;
	return INTEGER_READ;
}

/* Number words with a unit behind them or not: every place is tried where the unit could begin. */
static enum integer_verdict read_words(const struct integer_words *w, struct arena *a, struct slice text, int64_t *ret)
{
	struct slice folded = words_strip(w->general, words_fold(a, text));
	enum integer_verdict verdict;

	if (!is_plain(text))
		return INTEGER_NONE;
	verdict = read_phrase(w->numbers, folded, ret);
	for (size_t i = folded.n; verdict != INTEGER_READ && w->units != NULL && i-- > 1;) {
		struct slice unit = { folded.p + i + 1, folded.n - i - 1 };

		if (folded.p[i] == ' ' && words_find(w->units, unit) != WORDS_NONE)
			verdict = read_phrase(w->numbers, (struct slice){ folded.p, i }, ret);
	}
	return verdict;
}

enum integer_verdict integer_read(const struct integer_words *words, struct arena *a, struct slice text, int64_t *ret)
{
	struct slice plain;
	struct parts parts;

	if (text.n == 0 || text.n > TEXT_MAX)
		return INTEGER_NONE;
	plain = plain_digits(a, text);
	parts = cut_at_number(plain);
	return parts.digits.n > 0 ? read_digits(words, a, parts, ret) : read_words(words, a, text, ret);
}
