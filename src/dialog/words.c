/* words.c - understanding whole messages against word lists. */
#include "dialog/words.h"

#include "dialog/text.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

enum char_class { CHAR_DROPPED, CHAR_GAP, CHAR_LETTER, CHAR_SYMBOL };
enum {
	PHRASE_WORDS_MAX = 3,            /* of a polite phrase around an answer */
	FOLDED_MAX = 3 * WORDS_TEXT_MAX, /* folding makes text longer, but no word list has such words */
};

static enum char_class class_of_ascii(ucs4_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return CHAR_LETTER;
	if (c == '\'' || c == '`')
		return CHAR_DROPPED;
	return c == '+' ? CHAR_SYMBOL : CHAR_GAP;
}

static bool is_variant(ucs4_t c)
{
	bool selector = c >= 0xfe00 && c <= 0xfe0f, skin = c >= 0x1f3fb && c <= 0x1f3ff, keycap = c == 0x20e3;

	return selector || skin || keycap;
}

static enum char_class class_of(ucs4_t c)
{
	if (c < 0x80)
		return class_of_ascii(c);
	if (is_variant(c) || c == 0x2018 || c == 0x2019 || c == 0x02bc)
		return CHAR_DROPPED;
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cf))
		return CHAR_DROPPED;
	if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M))
		return CHAR_LETTER;
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_S) ? CHAR_SYMBOL : CHAR_GAP;
}

static ucs4_t folded_char(ucs4_t c)
{
	int digit;

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	digit = uc_decimal_value(c);
	return digit >= 0 ? (ucs4_t)('0' + digit) : c;
}

/* Different symbols, and symbols beside letters, are words of their own. */
static struct slice fold_chars(struct arena *a, struct slice text)
{
	char *out = arena_alloc(a, 2 * text.n + 4);
	size_t n = 0;
	ucs4_t last = 0;
	enum char_class before = CHAR_GAP;

	for (size_t at = 0; at < text.n;) {
		ucs4_t c = folded_char(text_next(text, &at));
		enum char_class now = class_of(c);

		if (now == CHAR_DROPPED)
			continue;
		if (now != CHAR_GAP) {
			bool apart = now != before || (now == CHAR_SYMBOL && c != last);

			if (apart && n > 0)
				out[n++] = ' ';
			n += text_put(out + n, c);
			last = c;
		}
		before = now;
	}
	return (struct slice){ out, n };
}

struct slice words_fold(struct arena *a, struct slice text)
{
	struct slice folded;
	uint8_t *cased;
	size_t n = 0;

	if (text.n > WORDS_TEXT_MAX)
		return SLICE_NONE;
	if (text_is_ascii(text))
		return fold_chars(a, text);
	cased = u8_casefold((const uint8_t *)text.p, text.n, NULL, UNINORM_NFC, NULL, &n);
	if (cased == NULL)
		return SLICE_NONE; /* not UTF-8: nothing to understand */
	folded = fold_chars(a, (struct slice){ (const char *)cased, n });
	free(cased);
	return folded;
}

/* Each run of one letter as one letter; numbers stay. out has room for folded.n bytes. */
static struct slice squeeze(char *out, struct slice folded)
{
	size_t n = 0;
	ucs4_t last = 0;

	for (size_t at = 0; at < folded.n;) {
		ucs4_t c = text_next(folded, &at);

		if (c != last || text_is_digit(c))
			n += text_put(out + n, c);
		last = c;
	}
	return (struct slice){ out, n };
}

static size_t run_length(struct slice s, size_t *at, ucs4_t *ret)
{
	size_t n = 1;

	*ret = text_next(s, at);
	while (*at < s.n && !text_is_digit(*ret)) {
		size_t next = *at;

		if (text_next(s, &next) != *ret)
			break;
		*at = next;
		n++;
	}
	return n;
}

/* Whether said is the word, with letters repeated or not, but none missing. */
static bool says(struct slice said, struct slice word)
{
	size_t i = 0, k = 0;

	while (i < said.n && k < word.n) {
		ucs4_t c, w;
		size_t n_said = run_length(said, &i, &c), n_word = run_length(word, &k, &w);

		if (c != w || n_said < n_word)
			return false;
	}
	return i == said.n && k == word.n;
}

