/* ids.h - numbers that never repeat, over restarts too.
 *
 * One sequence gives every id (messages, clients, dialogs, requests, webhooks), so that one kind can't be
 * mistaken for another. It lies beyond 32 bits, so that a program that cuts ids fails at once. The file
 * holds a mark no id has reached; it is moved on, durably, before ids behind it are given. */
#ifndef SIMULATOR_IDS_H
#define SIMULATOR_IDS_H

#include "base/err.h"

#include <stdint.h>

struct sim_ids {
	int64_t next;
	int64_t mark; /* ids below it may be given */
	char *path;   /* NULL: nothing is kept */
};

/* Reads the mark from folder/ids, or starts a new sequence; folder NULL: a sequence from the clock. */
MUST_CHECK enum err sim_ids_open(struct sim_ids *ids, const char *folder, struct why *why);
/* Sees to it that the next n ids can be given. */
MUST_CHECK enum err sim_ids_ensure(struct sim_ids *ids, int64_t n, struct why *why);
/* Only what sim_ids_ensure() has made sure of. */
int64_t sim_ids_take(struct sim_ids *ids);
void sim_ids_close(struct sim_ids *ids);

#endif
