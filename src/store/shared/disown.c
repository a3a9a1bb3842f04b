/* disown.c - a list of calls whose outcome is unknown, by their connections and counters; and who holds what, where Redis may
 * say otherwise. */
#include "store/shared/disown.h"

#include "base/metrics.h"
#include "store/shared/held.h"
#include "store/shared/redis/waker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ANSWER_FORGOTTEN = 3, ANSWER_LATER };

struct lost {
	struct redis_identity connection; /* client_id 0: none is to be ended */
	uint64_t first, last;
	struct lost *next;
};

struct disowned {
	_Atomic bool any;       /* the list is not empty */
	_Atomic bool forgotten; /* Redis may have forgotten what was ended */
	pthread_mutex_t lock;   /* held while they are given back, so that no other thread takes meanwhile */
	struct lost *list;
	struct disown_watch *watches; /* of calls under way */
};

struct disowned *disowned_new(void)
{
	struct disowned *d = mem_alloc(sizeof *d);

	(void)pthread_mutex_init(&d->lock, NULL);
	return d;
}

void disowned_free(struct disowned **d)
{
	if (*d != NULL) {
		for (struct lost *l = (*d)->list, *next; l != NULL; l = next) {
			next = l->next;
			free(l);
		}
		(void)pthread_mutex_destroy(&(*d)->lock);
		free(*d);
	}
	*d = NULL;
}

static void note(struct shared *s, struct lost lost)
{
	struct lost *l = mem_alloc(sizeof *l);

	*l = lost;
	(void)pthread_mutex_lock(&s->disowned->lock);
	l->next = s->disowned->list;
	s->disowned->list = l;
	atomic_store(&s->disowned->any, true);
	(void)pthread_mutex_unlock(&s->disowned->lock);
}

void disown_one(struct shared *s, uint64_t counter)
{
	note(s, (struct lost){ .first = counter, .last = counter });
}

void disown_note(struct shared *s, const struct redis_call *call, uint64_t first, size_t n)
{
	if (call->sent.client_id != 0) /* else it was never sent */
		note(s, (struct lost){ .connection = call->sent, .first = first, .last = first + n - 1 });
}

/* ---- calls under way ---- */

void disown_watch(struct shared *s, struct disown_watch *w)
{
	struct disowned *d = s->disowned;

	(void)pthread_mutex_lock(&d->lock);
	w->first = atomic_load(&s->counter) + 1;
	w->next = d->watches;
	d->watches = w;
	(void)pthread_mutex_unlock(&d->lock);
}

void disown_unwatch(struct shared *s, struct disown_watch *w)
{
	struct disown_watch **at = &s->disowned->watches;

	(void)pthread_mutex_lock(&s->disowned->lock);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	(void)pthread_mutex_unlock(&s->disowned->lock);
}

void disown_forgotten(struct shared *s)
{
	if (s->disowned != NULL) /* a take-over holds nothing */
		atomic_store(&s->disowned->forgotten, true);
}

/* ---- given back ---- */

static void put_counters(struct redis_call *call, struct held *held, struct arena *arena)
{
	uint64_t *counters;
	size_t n = held_counters(held, arena, &counters);

	redis_call_int(call, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		redis_call_int(call, (int64_t)counters[i]);
}

/* What stands below it is held, or was let go: nobody can come to hold it any more. With the lock held. */
static uint64_t settled_below(const struct shared *s)
{
	uint64_t below = atomic_load(&s->counter) + 1;

	for (const struct disown_watch *w = s->disowned->watches; w != NULL; w = w->next)
		if (w->first < below)
			below = w->first;
	return below;
}

/* Turns before claims: a finish notes the claim before it lets its turn go, so that one of the two is always seen. */
static void put_held(struct redis_call *call, struct shared *s, bool forgotten)
{
	struct arena arena = { 0 };

	redis_call_int(call, forgotten ? (int64_t)settled_below(s) : 0);
	put_counters(call, s->held, &arena);
	put_counters(call, s->claims, &arena);
	arena_free(&arena);
}

static enum err give_back(struct shared *s, const struct lost *list, bool forgotten, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	for (const struct lost *l = list; l != NULL && err == ERR_OK; l = l->next)
		err = l->connection.client_id != 0 ? redis_kill(s->redis, &l->connection, why) : ERR_OK;
	redis_call_begin(&call, s, SCRIPT_DISOWN);
	redis_call_text(&call, s->owner);
	put_held(&call, s, forgotten);
	for (const struct lost *l = list; l != NULL; l = l->next) {
		redis_call_int(&call, (int64_t)l->first);
		redis_call_int(&call, (int64_t)l->last);
	}
	if (err == ERR_OK)
		err = redis_call_run(&call, why);
	if (err == ERR_OK) {
		const struct redisReply *answer = redis_answer(&call);

		metric_add(METRIC_LANES_FREED, redis_int(redis_at(answer, ANSWER_FORGOTTEN)));
		if (redis_int(redis_at(answer, ANSWER_LATER)) == 1)
			disown_forgotten(s);
		waker_wake(s->wakers, WAKE_MESSAGES); /* one of them may have been alone */
	}
	redis_call_end(&call);
	return err;
}

/* With the lock held. */
static void drop_list(struct disowned *d)
{
	while (d->list != NULL) {
		struct lost *l = d->list;

		d->list = l->next;
		free(l);
	}
	atomic_store(&d->any, false);
}

enum err disown_lost(struct shared *s, struct why *why)
{
	struct disowned *d = s->disowned;
	enum err err = ERR_OK;
	bool forgotten;

	if (!atomic_load(&d->any) && !atomic_load(&d->forgotten))
		return ERR_OK;
	(void)pthread_mutex_lock(&d->lock);
	/* said again while this runs, as by its own new connection, it is done again */
	forgotten = atomic_exchange(&d->forgotten, false);
	if (d->list != NULL || forgotten)
		err = give_back(s, d->list, forgotten, why);
	if (err == ERR_OK)
		drop_list(d);
	else if (forgotten)
		atomic_store(&d->forgotten, true);
	(void)pthread_mutex_unlock(&d->lock);
	return err;
}
