/* commands.h - the subcommands. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef COMMAND_COMMANDS_H
#define COMMAND_COMMANDS_H

#include <stddef.h>

int command_run(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_worker(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_chat(int argc, char **argv);
int command_orders(int argc, char **argv);
int command_queue(int argc, char **argv);
int command_log(int argc, char **argv);
int command_funnel(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_config(int argc, char **argv);
int command_healthcheck(int argc, char **argv);
int command_version(int argc, char **argv);

/* A word of the command line and what it does. */
struct verb {
	const char *name, *about;
	int (*run)(int argc, char **argv);
};

/* A set of verbs: the program itself, or a subcommand that has some ("orders list"). */
struct verb_set {
	const char *name;  /* "orders"; "" for the program itself */
	const char *about; /* lines, each ended by \n */
	const struct verb *verbs;
	size_t n;
	const char *standard; /* the verb that is meant when none is given; NULL: help is shown */
	const char *examples; /* lines, each ended by \n */
};

/* Runs the verb that argv[1] names; "help", "--help" and "help VERB" are understood in every set. */
int verbs_run(const struct verb_set *set, int argc, char **argv);

#endif
