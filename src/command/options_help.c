/* options_help.c - the page that --help prints. */
#include "command/options_inside.h"
#include "command/output.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAME_SIZE = 64 };

static void print_row(const char *name, const char *value, const char *help)
{
	char left[NAME_SIZE];

	(void)snprintf(left, sizeof left, "--%s%s%s", name, value != NULL ? " " : "", value != NULL ? value : "");
	(void)printf("  %-24s %s\n", left, help);
}

static const char *const value_names[] = {
	[SETTING_TEXT] = "TEXT", [SETTING_SECRET] = "SECRET", [SETTING_NUMBER] = "N", [SETTING_CHOICE] = "WORD"
};

static void print_settings(void)
{
	struct arena names = { 0 };

	(void)puts("\nSettings:");
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *s = setting_at(i);

		(void)printf("  --%s %s\n      %s", options_name(&names, s->name, ""), value_names[s->kind], s->help);
		if (s->kind == SETTING_NUMBER)
			(void)printf(" (%" PRId64 " to %" PRId64 " %s; %s)", s->least, s->most, s->unit, s->standard);
		else if (s->kind == SETTING_CHOICE)
			(void)printf(" (%s; %s)", s->choices, s->standard);
		else if (s->standard[0] != '\0')
			(void)printf(" (%s)", s->standard);
		(void)puts("");
	}
	arena_free(&names);
}

void options_help(const struct command_help *help)
{
	(void)printf("Usage: chat2order %s [OPTION]...%s%s\n\n%s\nOptions:\n", help->name,
	    help->operands != NULL ? " " : "", help->operands != NULL ? help->operands : "", help->about);
	for (size_t i = 0; i < help->n_rows; i++)
		print_row(help->rows[i].name, help->rows[i].value, help->rows[i].help);
	if (help->json)
		print_row("json", NULL, "print JSON, for programs");
	if (help->settings)
		print_row("config", "FILE", "read settings from this file of KEY=value lines");
	print_row("help", NULL, "print this page");
	if (help->lists_settings)
		print_settings();
	else if (help->settings)
		(void)puts("  Every setting is an option, too, as --data-dir DIR; see: chat2order config --help");
	output_lines("Examples", help->examples);
}
