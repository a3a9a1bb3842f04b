/* slice.h - a piece of text: pointer plus length, owned by somebody else.
 *
 * A slice is valid as long as its owner says. It need not end with a NUL, and may be empty with
 * p == NULL ("not there"). Text is UTF-8 unless a header says "bytes". */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })
/* for printf: printf("%.*s", SLICE_PRINT(s)) */
#define SLICE_PRINT(s) (int)(s).n, (s).p != NULL ? (s).p : ""

static inline struct slice slice_of(const char *text)
{
	return text != NULL ? (struct slice){ text, strlen(text) } : SLICE_NONE;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct slice slice_copy(struct arena *a, struct slice s)
{
	return s.p == NULL ? SLICE_NONE : (struct slice){ arena_copy(a, s.p, s.n), s.n };
}

struct slice slice_trim(struct slice s);             /* without ASCII white space at both ends */
struct slice slice_cut(struct slice s, size_t most); /* its first bytes, most of them, without half a UTF-8 character */
bool slice_is_utf8(struct slice s);                  /* RFC 3629: no surrogates, no overlong forms */
/* A whole decimal number, sign allowed, nothing around it; false leaves *ret as it was. */
bool slice_to_int64(struct slice s, int64_t *ret);
/* Copies into a buffer of size bytes with a NUL; false, and an empty text, when it does not fit. */
bool slice_to_buffer(struct slice s, char *buffer, size_t size);

#endif
