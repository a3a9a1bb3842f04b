/* csv.c - cells with quotes, and with protection from spreadsheets. */
#include "command/csv.h"

#include "base/clock.h"

void csv_begin(struct csv *c)
{
	if (!c->plain)
		buf_text(c->out, "\xef\xbb\xbf");
}

static void separate(struct csv *c)
{
	if (c->in_row)
		buf_char(c->out, c->delimiter);
	c->in_row = true;
}

static void cell(struct csv *c, const char *before, struct slice text)
{
	separate(c);
	buf_char(c->out, '"');
	buf_text(c->out, before);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			buf_char(c->out, '"');
		buf_char(c->out, text.p[i]);
	}
	buf_char(c->out, '"');
}

/* Full-width forms count: Excel of some languages obeys them. */
static bool looks_like_formula(struct slice s)
{
	static const char *const starts[] = { "=", "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x9d", "\xef\xbc\x8b",
		"\xef\xbc\x8d", "\xef\xbc\xa0" };

	for (size_t i = 0; i < COUNT_OF(starts); i++)
		if (s.n >= strlen(starts[i]) && memcmp(s.p, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

void csv_text(struct csv *c, struct slice text)
{
	cell(c, !c->plain && looks_like_formula(text) ? "'" : "", text);
}

/* Digits, with or without a plus before them. */
static bool is_digits(struct slice s)
{
	size_t first = s.n > 0 && s.p[0] == '+' ? 1 : 0;

	for (size_t i = first; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > first;
}

void csv_digits(struct csv *c, struct slice text)
{
	if (c->plain || !is_digits(text)) {
		csv_text(c, text);
		return;
	}
	separate(c);
	buf_printf(c->out, "\"=\"\"%.*s\"\"\"", SLICE_PRINT(text));
}

void csv_number(struct csv *c, int64_t number)
{
	separate(c);
	buf_int(c->out, number);
}

void csv_time(struct csv *c, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";

	cell(c, "", slice_of(wall_ms != 0 ? clock_format(wall_ms, text) : text));
}

void csv_row_end(struct csv *c)
{
	buf_text(c->out, "\r\n");
	c->in_row = false;
}
