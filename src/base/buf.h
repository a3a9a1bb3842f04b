/* buf.h - text that grows. Always NUL-terminated behind its length once something was added; a zeroed
 * struct is an empty one. One thread at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

struct buf {
	char *p;
	size_t n, size;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_slice(struct buf *b, struct slice s);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_json(struct buf *b, struct slice s); /* a JSON string with its quotes, RFC 8259 */
void buf_reset(struct buf *b);                /* empty, memory kept */
void buf_free(struct buf *b);                 /* empty, memory given back */

static inline struct slice buf_as_slice(const struct buf *b)
{
	return (struct slice){ b->p != NULL ? b->p : "", b->n };
}

#endif
