/* output.c - what a terminal needs: width, colour, harmless text, questions. */
#include "command/output.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistd.h>
#include <unistr.h>
#include <uniwidth.h>

void output_lines(const char *title, const char *lines)
{
	(void)printf("\n%s:\n", title);
	while (*lines != '\0') {
		int n = (int)strcspn(lines, "\n");

		(void)printf("  %.*s\n", n, lines);
		lines += n + (lines[n] == '\n');
	}
}

bool output_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

size_t output_columns(FILE *out)
{
	struct winsize size = { 0 };

	if (isatty(fileno(out)) != 1)
		return 0;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static bool turns_direction(ucs4_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
}

static bool is_harmless(ucs4_t c)
{
	return !turns_direction(c) &&
	       !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp);
}

void terminal_text(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n;) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)s.p + i, s.n - i);

		if (c == 0xfffd)
			buf_text(out, "\xef\xbf\xbd");
		else if (is_harmless(c))
			buf_add(out, s.p + i, (size_t)n);
		else
			buf_char(out, ' ');
		i += (size_t)n;
	}
}

size_t terminal_width(struct slice s)
{
	return s.n == 0 ? 0 : (size_t)u8_width((const uint8_t *)s.p, s.n, "UTF-8");
}

struct slice terminal_clip(struct slice s, size_t width)
{
	const uint8_t *start = (const uint8_t *)s.p, *at = start, *end = start + s.n;
	size_t taken = 0;

	while (at < end) {
		const uint8_t *next = u8_grapheme_next(at, end);

		taken += terminal_width((struct slice){ (const char *)at, (size_t)(next - at) });
		if (taken > width)
			break;
		at = next;
	}
	return (struct slice){ s.p, (size_t)(at - start) };
}

bool output_confirm(const char *question, bool *ret_asked)
{
	char line[16] = "";

	*ret_asked = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
	if (!*ret_asked)
		return false;
	(void)fprintf(stderr, "%s [y/N] ", question);
	if (fgets(line, sizeof line, stdin) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 || strcmp(line, "yes") == 0;
}

void output_progress(const char *what, size_t done, size_t all)
{
	if (isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr, "\r%s %zu of %zu%s", what, done, all, done == all ? "\n" : "");
}
