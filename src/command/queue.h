/* queue.h - the verbs of `queue`, and what those about dead letters share. */
#ifndef COMMAND_QUEUE_H
#define COMMAND_QUEUE_H

#include "command/beside.h"

#include <jansson.h>

int queue_counts(int argc, char **argv);
int queue_dead(int argc, char **argv);
int queue_show(int argc, char **argv);
int queue_retry(int argc, char **argv);
int queue_remove(int argc, char **argv);

/* Rows for the help of verbs that filter. */
#define QUEUE_FILTER_ROWS                                                                                              \
	{ "kind", "KIND", "only this kind: message|reply" }, { "client", "ID", "only of this client of Chat2Desk" },   \
	    { "reason", "TEXT", "only with this text in their reason" },                                               \
	    { "since", "TIME", "only what died at or after it: 2026-11-23, or 24h, 7d ago" },                          \
	{                                                                                                              \
		"until", "TIME", "only what died before it"                                                            \
	}

/* Reads them; OPTIONS_GO_ON or the exit code. */
int queue_filter(const struct options *o, struct store_dead_filter *ret);
bool queue_is_filtered(const struct options *o);

/* Walks the matching dead letters, oldest first, at most limit of them (0: all). */
typedef void queue_each(void *context, const struct store_dead *dead);
MUST_CHECK enum err queue_walk(
    struct store *store, const struct store_dead_filter *filter, int64_t limit, queue_each *each, void *context);

const char *queue_kind_name(enum store_dead_kind kind); /* "message", "reply" */
json_t *queue_json(const struct store_dead *dead);

/* The dead letters that retry and remove act on: the ids given as operands, or with --all those that match
 * the filter. A zeroed struct is empty. */
struct queue_choice {
	struct store_dead_filter filter;
	int64_t *ids;
	size_t n, size;
};
int queue_choose(const struct options *o, struct queue_choice *choice); /* before the store is open */
enum err queue_collect(const struct options *o, struct store *store, struct queue_choice *choice);
void queue_choice_free(struct queue_choice *choice);
/* Asks "Retry 12 dead letters?" where a person can answer and --yes was not given. OPTIONS_GO_ON: do it. */
int queue_confirm(const struct options *o, const char *verb, size_t n);

#endif
