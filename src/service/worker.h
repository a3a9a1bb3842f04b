/* worker.h - the threads that take turns, run them and make their results true.
 *
 * Each thread takes as many turns as its share of WORKER_CONCURRENCY allows, runs them one after the other
 * (a turn is pure computing, tens of microseconds), and finishes all in one round trip. */
#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include "base/settings.h"
#include "dialog/form.h"
#include "store/store.h"

struct workers;

enum worker_verb { WORKER_TAKES, WORKER_FINISHES };

struct worker_links {
	struct store *store;
	const struct dialog_form *form;
	void *context;
	/* how many new replies the sender can take at the moment */
	size_t (*sender_room)(void *context);
	/* the sender's new replies; takes what they hold and leaves *replies empty */
	void (*send)(void *context, struct store_replies *replies);
	/* whether the store could be used, each time; any thread */
	void (*report)(void *context, enum worker_verb verb, bool ok, const char *reason);
};

struct workers *workers_start(const struct settings *settings, const struct worker_links *links);
/* Lets the turns in hand be finished. store_stop_waiting() comes first. NULL is fine; *w is NULL afterwards. */
void workers_stop(struct workers **w);

#endif
