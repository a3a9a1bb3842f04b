/* text.c - control characters and the little HTML that widgets send. */
#include "chat2desk/text.h"

#include <ctype.h>
#include <strings.h>

/* Bytes of the control character at the start of s (C0, DEL, C1) that is to be dropped; 0: none. */
static size_t control_at(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];

	if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
		return 1;
	if (c == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0)
		return 2;
	return 0;
}

static size_t character_at(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return n < s.n ? n : s.n;
}

struct slice c2d_text_clean(struct arena *arena, struct slice text, size_t max)
{
	char *out = arena_alloc(arena, (text.n < max ? text.n : max) + 1);
	size_t n = 0;

	while (text.n > 0) {
		size_t drop = control_at(text);
		size_t keep = drop > 0 ? 0 : character_at(text);

		if (n + keep > max)
			break;
		memcpy(out + n, text.p, keep);
		n += keep;
		text.p += drop + keep;
		text.n -= drop + keep;
	}
	return (struct slice){ out, n };
}

/* Bytes of the tag at the start of s, with its name; 0 when it is none. */
static size_t tag_at(struct slice s, struct slice *name)
{
	size_t i = 1, from;

	if (s.n > i && s.p[i] == '/')
		i++;
	from = i;
	while (i < s.n && isalnum((unsigned char)s.p[i]))
		i++;
	*name = (struct slice){ s.p + from, i - from };
	if (i == from || !isalpha((unsigned char)s.p[from]) || i == s.n || memchr("> /\t\n", s.p[i], 5) == NULL)
		return 0;
	while (i < s.n && s.p[i] != '>' && s.p[i] != '<')
		i++;
	return i < s.n && s.p[i] == '>' ? i + 1 : 0;
}

static bool is_word(struct slice s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static bool ends_line(const char *tag, struct slice name)
{
	return is_word(name, "br") ||
	       (tag[1] == '/' && (is_word(name, "p") || is_word(name, "div") || is_word(name, "li")));
}

/* Bytes of the entity at the start of s and its character; 0 when it is none we know. */
static size_t entity_at(struct slice s, char *character)
{
	static const struct {
		const char *text;
		char character;
	} known[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&#39;", '\'' },
		{ "&apos;", '\'' }, { "&nbsp;", ' ' } };

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		size_t n = strlen(known[i].text);

		if (s.n >= n && memcmp(s.p, known[i].text, n) == 0) {
			*character = known[i].character;
			return n;
		}
	}
	return 0;
}

struct slice c2d_text_of_html(struct arena *arena, struct slice html)
{
	char *out = arena_alloc(arena, html.n + 1);
	size_t n = 0;

	while (html.n > 0) {
		struct slice name = SLICE_NONE;
		size_t used = html.p[0] == '<' ? tag_at(html, &name) : 0;
		char c = html.p[0];

		if (used == 0) {
			if (c == '&')
				used = entity_at(html, &c);
			out[n++] = c;
			used = used > 0 ? used : 1;
		} else if (ends_line(html.p, name)) {
			out[n++] = '\n';
		}
		html.p += used;
		html.n -= used;
	}
	return slice_trim((struct slice){ out, n });
}
