/* options.c - getopt_long over a table made of the command's options and the settings. */
#include "command/options_inside.h"

#include "base/buf.h"
#include "base/nearest.h"
#include "store/store.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What getopt_long returns for an option, by where it comes from. */
enum { IS_HELP = 256, IS_JSON, IS_CONFIG, IS_OWN, IS_SETTING };

/* The table of one parse, with the settings given so far. */
struct parse {
	struct options *o;
	struct option *table;
	size_t n;
	struct arena names;
	const char **overrides; /* option, value, ... */
	size_t n_overrides;
};

enum exit_code exit_code_of(enum err e)
{
	switch (e) {
	case ERR_OK:
	case ERR_DUPLICATE:
		return EXIT_DONE;
	case ERR_INVALID:
		return EXIT_USAGE;
	case ERR_NOT_FOUND:
	case ERR_FAILED:
	case ERR_MALFORMED:
	case ERR_TOO_LARGE:
	case ERR_CONFLICT:
	case ERR_DENIED:
		return EXIT_FAILED;
	default:
		return EXIT_UNAVAILABLE;
	}
}

int command_failed(enum err e, const struct why *why)
{
	(void)fprintf(stderr, "chat2order: %s\n", why != NULL && why->text[0] != '\0' ? why->text : err_text(e));
	return (int)exit_code_of(e);
}

int command_end(enum err e)
{
	struct why why;

	why_set(&why, "%s", store_said(e));
	return e == ERR_OK ? OPTIONS_GO_ON : command_failed(e, &why);
}

int command_not_found(const char *what, int64_t id, const char *hint)
{
	(void)fprintf(stderr, "chat2order: there is no %s %" PRId64 "; see: %s\n", what, id, hint);
	return EXIT_FAILED;
}

int options_mistake(const struct command_help *help, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("chat2order: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "\nSee: chat2order %s --help\n", help->name);
	return EXIT_USAGE;
}

/* ---- parsing ------------------------------------------------------------------------------------ */

static void add_row(struct parse *p, const char *name, bool has_value, int kind)
{
	p->table[p->n++] =
	    (struct option){ .name = name, .has_arg = has_value ? required_argument : no_argument, .val = kind };
}

const char *options_name(struct arena *names, const char *setting, const char *suffix)
{
	struct buf text = { 0 };
	char *name;

	buf_printf(&text, "%s%s", setting, suffix);
	name = arena_copy(names, text.p, text.n);
	buf_free(&text);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '_' ? '-' : (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return name;
}

static void make_table(struct parse *p, const struct command_help *help)
{
	p->table = mem_alloc((help->n_rows + 2 * setting_count() + 4) * sizeof *p->table);
	add_row(p, "help", false, IS_HELP);
	if (help->json)
		add_row(p, "json", false, IS_JSON);
	for (size_t i = 0; i < help->n_rows; i++)
		add_row(p, help->rows[i].name, help->rows[i].value != NULL, IS_OWN);
	if (!help->settings)
		return;
	add_row(p, "config", true, IS_CONFIG);
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *s = setting_at(i);

		add_row(p, options_name(&p->names, s->name, ""), true, IS_SETTING);
		if (s->kind == SETTING_SECRET)
			add_row(p, options_name(&p->names, s->name, "_FILE"), true, IS_SETTING);
	}
}

static int unknown_option(const struct parse *p, const char *typed)
{
	const char *name = typed + strspn(typed, "-");
	struct nearest nearest = { .typed = { name, strcspn(name, "=") } };

	for (size_t i = 0; i < p->n; i++)
		nearest_offer(&nearest, p->table[i].name);
	if (nearest.word != NULL)
		return options_mistake(p->o->help, "there is no option %s; did you mean --%s?", typed, nearest.word);
	return options_mistake(p->o->help, "there is no option %s", typed);
}

/* Takes one option; OPTIONS_GO_ON or the exit code. */
static int take(struct parse *p, int kind, const char *name, char **argv)
{
	struct options *o = p->o;

	switch (kind) {
	case IS_HELP:
		options_help(o->help);
		return EXIT_DONE;
	case IS_JSON:
		o->json = true;
		break;
	case IS_CONFIG:
		o->config_file = optarg;
		break;
	case IS_OWN:
		o->given[o->n_given++] = (struct option_given){ name, optarg };
		break;
	case IS_SETTING:
		p->overrides[p->n_overrides++] = name;
		p->overrides[p->n_overrides++] = optarg;
		break;
	case ':':
		return options_mistake(o->help, "%s needs a value behind it", argv[optind - 1]);
	default:
		return unknown_option(p, argv[optind - 1]);
	}
	return OPTIONS_GO_ON;
}

static int take_all(struct parse *p, int argc, char **argv)
{
	int code = OPTIONS_GO_ON, at = 0, kind;

	optind = 0;
	opterr = 0;
	while (code == OPTIONS_GO_ON && (kind = getopt_long(argc, argv, ":", p->table, &at)) != -1)
		code = take(p, kind, p->table[at].name, argv);
	return code;
}

static int take_operands(struct options *o, int argc, char **argv)
{
	const struct command_help *help = o->help;

	o->n_operands = (size_t)(argc - optind);
	o->operand = (const char **)(void *)(argv + optind);
	if (o->n_operands < help->operands_least)
		return options_mistake(help, "%s is missing", help->operands);
	if (o->n_operands > help->operands_most)
		return options_mistake(help, "\"%s\" is one word too many", o->operand[help->operands_most]);
	return OPTIONS_GO_ON;
}

static int load_settings(struct parse *p)
{
	struct options *o = p->o;
	struct why why;

	if (!o->help->settings)
		return OPTIONS_GO_ON;
	o->sources = mem_alloc(setting_count() * sizeof *o->sources);
	if (settings_load(&o->settings, o->config_file, p->overrides, p->n_overrides, o->sources, &why) == ERR_OK)
		return OPTIONS_GO_ON;
	if (o->help->refused != NULL)
		o->help->refused(o, &why);
	return command_failed(ERR_INVALID, &why);
}

int options_parse(struct options *o, const struct command_help *help, int argc, char **argv)
{
	struct parse p = { .o = o };
	int code;

	*o = (struct options){ .help = help, .given = mem_alloc((size_t)argc * sizeof *o->given) };
	p.overrides = mem_alloc(2 * (size_t)argc * sizeof *p.overrides);
	make_table(&p, help);
	code = take_all(&p, argc, argv);
	if (code == OPTIONS_GO_ON)
		code = take_operands(o, argc, argv);
	if (code == OPTIONS_GO_ON)
		code = load_settings(&p);
	arena_free(&p.names);
	free(p.table);
	free(p.overrides);
	if (code != OPTIONS_GO_ON)
		options_free(o);
	return code;
}

void options_free(struct options *o)
{
	settings_free(&o->settings);
	free(o->sources);
	free(o->given);
	*o = (struct options){ 0 };
}
