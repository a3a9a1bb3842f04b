/* disown.c - a list of calls whose outcome is unknown, by their connections and counters. */
#include "store/shared/disown.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct lost {
	struct redis_identity connection; /* client_id 0: none is to be ended */
	uint64_t first, last;
	struct lost *next;
};

struct disowned {
	_Atomic bool any;
	pthread_mutex_t lock; /* held while they are given back, so that no other thread takes meanwhile */
	struct lost *list;
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

static enum err give_back(struct shared *s, const struct lost *list, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	for (const struct lost *l = list; l != NULL && err == ERR_OK; l = l->next)
		err = l->connection.client_id != 0 ? redis_kill(s->redis, &l->connection, why) : ERR_OK;
	redis_call_begin(&call, s, SCRIPT_DISOWN);
	redis_call_text(&call, s->owner);
	for (const struct lost *l = list; l != NULL; l = l->next) {
		redis_call_int(&call, (int64_t)l->first);
		redis_call_int(&call, (int64_t)l->last);
	}
	if (err == ERR_OK)
		err = redis_call_run(&call, why);
	redis_call_end(&call);
	return err;
}

enum err disown_lost(struct shared *s, struct why *why)
{
	struct disowned *d = s->disowned;
	enum err err = ERR_OK;

	if (!atomic_load(&d->any))
		return ERR_OK;
	(void)pthread_mutex_lock(&d->lock);
	if (d->list != NULL)
		err = give_back(s, d->list, why);
	while (err == ERR_OK && d->list != NULL) {
		struct lost *l = d->list;

		d->list = l->next;
		free(l);
	}
	atomic_store(&d->any, d->list != NULL);
	(void)pthread_mutex_unlock(&d->lock);
	return err;
}
