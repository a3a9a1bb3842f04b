/* owner.c - the thread that says each second that this process lives, and what may be concluded from its answers. */
#include "store/shared/owner.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/random.h"
#include "base/wait.h"
#include "store/shared/held.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/connect.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEAT_MOST_MS = 1000, BEATS_A_LEASE = 4, LEASE_DIGITS = 10 /* of a counter, at least */ };

struct owner {
	struct shared *shared;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stopping;
	struct answered {
		int64_t sent_ms;  /* clock_boot_ms() */
		int64_t redis_ms; /* Redis' time in it */
	} first, last;            /* of an unbroken row of answered beats; sent_ms 0: none yet */
};

/* ---- names ------------------------------------------------------------------------------------------ */

void owner_name(struct shared *s)
{
	s->owner_number = random_u64();
	(void)snprintf(s->owner, sizeof s->owner, "%016" PRIx64, s->owner_number);
}

uint64_t owner_counters(struct shared *s, size_t n)
{
	return atomic_fetch_add(&s->counter, n) + 1;
}

void owner_lease_text(const struct shared *s, uint64_t counter, char ret[STORE_TURN_ID_SIZE])
{
	(void)snprintf(ret, STORE_TURN_ID_SIZE, "%s-%0*" PRIx64, s->owner, LEASE_DIGITS, counter);
}

static bool read_hex(struct slice text, uint64_t *ret)
{
	uint64_t value = 0;

	if (text.n == 0 || text.n > 16)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = value;
	return true;
}

bool owner_lease_read(struct slice text, struct store_lease *ret)
{
	struct store_lease lease;

	if (text.n < OWNER_SIZE + LEASE_DIGITS || text.p[OWNER_SIZE - 1] != '-' ||
	    !read_hex((struct slice){ text.p, OWNER_SIZE - 1 }, &lease.owner) ||
	    !read_hex((struct slice){ text.p + OWNER_SIZE, text.n - OWNER_SIZE }, &lease.counter))
		return false;
	*ret = lease;
	return true;
}

/* ---- a beat ----------------------------------------------------------------------------------------- */

/* One that was answered: the row goes on, or begins anew with it. */
static void note_answer(struct owner *o, int64_t sent_ms, int64_t redis_ms, bool was_known)
{
	int64_t most_apart = o->shared->settings.lease_ms / 2;
	struct answered answered = { sent_ms, redis_ms };
	bool goes_on;

	(void)pthread_mutex_lock(&o->lock);
	goes_on = was_known && o->last.sent_ms != 0 && sent_ms - o->last.sent_ms <= most_apart &&
		  redis_ms >= o->last.redis_ms && redis_ms - o->last.redis_ms <= most_apart;
	if (!goes_on)
		o->first = answered;
	o->last = answered;
	(void)pthread_mutex_unlock(&o->lock);
}

/* connection: the thread's own, or NULL and one of the pool is used. Several calls where more turns wait than fit in one. */
static enum err beat(struct shared *s, struct redis *connection, bool *broken, struct why *why)
{
	struct arena arena = { 0 };
	struct redis_call call;
	struct slice *clients;
	size_t n = held_waiting(s->held, &arena, &clients), i = 0;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_BEAT);
	do {
		int64_t sent_ms = clock_boot_ms();

		redis_call_reset(&call, SCRIPT_BEAT);
		redis_call_text(&call, s->owner);
		redis_call_int(&call, s->settings.lease_ms);
		for (size_t end = i + SHARED_CALL_MOST; i < n && i < end; i++)
			redis_call_slice(&call, clients[i]);
		err = connection != NULL ? redis_call_run_on(&call, connection, broken, why)
					 : redis_call_run(&call, why);
		if (err == ERR_OK && s->beats != NULL)
			note_answer(s->beats, sent_ms, redis_int(redis_at(redis_answer(&call), 0)),
			    redis_int(redis_at(redis_answer(&call), 1)) == 1);
	} while (err == ERR_OK && i < n);
	redis_call_end(&call);
	arena_free(&arena);
	return err;
}

