/* counts.c - how much waits where, from Redis. */
#include "store/shared/counts.h"
#include "base/clock.h"
#include "store/shared/prepare.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/spool/spool.h"

#include <pthread.h>
#include <stdlib.h>

enum { COUNT_QUICK_US = 20000, COUNT_SHARE = 50 };

struct counted {
	pthread_mutex_t lock;
	struct store_counts last;
	int64_t at_us, took_us; /* monotonic; took_us 0: none yet */
};

struct counted *counted_new(void)
{
	struct counted *c = mem_alloc(sizeof *c);

	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void counted_free(struct counted **c)
{
	if (*c != NULL)
		(void)pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

static enum err count(struct shared *s, struct store_counts *ret)
{
	int64_t *const figures[] = { &ret->waiting, &ret->in_lanes, &ret->active, &ret->lanes_in_turn,
		&ret->lanes_speaking, &ret->lanes_backing_off, &ret->replies_waiting, &ret->replies_claimed,
		&ret->dead_messages, &ret->dead_replies, &ret->dialogs_open, &ret->oldest_waiting_ms,
		&ret->oldest_reply_ms };
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_COUNTS);
	err = redis_call_run(&call, store_why());
	for (size_t i = 0; err == ERR_OK && i < COUNT_OF(figures); i++)
		*figures[i] = redis_int(redis_at(redis_answer(&call), i + 1));
	redis_call_end(&call);
	return err;
}

/* Counting may take a fiftieth of the time: where it takes long, the last answer serves a while. */
enum err shared_counts(struct store *store, struct store_counts *ret)
{
	struct shared *s = shared_of(store);
	struct counted *c = s->counted;
	int64_t began = clock_mono_us();
	enum err err = ERR_OK;

	(void)pthread_mutex_lock(&c->lock);
	if (c->took_us <= COUNT_QUICK_US || began - c->at_us >= COUNT_SHARE * c->took_us) {
		err = prepare_has_redis(s) ? count(s, &c->last)
					   : why_fail(store_why(), ERR_UNREACHABLE, "the store still waits for Redis");
		if (s->role == STORE_INTAKE && err_verdict(err) == VERDICT_RETRY)
			err =
			    ERR_OK; /* intake goes on without Redis, and the keeper tells of it: the last figures serve */
		c->at_us = clock_mono_us();
		c->took_us = c->at_us - began;
	}
	*ret = c->last;
	(void)pthread_mutex_unlock(&c->lock);
	ret->spooled = ret->spooled_bytes = ret->oldest_spooled_ms = 0;
	if (s->spool != NULL) {
		struct spool_counts spool;

		spool_counts(s->spool, &spool);
		ret->spooled = spool.messages;
		ret->spooled_bytes = spool.messages + spool.refused > 0 ? spool.bytes : 0;
		if (spool.oldest_ms != 0 && redis_now_ms(s) > spool.oldest_ms)
			ret->oldest_spooled_ms = redis_now_ms(s) - spool.oldest_ms;
	}
	return err;
}
