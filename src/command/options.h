/* options.h - the command line of a subcommand: its own options, --json, --config FILE, --help, and every
 * setting as an option (--worker-concurrency 50).
 *
 *   static const struct option_row rows[] = {
 *           { "status", "STATUS", "only orders in this status" }, // --status new
 *           { "yes", NULL, "do not ask" },                        // a flag
 *   };
 *   static const struct command_help help = {
 *           .name = "orders list", .operands = "[CLIENT]", .about = "Lists the orders.\n",
 *           .rows = rows, .n_rows = COUNT_OF(rows), .settings = true, .json = true,
 *           .examples = "chat2order orders list --status new\n",
 *   };
 *   struct options o;
 *   int code = options_parse(&o, &help, argc, argv);
 *
 *   if (code != OPTIONS_GO_ON)
 *           return code;         // --help was shown, or the mistake was named
 *   ... options_value(&o, "status"), o.operand[0], o.settings.port ...
 *   options_free(&o);
 *
 * Texts point into argv. One thread at a time. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include "base/settings.h"

struct options;

/* What a command ends with; part of the interface, see the man page. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,     /* it did not work, is unhealthy, was not found, or was not confirmed */
	EXIT_USAGE = 2,      /* a mistake in the command line, a setting, or the form file */
	EXIT_UNAVAILABLE = 3 /* the store or a port is not there, in use, or cannot be read or written */
};
enum { OPTIONS_GO_ON = -1 };

/* The exit code that fits an outcome of the library. */
enum exit_code exit_code_of(enum err e);

struct option_row {
	const char *name;  /* without the dashes */
	const char *value; /* what stands for the value in help ("FILE"); NULL: a flag */
	const char *help;
};

struct command_help {
	const char *name;     /* "orders list" */
	const char *operands; /* "ID [STATUS]"; NULL: takes none */
	const char *about;    /* lines, each ended by \n */
	const struct option_row *rows;
	size_t n_rows;
	size_t operands_least, operands_most;
	bool settings;        /* takes --config and every setting, and loads them */
	bool lists_settings;  /* its help lists every setting */
	bool json;            /* takes --json */
	const char *examples; /* lines, each ended by \n */
	/* also told why the settings do not load, before standard error is; NULL: nobody is */
	void (*refused)(const struct options *o, const struct why *why);
};

/* One option as it was given; value NULL: a flag. */
struct option_given {
	const char *name, *value;
};

struct options {
	const struct command_help *help;
	bool json;
	const char *config_file; /* --config; NULL: none */
	const char **operand;
	size_t n_operands;
	struct settings settings;        /* loaded when help->settings */
	struct settings_source *sources; /* setting_count() of them, the same */
	struct option_given *given;
	size_t n_given;
};

/* argv[0] is the command's name. OPTIONS_GO_ON: *o is filled, options_free() is due. Otherwise the exit
 * code to end with: help was printed to standard output, or the mistake and its cure to standard error.
 * "--" ends options; options and operands may be mixed. */
int options_parse(struct options *o, const struct command_help *help, int argc, char **argv);
void options_free(struct options *o);

/* Of the command's own options; the last one given counts. */
bool options_flag(const struct options *o, const char *name);
const char *options_value(const struct options *o, const char *name); /* NULL: not given */
/* The at-th value of an option that may be given several times; NULL behind the last. */
const char *options_value_at(const struct options *o, const char *name, size_t at);

/* These name a mistake on standard error and return EXIT_USAGE, else OPTIONS_GO_ON; *ret stays as it was
 * when the option was not given. */
int options_number(const struct options *o, const char *name, int64_t least, int64_t most, int64_t *ret);
/* A time: 2026-11-23, 2026-11-23T09:15:00Z (UTC, or with +hh:mm), or how long ago: 90s, 15m, 24h, 7d. */
int options_time(const struct options *o, const char *name, int64_t *ret_wall_ms);
/* One of "a|b|c", checked. */
int options_choice(const struct options *o, const char *name, const char *choices, const char **ret);

/* Names a mistake of the command line with a hint at --help, and returns EXIT_USAGE. */
int options_mistake(const struct command_help *help, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "chat2order: sentence" on standard error; returns the exit code that fits. */
int command_failed(enum err e, const struct why *why);
/* OPTIONS_GO_ON, or what the store's last verb said went wrong on standard error and the exit code that fits. */
int command_end(enum err e);
/* "there is no order 17; see: HINT" */
int command_not_found(const char *what, int64_t id, const char *hint);

#endif
