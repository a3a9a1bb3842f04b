/* template.c - fills the {placeholders} of a form's text. */
#include "dialog/template.h"

static struct slice value_of(struct slice name, const struct blank *blanks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(name, slice_of(blanks[i].name)))
			return blanks[i].value;
	return SLICE_NONE;
}

void template_fill(struct buf *out, struct slice text, const struct blank *blanks, size_t n)
{
	const char *at = text.p, *end = text.p + text.n;

	while (at < end) {
		const char *open = memchr(at, '{', (size_t)(end - at));
		const char *close = open != NULL ? memchr(open, '}', (size_t)(end - open)) : NULL;

		if (close == NULL) {
			buf_add(out, at, (size_t)(end - at));
			return;
		}
		buf_add(out, at, (size_t)(open - at));
		buf_slice(out, value_of((struct slice){ open + 1, (size_t)(close - open - 1) }, blanks, n));
		at = close + 1;
	}
}
