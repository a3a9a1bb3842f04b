/* beside.h - a command that works on the store, beside the service. */
#ifndef COMMAND_BESIDE_H
#define COMMAND_BESIDE_H

#include "command/options.h"
#include "store/store.h"

/* What such a command does, on its own request (a struct of the command, zeroed at the start). Both return
 * OPTIONS_GO_ON or the exit code to end with; act's OPTIONS_GO_ON is success. */
struct beside {
	const struct command_help *help;
	int (*check)(const struct options *o, void *request); /* before the store is opened; may be NULL */
	int (*act)(const struct options *o, struct store *store, void *request);
};

/* Parses argv, checks, opens the store, acts, closes; returns the exit code. The store is the one in
 * DATA_DIR; if there is none, the demo's in DATA_DIR/demo, which is said on standard error; if there is
 * none either, the message says where was looked. */
int beside_run(const struct beside *command, int argc, char **argv, void *request);

#endif