enum err owner_beat(struct shared *s, struct why *why)
{
	return beat(s, NULL, NULL, why);
}

/* ---- the thread ------------------------------------------------------------------------------------- */

static int64_t interval_ms(const struct shared *s)
{
	int64_t part = s->settings.lease_ms / BEATS_A_LEASE;

	return part < BEAT_MOST_MS ? part : BEAT_MOST_MS;
}

/* A beat that comes after half a lease is of no more use than none. */
static int64_t patience_ms(const struct shared *s)
{
	int64_t half = s->settings.lease_ms / 2;

	return half < REDIS_CALL_MS ? half : REDIS_CALL_MS;
}

/* What fails is tried again with the next beat: whoever depends on it sees that the last answer is old. */
static void beat_once(struct owner *o, struct redis **connection)
{
	struct shared *s = o->shared;
	bool broken = false;

	if (*connection == NULL) {
		if (redis_open(s->redis, connection, NULL) != ERR_OK)
			return;
		redis_set_timeout(*connection, patience_ms(s));
	} else if (redis_meet(s->redis, *connection, NULL) != ERR_OK) {
		redis_close(connection);
		return;
	}
	(void)!beat(s, *connection, &broken, NULL);
	if (broken)
		redis_close(connection);
}

static bool sleep_until(struct owner *o, int64_t until_ms)
{
	bool stopping;

	(void)pthread_mutex_lock(&o->lock);
	while (!o->stopping && wait_until(&o->wake, &o->lock, until_ms * 1000))
		;
	stopping = o->stopping;
	(void)pthread_mutex_unlock(&o->lock);
	return !stopping;
}

static void *run(void *arg)
{
	struct owner *o = arg;
	struct redis *connection = NULL;
	int64_t next_ms = clock_mono_ms();

	do {
		beat_once(o, &connection);
		next_ms += interval_ms(o->shared);
		if (next_ms < clock_mono_ms())
			next_ms = clock_mono_ms(); /* the last one took long: none is made up for */
	} while (sleep_until(o, next_ms));
	redis_close(&connection);
	return NULL;
}

void owner_start(struct shared *s)
{
	struct owner *o = mem_alloc(sizeof *o);

	o->shared = s;
	(void)pthread_mutex_init(&o->lock, NULL);
	wait_init(&o->wake);
	s->beats = o;
	(void)!owner_beat(s, NULL);
	if (pthread_create(&o->thread, NULL, run, o) != 0)
		abort(); /* as without memory: the process could hold nothing */
}

void owner_stop(struct shared *s)
{
	struct owner *o = s->beats;

	if (o == NULL)
		return;
	(void)pthread_mutex_lock(&o->lock);
	o->stopping = true;
	(void)pthread_cond_signal(&o->wake);
	(void)pthread_mutex_unlock(&o->lock);
	(void)pthread_join(o->thread, NULL);
	(void)pthread_cond_destroy(&o->wake);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
	s->beats = NULL;
}

/* ---- conclusions ------------------------------------------------------------------------------------ */

/* False: there are no beats. */
static bool read_row(struct shared *s, struct answered *first, struct answered *last)
{
	struct owner *o = s->beats;

	if (o == NULL)
		return false;
	(void)pthread_mutex_lock(&o->lock);
	*first = o->first;
	*last = o->last;
	(void)pthread_mutex_unlock(&o->lock);
	return last->sent_ms != 0;
}

bool owner_may_sweep(struct shared *s)
{
	struct answered first, last;
	int64_t lease = s->settings.lease_ms;

	return read_row(s, &first, &last) && clock_boot_ms() - last.sent_ms <= lease / 2 &&
	       last.sent_ms - first.sent_ms >= lease && last.redis_ms - first.redis_ms >= lease;
}

bool owner_was_cut_off(struct shared *s, int64_t taken_ms)
{
	struct answered first, last;
	int64_t now = clock_boot_ms(), lease = s->settings.lease_ms;

	return !read_row(s, &first, &last) || now - last.sent_ms > lease / 2 || now - taken_ms > lease;
}
