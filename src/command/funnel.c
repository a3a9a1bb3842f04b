/* funnel.c - `funnel`: how many dialogs end in an order, and in which state the others stop. */
#include "command/beside.h"
#include "command/commands.h"
#include "command/jsonout.h"

#include <inttypes.h>
#include <stdio.h>

static int check(const struct options *o, void *request)
{
	return options_time(o, "since", request);
}

static void print_json(const struct store_funnel *f)
{
	json_t *states = json_object();

	for (size_t i = 0; i < f->n_states; i++)
		(void)json_object_set_new(states, f->state[i].state, json_integer((json_int_t)f->state[i].dropped));
	json_print(json_pack("{s:I, s:I, s:o}", "completed", (json_int_t)f->completed, "dropped",
	    (json_int_t)f->dropped, "dropped_in", states));
}

static void print_share(const char *what, int64_t part, int64_t all)
{
	(void)printf("%-28s %8" PRId64 "  %5.1f %%\n", what, part, 100.0 * (double)part / (double)all);
}

static void print_lines(const struct store_funnel *f)
{
	int64_t all = f->completed + f->dropped;

	if (all == 0) {
		(void)puts("No dialog has ended yet.");
		return;
	}
	print_share("ended in an order", f->completed, all);
	print_share("ended without one", f->dropped, all);
	for (size_t i = 0; i < f->n_states; i++) {
		char label[96];

		(void)snprintf(label, sizeof label, "  in %s", f->state[i].state);
		print_share(label, f->state[i].dropped, all);
	}
}

static int show(const struct options *o, struct store *store, void *request)
{
	const int64_t *since_ms = request;
	struct store_funnel funnel = { 0 };
	enum err e = store_funnel(store, *since_ms, &funnel);

	if (e == ERR_OK)
		(o->json ? print_json : print_lines)(&funnel);
	return command_end(e);
}

int command_funnel(int argc, char **argv)
{
	static const struct option_row rows[] = {
		{ "since", "TIME", "only dialogs that ended at or after it: 2026-11-23, or 24h, 7d ago" },
	};
	static const struct command_help help = {
		.name = "funnel",
		.about = "Shows how many dialogs ended in an order, and in which state the others stopped.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.json = true,
		.examples = "chat2order funnel\nchat2order funnel --since 7d --json\n",
	};
	static const struct beside command = { &help, check, show };
	int64_t since_ms = 0;

	return beside_run(&command, argc, argv, &since_ms);
}
