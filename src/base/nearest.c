/* nearest.c - edit distance with two rows, for words short enough to be typed. */
#include "base/nearest.h"

enum { WORD_MAX = 64 };

static char folded(char c)
{
	if (c == '-')
		return '_';
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static size_t edits(struct slice a, struct slice b)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t above = row[j];
			size_t change = folded(a.p[i - 1]) == folded(b.p[j - 1]) ? 0 : 1;

			row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[b.n];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	struct slice word = slice_of(candidate);
	size_t distance;

	if (n->typed.n == 0 || n->typed.n > WORD_MAX || word.n > WORD_MAX)
		return;
	distance = edits(n->typed, word);
	if (distance > 1 + n->typed.n / 4 || (n->word != NULL && distance >= n->distance))
		return;
	n->word = candidate;
	n->distance = distance;
}
