/* keyfile.c - KEY=value lines with comments and quotes. */
#include "base/keyfile.h"

/* What a line is parsed with; wrong names the fault of the first bad line. */
struct scan {
	struct arena *arena;
	const char *wrong;
};

static bool is_key_char(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_key(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_key_char(s.p[i], i == 0))
			return false;
	return s.n > 0;
}

static struct slice after(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

/* Up to a # that begins the value or follows a blank. */
static struct slice plain_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			return slice_trim((struct slice){ s.p, i });
	return s;
}

static char unescaped(char c)
{
	if (c == 'n')
		return '\n';
	return c == 't' ? '\t' : c;
}

static struct slice quoted_value(struct scan *scan, struct slice s)
{
	char quote = s.p[0], *out = arena_alloc(scan->arena, s.n);
	size_t i = 1, n = 0;
	struct slice rest;

	for (; i < s.n && s.p[i] != quote; i++) {
		if (quote == '"' && s.p[i] == '\\' && i + 1 < s.n)
			out[n++] = unescaped(s.p[++i]);
		else
			out[n++] = s.p[i];
	}
	if (i >= s.n) {
		scan->wrong = "the closing quote is missing";
		return SLICE_NONE;
	}
	rest = slice_trim(after(s, i + 1));
	if (rest.n > 0 && rest.p[0] != '#')
		scan->wrong = "there is text behind the closing quote; put the whole value into quotes";
	return (struct slice){ out, n };
}

/* False for an empty line, a comment, and with scan->wrong set. */
static bool entry_of(struct scan *scan, struct slice line, struct keyfile_entry *ret)
{
	struct slice s = slice_trim(line);
	const char *equals;

	if (s.n == 0 || s.p[0] == '#')
		return false;
	equals = memchr(s.p, '=', s.n);
	if (equals == NULL) {
		scan->wrong = "there is no = in it; write KEY=value, and # before a comment";
		return false;
	}
	ret->key = slice_trim((struct slice){ s.p, (size_t)(equals - s.p) });
	ret->value = slice_trim(after(s, (size_t)(equals - s.p) + 1));
	if (!is_key(ret->key))
		scan->wrong = "what is before the = is no name; write KEY=value with letters, digits and _";
	else if (ret->value.n > 0 && (ret->value.p[0] == '"' || ret->value.p[0] == '\''))
		ret->value = quoted_value(scan, ret->value);
	else
		ret->value = plain_value(ret->value);
	return scan->wrong == NULL;
}

static size_t count_lines(struct slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

static struct slice next_line(struct slice *text)
{
	const char *end = memchr(text->p, '\n', text->n);
	size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
	struct slice line = { text->p, n };

	*text = after(*text, end != NULL ? n + 1 : n);
	return line;
}

enum err keyfile_parse(struct slice text, const char *name, struct arena *arena, struct keyfile_entry **ret,
    size_t *ret_n, struct why *why)
{
	struct scan scan = { .arena = arena };
	struct keyfile_entry *entries;
	size_t n = 0;

	if (!slice_is_utf8(text) || (text.n > 0 && memchr(text.p, '\0', text.n) != NULL))
		return why_fail(why, ERR_MALFORMED, "%s is not UTF-8 text; save it as UTF-8", name);
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = after(text, 3);
	entries = arena_alloc(arena, count_lines(text) * sizeof *entries);
	for (unsigned line = 1; text.n > 0; line++) {
		if (entry_of(&scan, next_line(&text), &entries[n]))
			entries[n++].line = line;
		if (scan.wrong != NULL)
			return why_fail(why, ERR_MALFORMED, "%s line %u: %s", name, line, scan.wrong);
	}
	*ret = entries;
	*ret_n = n;
	return ERR_OK;
}
