/* migrate.c - `chat2order migrate`: prepares the shared store, and takes the predecessor's data over. */
#include "base/clock.h"
#include "command/commands.h"
#include "command/options.h"
#include "command/process.h"
#include "store/shared/takeover/takeover.h"

#include <stdio.h>

static const struct option_row rows[] = {
	{ "dry-run", NULL, "only says what there is and what would become of it" },
};

static const struct command_help help = {
	.name = "migrate",
	.about =
	    "Brings PostgreSQL's tables to this version, and takes over what the TypeScript predecessor left in Redis and\n"
	    "PostgreSQL: orders, logs, open dialogs, waiting messages, unsent replies. The predecessor must be stopped.\n"
	    "It may be run again at any time; `worker` and `run` do the same at their start. See docs/shared-store.md.\n",
	.rows = rows,
	.n_rows = COUNT_OF(rows),
	.settings = true,
	.examples = "chat2order migrate --dry-run\n"
		    "PREDECESSOR_TIMEZONE=Asia/Bishkek chat2order migrate\n",
};

static void print_line(const struct takeover_line *line)
{
	char oldest[CLOCK_TEXT_SIZE];

	(void)printf("  %-32s %10lld   ", line->what, (long long)line->n);
	if (line->oldest_ms != 0)
		(void)printf("oldest %s; ", clock_format(line->oldest_ms, oldest));
	(void)printf("%s\n", line->becomes);
}

static void print_report(const struct takeover_report *report, bool dry)
{
	if (report->n == 0)
		(void)printf("%s\n", report->done_before ? "The store is prepared; there is nothing to take over."
							 : "There is nothing of a predecessor to take over.");
	else
		(void)printf(dry ? "This would be taken over:\n" : "Taken over:\n");
	for (size_t i = 0; i < report->n; i++)
		print_line(&report->line[i]);
	if (dry)
		(void)printf("Nothing was written.\n");
}

/* The embedded store migrates by itself when it is opened. */
static enum err check(const struct settings *s, struct why *why)
{
	if (settings_name_redis(s) && settings_name_postgres(s))
		return ERR_OK;
	return why_fail(why, ERR_INVALID,
	    "set REDIS_URL and DATABASE_URL (or the predecessor's REDIS_HOST, DATABASE_HOST, ...): "
	    "the embedded store needs no such step");
}

int command_migrate(int argc, char **argv)
{
	struct takeover_report report = { 0 };
	struct why why = { 0 };
	struct options o;
	int code = options_parse(&o, &help, argc, argv);
	bool dry;
	enum err e;

	if (code != OPTIONS_GO_ON)
		return code;
	dry = options_flag(&o, "dry-run");
	process_setup_log(&o.settings);
	e = check(&o.settings, &why);
	if (e == ERR_OK)
		e = takeover_migrate(&o.settings, dry, &report, &why);
	if (e == ERR_OK)
		print_report(&report, dry);
	code = e == ERR_OK ? EXIT_DONE : command_failed(e, &why);
	options_free(&o);
	return code;
}
