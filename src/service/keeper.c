/* keeper.c - a round a second; while there is more to prune, sooner, but never without a pause for the others. */
#include "service/keeper.h"

#include "base/clock.h"
#include "base/wait.h"

#include <pthread.h>
#include <stdlib.h>

enum { ROUND_MS = 1000, MORE_MS = 20 };

struct keeper {
	struct store *store;
	keeper_report *report;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
};

/* True when it is time to stop. */
static bool pause_for(struct keeper *k, int64_t ms)
{
	int64_t until_us = clock_mono_us() + ms * 1000;
	bool stopping;

	(void)pthread_mutex_lock(&k->lock);
	while (!k->stopping && wait_until(&k->wake, &k->lock, until_us))
		;
	stopping = k->stopping;
	(void)pthread_mutex_unlock(&k->lock);
	return stopping;
}

static void *keeper_main(void *context)
{
	struct keeper *k = context;
	struct store_kept kept;

	(void)pthread_setname_np(pthread_self(), "keeper");
	do {
		enum err e = store_keep(k->store, &kept);

		k->report(k->context, e, &kept);
	} while (!pause_for(k, kept.more ? MORE_MS : ROUND_MS));
	return NULL;
}

struct keeper *keeper_start(struct store *store, keeper_report *report, void *context)
{
	struct keeper *k = mem_alloc(sizeof *k);

	k->store = store;
	k->report = report;
	k->context = context;
	(void)pthread_mutex_init(&k->lock, NULL);
	wait_init(&k->wake);
	if (pthread_create(&k->thread, NULL, keeper_main, k) != 0)
		abort();
	return k;
}

void keeper_stop(struct keeper **k)
{
	struct keeper *gone = *k;

	if (gone == NULL)
		return;
	(void)pthread_mutex_lock(&gone->lock);
	gone->stopping = true;
	(void)pthread_cond_signal(&gone->wake);
	(void)pthread_mutex_unlock(&gone->lock);
	(void)pthread_join(gone->thread, NULL);
	(void)pthread_cond_destroy(&gone->wake);
	(void)pthread_mutex_destroy(&gone->lock);
	free(gone);
	*k = NULL;
}