static int compare(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_words(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int order = compare(x->squeezed, y->squeezed);

	return order != 0 ? order : compare(x->folded, y->folded);
}

bool words_add(struct words *w, struct arena *a, struct slice text, int64_t meaning)
{
	struct slice folded = words_fold(a, text);

	if (folded.n == 0)
		return false;
	if (w->n == w->size) {
		w->size = w->size > 0 ? 2 * w->size : 32;
		w->word = mem_grow(w->word, w->size * sizeof *w->word);
	}
	w->word[w->n++] = (struct word){ folded, squeeze(arena_alloc(a, folded.n), folded), meaning };
	return true;
}

const struct word *words_finish(struct words *w)
{
	if (w->n > 0)
		qsort(w->word, w->n, sizeof *w->word, compare_words);
	for (size_t i = 1; i < w->n; i++) {
		const struct word *one = &w->word[i - 1], *two = &w->word[i];

		if (slice_eq(one->folded, two->folded) && one->meaning != two->meaning)
			return two;
	}
	return NULL;
}

void words_free(struct words *w)
{
	free(w->word);
	*w = (struct words){ 0 };
}

/* The first word whose squeezed form is not below this one. */
static size_t lower_bound(const struct words *w, struct slice squeezed)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(w->word[middle].squeezed, squeezed) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t words_find(const struct words *w, struct slice folded)
{
	char room[FOLDED_MAX];
	struct slice squeezed;
	int64_t meaning = WORDS_NONE;
	size_t longest = 0;

	if (folded.n == 0 || folded.n > sizeof room || w->n == 0)
		return WORDS_NONE;
	squeezed = squeeze(room, folded);
	for (size_t i = lower_bound(w, squeezed); i < w->n && slice_eq(w->word[i].squeezed, squeezed); i++) {
		const struct word *word = &w->word[i];

		if (word->folded.n > longest && says(folded, word->folded)) {
			longest = word->folded.n; /* the nearest: with most of the letters said */
			meaning = word->meaning;
		}
	}
	return meaning;
}

bool words_begin(const struct words *w, struct slice folded, int64_t meaning)
{
	for (size_t i = 0; i <= folded.n; i++)
		if (i == folded.n || folded.p[i] == ' ')
			if (words_find(w, (struct slice){ folded.p, i }) == meaning)
				return true;
	return false;
}

struct slice words_next(struct slice *rest)
{
	const char *blank = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;
	struct slice word = { rest->p, blank != NULL ? (size_t)(blank - rest->p) : rest->n };

	rest->p += word.n + (blank != NULL);
	rest->n -= word.n + (blank != NULL);
	return word;
}

static bool is_politeness(const struct words *w, struct slice phrase)
{
	int64_t meaning = words_find(w, phrase);

	return meaning == MEANING_POLITE || meaning == MEANING_THANKS;
}

/* The length of a polite phrase at the beginning with the blank behind it; 0 without. */
static size_t polite_start(const struct words *w, struct slice s)
{
	size_t found = 0, words = 0;

	for (size_t i = 0; i < s.n && words < PHRASE_WORDS_MAX; i++)
		if (s.p[i] == ' ' && ++words > 0 && is_politeness(w, (struct slice){ s.p, i }))
			found = i + 1;
	return found;
}

static size_t polite_end(const struct words *w, struct slice s)
{
	size_t found = 0, words = 0;

	for (size_t i = s.n; i-- > 0 && words < PHRASE_WORDS_MAX;)
		if (s.p[i] == ' ' && ++words > 0 && is_politeness(w, (struct slice){ s.p + i + 1, s.n - i - 1 }))
			found = s.n - i;
	return found;
}

struct slice words_strip(const struct words *w, struct slice folded)
{
	size_t n;

	while ((n = polite_start(w, folded)) > 0)
		folded = (struct slice){ folded.p + n, folded.n - n };
	while ((n = polite_end(w, folded)) > 0)
		folded.n -= n;
	return folded;
}

static int64_t common_meaning(const struct words *w, struct slice folded)
{
	struct slice rest = folded;
	int64_t meaning = words_find(w, words_next(&rest));

	while (rest.n > 0 && meaning != WORDS_NONE)
		if (words_find(w, words_next(&rest)) != meaning)
			meaning = WORDS_NONE;
	return meaning;
}

int64_t words_meaning(const struct words *w, struct slice folded)
{
	int64_t meaning = words_find(w, folded);
	struct slice core;

	if (meaning != WORDS_NONE || folded.n == 0 || memchr(folded.p, ' ', folded.n) == NULL)
		return meaning;
	core = words_strip(w, folded);
	meaning = words_find(w, core);
	return meaning != WORDS_NONE ? meaning : common_meaning(w, core);
}
