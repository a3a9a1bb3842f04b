/* options_inside.h - what the files of options share. */
#ifndef COMMAND_OPTIONS_INSIDE_H
#define COMMAND_OPTIONS_INSIDE_H

#include "command/options.h"

void options_help(const struct command_help *help);
/* WORKER_CONCURRENCY with suffix _FILE as worker-concurrency-file; lives in the arena. */
const char *options_name(struct arena *names, const char *setting, const char *suffix);

#endif
