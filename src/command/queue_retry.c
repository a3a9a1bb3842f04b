/* queue_retry.c - `queue retry` and `queue remove`: dead letters acted on, in small steps. */
#include "command/jsonout.h"
#include "command/output.h"
#include "command/queue.h"

#include <stdio.h>

enum { STEP = 100 };

/* What is chosen, and what became of it. */
struct action {
	struct queue_choice choice;
	size_t done, gone, other_dialog;
};

#define ACTION_ROWS                                                                                                    \
	{ "all", NULL, "all that match the filters below, or all there are" }, QUEUE_FILTER_ROWS,                      \
	    { "dry-run", NULL, "say how many it would be, and do nothing" },                                           \
	{                                                                                                              \
		"yes", NULL, "do not ask"                                                                              \
	}

static int check(const struct options *o, void *request)
{
	return queue_choose(o, &((struct action *)request)->choice);
}

static enum err retry_step(struct store *store, const int64_t *ids, size_t n, bool force, struct action *a)
{
	enum store_dead_retried became[STEP];
	enum err e = store_dead_retry(store, ids, n, force, became);

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		a->done += became[i] == STORE_DEAD_RETRIED;
		a->gone += became[i] == STORE_DEAD_GONE;
		a->other_dialog += became[i] == STORE_DEAD_OTHER_DIALOG;
	}
	return e;
}

static enum err remove_step(struct store *store, const int64_t *ids, size_t n, struct action *a)
{
	size_t removed = 0;
	enum err e = store_dead_remove(store, ids, n, &removed);

	if (e == ERR_OK) {
		a->done += removed;
		a->gone += n - removed;
	}
	return e;
}

static enum err in_steps(const struct options *o, struct store *store, bool removing, struct action *a)
{
	const struct queue_choice *c = &a->choice;
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && at < c->n; at += STEP) {
		size_t n = c->n - at < STEP ? c->n - at : STEP;

		e = removing ? remove_step(store, c->ids + at, n, a)
			     : retry_step(store, c->ids + at, n, options_flag(o, "force"), a);
		if (c->n > STEP)
			output_progress(removing ? "removed" : "retried", at + n, c->n);
	}
	return e;
}

static void report(const struct options *o, const char *word, const struct action *a, bool dry)
{
	if (o->json) {
		json_print(json_pack("{s:b, s:I, s:I, s:I, s:I}", "dry_run", dry, "chosen", (json_int_t)a->choice.n,
		    word, (json_int_t)a->done, "not_found", (json_int_t)a->gone, "other_dialog",
		    (json_int_t)a->other_dialog));
		return;
	}
	if (dry)
		(void)printf("%zu would be %s.\n", a->choice.n, word);
	else
		(void)printf("%zu of %zu %s.\n", a->done, a->choice.n, word);
	if (a->gone > 0)
		(void)printf("No longer there: %zu.\n", a->gone);
	if (a->other_dialog > 0)
		(void)printf("Of a dialog that is over, still dead: %zu; --force takes them as new messages.\n",
		    a->other_dialog);
}

static int act(const struct options *o, struct store *store, struct action *a, bool removing)
{
	bool dry = options_flag(o, "dry-run");
	enum err e = queue_collect(o, store, &a->choice);
	int code = OPTIONS_GO_ON;

	if (e == ERR_OK && !dry && (removing || options_flag(o, "all")))
		code = queue_confirm(o, removing ? "Remove for good" : "Retry", a->choice.n);
	if (e == ERR_OK && !dry && code == OPTIONS_GO_ON)
		e = in_steps(o, store, removing, a);
	if (code == OPTIONS_GO_ON && (e == ERR_OK || a->done > 0))
		report(o, removing ? "removed" : "retried", a, dry);
	if (e != ERR_OK)
		code = command_end(e);
	else if (code == OPTIONS_GO_ON && a->gone + a->other_dialog > 0)
		code = EXIT_FAILED;
	return code;
}

static int retry(const struct options *o, struct store *store, void *request)
{
	return act(o, store, request, false);
}

static int removal(const struct options *o, struct store *store, void *request)
{
	return act(o, store, request, true);
}

static int run(const struct beside *command, int argc, char **argv)
{
	struct action action = { 0 };
	int code = beside_run(command, argc, argv, &action);

	queue_choice_free(&action.choice);
	return code;
}

int queue_retry(int argc, char **argv)
{
	static const struct option_row rows[] = {
		ACTION_ROWS,
		{ "force", NULL, "take messages of a dialog that is over as new arrivals" },
	};
	static const struct command_help help = {
		.name = "queue retry",
		.operands = "ID...|--all",
		.about =
		    "Puts dead letters back. A reply is sent again. A message counts as late: it may fill an open\n"
		    "field, no more; when its dialog is over it stays dead, unless forced. --all asks first.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.operands_most = SIZE_MAX,
		.settings = true,
		.json = true,
		.examples = "chat2order queue retry 12 13\n"
			    "chat2order queue retry --all --kind reply --since 24h --dry-run\n"
			    "chat2order queue retry --all --reason \"client not found\" --yes\n",
	};
	static const struct beside command = { &help, check, retry };

	return run(&command, argc, argv);
}

int queue_remove(int argc, char **argv)
{
	static const struct option_row rows[] = { ACTION_ROWS };
	static const struct command_help help = {
		.name = "queue remove",
		.operands = "ID...|--all",
		.about =
		    "Removes dead letters for good: their messages stay unprocessed, their replies unsent. Asks first.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.operands_most = SIZE_MAX,
		.settings = true,
		.json = true,
		.examples = "chat2order queue remove 12\nchat2order queue remove --all --until 2026-01-01 --dry-run\n",
	};
	static const struct beside command = { &help, check, removal };

	return run(&command, argc, argv);
}
