/* manual.c - the list of settings written as Markdown and as mdoc. */
#include "command/manual.h"

#include "base/settings.h"

#include <inttypes.h>
#include <stdio.h>

/* Text with a backslash before each of the marks. */
static void escaped(const char *text, const char *marks)
{
	for (; *text != '\0'; text++)
		(void)printf("%s%c", strchr(marks, *text) != NULL ? "\\" : "", *text);
}

static void markdown_range(const struct setting *s)
{
	if (s->kind == SETTING_NUMBER)
		(void)printf("%" PRId64 " to %" PRId64 " (%s)", s->least, s->most, s->unit);
	else if (s->kind == SETTING_CHOICE)
		escaped(s->choices, "|");
	else
		(void)fputs(s->kind == SETTING_SECRET ? "secret" : "text", stdout);
}

void manual_markdown(void)
{
	(void)puts("| setting | default | values | |\n|---|---|---|---|");
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *s = setting_at(i);

		(void)printf("| `%s` | %s%s%s | ", s->name, s->standard[0] != '\0' ? "`" : "", s->standard,
		    s->standard[0] != '\0' ? "`" : "");
		markdown_range(s);
		(void)fputs(" | ", stdout);
		escaped(s->help, "|<>");
		(void)puts(" |");
	}
}

static void mdoc_range(const struct setting *s)
{
	if (s->kind == SETTING_NUMBER)
		(void)printf("%" PRId64 " to %" PRId64 " (%s), default %s: ", s->least, s->most, s->unit, s->standard);
	else if (s->kind == SETTING_CHOICE)
		(void)printf("%s, default %s: ", s->choices, s->standard);
	else if (s->kind == SETTING_SECRET)
		(void)printf("Secret, also as %s_FILE: ", s->name);
	else if (s->standard[0] != '\0')
		(void)printf("Default %s: ", s->standard);
}

void manual_mdoc(void)
{
	(void)puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *s = setting_at(i);

		(void)printf(".It Ev %s\n", s->name);
		mdoc_range(s);
		(void)printf("%s.\n", s->help);
	}
	(void)puts(".El");
}
