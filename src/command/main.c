/* main.c - the table of subcommands. */
#include "command/commands.h"

#include "base/mem.h"
#include "command/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct verb verbs[] = {
	{ "run", "serve; without a token, a demo with a simulated Chat2Desk to chat in", command_run },
	{ "serve", "take webhooks in, for any number of workers on Redis and PostgreSQL", command_serve },
	{ "worker", "lead dialogs and send replies, on Redis and PostgreSQL", command_worker },
	{ "migrate", "prepare the shared store, and take over the predecessor's data", command_migrate },
	{ "chat", "talk to the bot as a customer, here in the terminal", command_chat },
	{ "simulate", "a simulated Chat2Desk to develop against, with a page to chat in", command_simulate },
	{ "orders", "list, show and export orders, and set their status", command_orders },
	{ "queue", "what waits, and the dead letters: list, show, retry, remove", command_queue },
	{ "log", "what customers wrote and what became of it", command_log },
	{ "funnel", "how many dialogs end in an order, and where the others stop", command_funnel },
	{ "validate", "check settings and form file before a start", command_validate },
	{ "config", "the settings in effect, and where each comes from", command_config },
	{ "healthcheck", "ask the running service whether it is healthy", command_healthcheck },
	{ "version", "the version of the program and of its libraries", command_version },
};

static const struct verb_set program = {
	.name = "",
	.about = "Takes customers' orders in messenger chats, through Chat2Desk.\n",
	.verbs = verbs,
	.n = COUNT_OF(verbs),
	.examples = "chat2order run                   # the demo: chat in the browser, see orders appear\n"
		    "chat2order orders                # the newest orders\n"
		    "chat2order queue dead            # what could not be processed, and why\n"
		    "chat2order config --help         # all settings\n",
};

/* Output that did not arrive, as on a full disk, is a failure, whatever the command thinks. */
static int end_with(int code)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return code;
	(void)fprintf(stderr, "chat2order: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	char version[] = "version";

	if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
		argv[1] = version;
	return end_with(verbs_run(&program, argc, argv));
}
