/* params.c - PostgreSQL's binary formats: integers big-endian, arrays as array_recv() reads them. */
#include "store/shared/pg/params.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <unistr.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void put_32(struct buf *b, uint32_t value)
{
	uint32_t wire = htonl(value);

	buf_add(b, &wire, sizeof wire);
}

static void put_64(struct buf *b, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	buf_add(b, &wire, sizeof wire);
}

/* How much of the text is right as it is. */
static size_t right_to(struct slice text)
{
	const uint8_t *wrong = u8_check((const uint8_t *)text.p, text.n);
	const char *nul = memchr(text.p, '\0', text.n);
	size_t right = wrong != NULL ? (size_t)((const char *)wrong - text.p) : text.n;

	return nul != NULL && (size_t)(nul - text.p) < right ? (size_t)(nul - text.p) : right;
}

/* The bytes at its begin that are to be replaced by one character: as many as a decoder would give up together. */
static size_t wrong_to(struct slice text)
{
	size_t n = 1;

	while (n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

struct slice pg_clean(struct slice text, struct buf *room)
{
	size_t begin = room->n;

	if (text.n == 0 || right_to(text) == text.n)
		return text;
	while (text.n > 0) {
		size_t n = right_to(text);

		buf_add(room, text.p, n);
		text = (struct slice){ text.p + n, text.n - n };
		if (text.n == 0)
			break;
		n = wrong_to(text);
		buf_text(room, REPLACEMENT);
		text = (struct slice){ text.p + n, text.n - n };
	}
	return (struct slice){ room->p + begin, room->n - begin };
}

static void put_text(struct buf *b, struct slice text)
{
	struct buf room = { 0 };
	struct slice clean = pg_clean(text, &room);

	put_32(b, (uint32_t)clean.n);
	buf_slice(b, clean);
	buf_free(&room);
}

static struct pg_param *next(struct pg_params *p, uint32_t type)
{
	assert(p->n < PG_PARAMS_MAX);
	p->at[p->n].type = type;
	return &p->at[p->n++];
}

static uint32_t array_of(enum pg_type type)
{
	enum { BOOL_ARRAY = 1000, TEXT_ARRAY = 1009, INT8_ARRAY = 1016 };

	return type == PG_BOOL ? BOOL_ARRAY : type == PG_INT8 ? INT8_ARRAY : TEXT_ARRAY;
}

void pg_param_text(struct pg_params *p, struct slice text)
{
	struct pg_param *param = next(p, PG_TEXT);
	struct buf room = { 0 };

	param->is_null = text.p == NULL;
	buf_slice(&param->bytes, pg_clean(text, &room));
	buf_free(&room);
}

void pg_param_int(struct pg_params *p, int64_t value)
{
	put_64(&next(p, PG_INT8)->bytes, value);
}

enum { ARRAY_FLAGS_AT = 4, ARRAY_ROWS_AT = 12 };

void pg_param_array(struct pg_params *p, enum pg_type type)
{
	struct pg_param *param = next(p, array_of(type));

	put_32(&param->bytes, 1); /* dimensions */
	put_32(&param->bytes, 0); /* has NULLs */
	put_32(&param->bytes, (uint32_t)type);
	put_32(&param->bytes, 0); /* elements */
	put_32(&param->bytes, 1); /* number of the first one */
}

/* The buffer for one more element of the array. */
static struct buf *element(struct pg_params *p, int at)
{
	struct pg_param *param = &p->at[at];
	uint32_t rows = htonl(++param->rows);

	assert(at < p->n);
	memcpy(param->bytes.p + ARRAY_ROWS_AT, &rows, sizeof rows);
	return &param->bytes;
}

void pg_add_null(struct pg_params *p, int at)
{
	struct buf *b = element(p, at);
	uint32_t has_nulls = htonl(1);

	memcpy(b->p + ARRAY_FLAGS_AT, &has_nulls, sizeof has_nulls);
	put_32(b, UINT32_MAX);
}

void pg_add_text(struct pg_params *p, int at, struct slice text)
{
	if (text.p == NULL)
		pg_add_null(p, at);
	else
		put_text(element(p, at), text);
}

void pg_add_int(struct pg_params *p, int at, int64_t value)
{
	struct buf *b = element(p, at);

	put_32(b, sizeof value);
	put_64(b, value);
}

void pg_add_bool(struct pg_params *p, int at, bool value)
{
	struct buf *b = element(p, at);

	put_32(b, 1);
	buf_char(b, value ? '\1' : '\0');
}

void pg_params_free(struct pg_params *p)
{
	for (int i = 0; i < p->n; i++)
		buf_free(&p->at[i].bytes);
	*p = (struct pg_params){ 0 };
}
