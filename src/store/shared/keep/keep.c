/* keep.c - the keeper's rounds. Each step on its own: where one can't be done the others may well mend it. */
#include "store/shared/keep/keep.h"

#include "base/clock.h"
#include "store/shared/disown.h"
#include "store/shared/grave.h"
#include "store/shared/keep/audit.h"
#include "store/shared/keep/notes.h"
#include "store/shared/keep/stuck.h"
#include "store/shared/keep/sweep.h"
#include "store/shared/meta.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"
#include "store/shared/redis/waker.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEPER_MS "5000" /* that the one who makes the common rounds is known as such */

enum {
	ALIVE_MS = 10000,
	IDLE_LANES = 200, /* of one call of keep_idle */
	CALLS_MOST = 10,  /* of a script in one round; what is left comes with the next */
	PRUNE_ROWS = 500
};

struct keeping {
	pthread_mutex_t lock; /* one round at a time */
	int64_t swept_ms, alive_ms;
	struct keep_notes notes;
};

struct keeping *keeping_new(void)
{
	struct keeping *k = mem_alloc(sizeof *k);

	(void)pthread_mutex_init(&k->lock, NULL);
	return k;
}

void keeping_free(struct keeping **k)
{
	if (*k != NULL)
		(void)pthread_mutex_destroy(&(*k)->lock);
	free(*k);
	*k = NULL;
}

static bool is_time(int64_t *last_ms, int64_t every_ms)
{
	int64_t now = clock_mono_ms();

	if (*last_ms != 0 && now - *last_ms < every_ms)
		return false;
	*last_ms = now;
	return true;
}

/* ---- steps of each process ---- */

static enum err watch_clock(struct shared *s, struct store_kept *ret, struct why *why)
{
	int64_t jump = redis_clock_jump_ms(s), more = 1;
	struct redis_call call;
	enum err err = ERR_OK;

	if (jump == 0)
		return ERR_OK;
	ret->clock_jump_ms = jump < 0 ? -jump : 0;
	redis_call_begin(&call, s, SCRIPT_MEND_CLOCK);
	while (err == ERR_OK && more == 1) {
		redis_call_reset(&call, SCRIPT_MEND_CLOCK);
		redis_call_int(&call, s->settings.lease_ms);
		redis_call_int(&call, s->settings.dialog_ttl_s * 1000);
		redis_call_int(&call, s->settings.send_timeout_ms + s->settings.lease_ms);
		err = redis_call_run(&call, why);
		more = err == ERR_OK ? redis_int(redis_at(redis_answer(&call), 1)) : 0;
	}
	redis_call_end(&call);
	return err;
}

static enum err sweep(struct shared *s, struct store_kept *ret, struct why *why)
{
	return is_time(&s->keeping->swept_ms, s->settings.lease_ms / 2) ? sweep_round(s, ret, why) : ERR_OK;
}

/* Also where all workers are busy, so that nobody takes. */
static enum err disown(struct shared *s, struct store_kept *ret, struct why *why)
{
	(void)ret;
	return disown_lost(s, why);
}

/* Before anybody takes this process' connections for a Bull worker's. */
static enum err list_wakers(struct shared *s, struct store_kept *ret, struct why *why)
{
	(void)ret;
	return wakers_list_again(s->wakers, why);
}

/* ---- steps of the one that holds `S keeper` ---- */

static enum err ask(
    struct shared *s, const char *const *words, size_t n, struct slice wanted, bool *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	enum err err = redis_command(s->redis, n, words, NULL, &reply, why);

	*ret = err == ERR_OK && slice_eq(redis_text(reply), wanted);
	freeReplyObject(reply);
	return err;
}

/* Who has it keeps it as long as he comes every few seconds. */
static enum err hold_keeper(struct shared *s, bool *ret, struct why *why)
{
	char key[REDIS_NAME_SIZE];
	bool ignored;
	enum err err;

	(void)redis_own_key(s, "keeper", key);
	err = ask(s, (const char *const[]){ "SET", key, s->owner, "NX", "PX", KEEPER_MS }, 6, SLICE("OK"), ret, why);
	if (err != ERR_OK || *ret)
		return err;
	err = ask(s, (const char *const[]){ "GET", key }, 2, slice_of(s->owner), ret, why);
	if (err != ERR_OK || !*ret)
		return err;
	return ask(s, (const char *const[]){ "PEXPIRE", key, KEEPER_MS }, 3, SLICE(""), &ignored, why);
}

static enum err restore(struct shared *s, struct store_kept *ret, struct why *why)
{
	size_t recorded = 0;
	enum err err;

	(void)ret;
	err = restore_run(s, &recorded, why);
	return err == ERR_OK ? audit_run(s, &recorded, why) : err == ERR_AGAIN ? ERR_OK : err;
}

/* FLUSHALL, or a server that came back empty, takes `S meta` too: what stood there by a start is written again. */
static enum err mend_meta(struct shared *s, struct store_kept *ret, struct why *why)
{
	(void)ret;
	return meta_mend(s, why);
}

