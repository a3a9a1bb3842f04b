/* verbs.c - finds the verb that is meant, or shows which there are. */
#include "command/commands.h"

#include "base/nearest.h"
#include "command/options.h"
#include "command/output.h"

#include <stdio.h>

static const struct verb *find_verb(const struct verb_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->verbs[i].name, name) == 0)
			return &set->verbs[i];
	return NULL;
}

static const char *blank_after(const struct verb_set *set)
{
	return set->name[0] != '\0' ? " " : "";
}

static int print_help(const struct verb_set *set)
{
	const char *gap = blank_after(set);

	(void)printf("Usage: chat2order %s%sCOMMAND [OPTION]...\n\n%s\nCommands:\n", set->name, gap, set->about);
	for (size_t i = 0; i < set->n; i++)
		(void)printf("  %-12s %s\n", set->verbs[i].name, set->verbs[i].about);
	(void)printf("\nOptions go after the command. More about one: chat2order %s%sCOMMAND --help\n", set->name, gap);
	output_lines("Examples", set->examples);
	return EXIT_DONE;
}

static int unknown_verb(const struct verb_set *set, const char *typed)
{
	struct nearest nearest = { .typed = slice_of(typed) };

	if (typed[0] == '-') {
		(void)fprintf(stderr, "chat2order: options go behind the command, as: chat2order orders %s\n", typed);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < set->n; i++)
		nearest_offer(&nearest, set->verbs[i].name);
	(void)fprintf(stderr, "chat2order: there is no command \"%s%s%s\"", set->name, blank_after(set), typed);
	if (nearest.word != NULL)
		(void)fprintf(stderr, "; did you mean %s?", nearest.word);
	(void)fprintf(stderr, "\nSee: chat2order %s%s--help\n", set->name, blank_after(set));
	return EXIT_USAGE;
}

/* "help VERB" is "VERB --help". */
static int help_about(const struct verb_set *set, char *name)
{
	const struct verb *verb = find_verb(set, name);
	char option[] = "--help";
	char *argv[] = { name, option, NULL };

	return verb != NULL ? verb->run(2, argv) : unknown_verb(set, name);
}

int verbs_run(const struct verb_set *set, int argc, char **argv)
{
	char *first = argc > 1 ? argv[1] : NULL;
	const struct verb *verb = first != NULL ? find_verb(set, first) : NULL;

	if (verb != NULL)
		return verb->run(argc - 1, argv + 1);
	if (first != NULL && strcmp(first, "help") == 0 && argc > 2)
		return help_about(set, argv[2]);
	if (first != NULL && (strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0))
		return print_help(set);
	if (set->standard != NULL && (first == NULL || first[0] == '-'))
		return find_verb(set, set->standard)->run(argc, argv);
	if (first == NULL) {
		(void)print_help(set);
		return EXIT_USAGE;
	}
	return unknown_verb(set, first);
}