/* Foreign jobs whose time has come. */
static enum err promote(struct shared *s, struct store_kept *ret, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_PROMOTE);
	for (int i = 0; i < CALLS_MOST && err == ERR_OK; i++) {
		redis_call_reset(&call, SCRIPT_PROMOTE);
		redis_call_text(&call, s->owner);
		err = redis_call_run(&call, why);
		ret->more = err == ERR_OK && redis_int(redis_at(redis_answer(&call), 1)) > 0;
		if (!ret->more)
			break;
	}
	redis_call_end(&call);
	return err;
}

static enum err mend_paused(struct shared *s, struct store_kept *ret, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_MEND_PAUSED);
	for (int i = 0; i < CALLS_MOST && err == ERR_OK; i++) {
		redis_call_reset(&call, SCRIPT_MEND_PAUSED);
		err = redis_call_run(&call, why);
		if (err != ERR_OK || redis_int(redis_at(redis_answer(&call), 1)) == 0)
			break;
		ret->more = i == CALLS_MOST - 1;
	}
	redis_call_end(&call);
	return err;
}

static enum err keep_idle(struct shared *s, struct store_kept *ret, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_KEEP_IDLE);
	for (int i = 0; i < CALLS_MOST && err == ERR_OK; i++) {
		redis_call_reset(&call, SCRIPT_KEEP_IDLE);
		redis_call_int(&call, s->settings.dialog_ttl_s * 1000);
		redis_call_int(&call, IDLE_LANES);
		err = redis_call_run(&call, why);
		if (err != ERR_OK)
			break;
		ret->pruned += (size_t)redis_int(redis_at(redis_answer(&call), 1));
		if (redis_int(redis_at(redis_answer(&call), 2)) == 0)
			break;
		ret->more = ret->more || i == CALLS_MOST - 1;
	}
	redis_call_end(&call);
	return err;
}

static enum err log_graves(struct shared *s, struct store_kept *ret, struct why *why)
{
	(void)ret;
	return graves_log_left(s, why);
}

static enum err prune(struct shared *s, struct store_kept *ret, struct why *why)
{
	size_t n = 0;
	enum err err = pg_prune(s, PRUNE_ROWS, &n, why);

	ret->pruned += n;
	ret->more = ret->more || n >= PRUNE_ROWS;
	return err;
}

static enum err free_stuck(struct shared *s, struct store_kept *ret, struct why *why)
{
	(void)ret;
	return stuck_round(s, why);
}

/* Until when Redis was known to be whole: the audit looks at what changed since. */
static enum err note_alive(struct shared *s, struct store_kept *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE], now[24];
	enum err err;

	(void)ret;
	if (!is_time(&s->keeping->alive_ms, ALIVE_MS))
		return ERR_OK;
	(void)redis_own_key(s, "meta", key);
	err = redis_command(s->redis, 3, (const char *const[]){ "HEXISTS", key, "audit" }, NULL, &reply, why);
	if (err == ERR_OK && redis_int(reply) == 0) {
		freeReplyObject(reply);
		reply = NULL;
		(void)snprintf(now, sizeof now, "%" PRId64, redis_now_ms(s));
		err = redis_command(s->redis, 4, (const char *const[]){ "HSET", key, "alive", now }, NULL, &reply, why);
	}
	freeReplyObject(reply);
	return err;
}

/* ---- rounds ---- */

typedef enum err step(struct shared *s, struct store_kept *ret, struct why *why);

/* All of them; why tells of the first that failed. */
static enum err run_steps(struct shared *s, step *const *steps, size_t n, struct store_kept *ret, struct why *why)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < n; i++) {
		struct why said = { 0 };
		enum err one = steps[i](s, ret, &said);

		if (err == ERR_OK && one != ERR_OK)
			err = why_fail(why, one, "%s", said.text);
	}
	return err;
}

static enum err keep(struct shared *s, struct store_kept *ret)
{
	static step *const own[] = { watch_clock, disown, list_wakers, sweep };
	static step *const common[] = { mend_meta, restore, promote, mend_paused, keep_idle, log_graves, prune,
		free_stuck, note_alive };
	struct why said = { 0 };
	bool keeper = false;
	enum err err = run_steps(s, own, COUNT_OF(own), ret, store_why()), one;

	if ((one = hold_keeper(s, &keeper, &said)) == ERR_OK && keeper)
		one = run_steps(s, common, COUNT_OF(common), ret, &said);
	if (err == ERR_OK && one != ERR_OK)
		err = why_fail(store_why(), one, "%s", said.text);
	return err;
}

enum err shared_keep(struct store *store, struct store_kept *ret)
{
	struct shared *s = shared_of(store);
	struct keeping *k = s->keeping;
	enum err err = ERR_OK;

	*ret = (struct store_kept){ 0 };
	if (pthread_mutex_trylock(&k->lock) != 0)
		return ERR_OK; /* another thread is at it */
	if (atomic_load(&s->ready)) {
		err = s->pg != NULL ? keep(s, ret) : ERR_OK;
		keep_notes_look(s, &k->notes, ret);
	} else {
		keep_notes_waiting(s, ret);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return err;
}
