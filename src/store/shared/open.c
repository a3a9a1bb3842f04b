/* open.c - both servers found and seen to be what they must be, then threads and verbs; and all of it ended again. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/shared/add.h"
#include "store/shared/bull_workers.h"
#include "store/shared/counts.h"
#include "store/shared/disown.h"
#include "store/shared/held.h"
#include "store/shared/keep.h"
#include "store/shared/owner.h"
#include "store/shared/pg.h"
#include "store/shared/redis_call.h"
#include "store/shared/redis_clock.h"
#include "store/shared/redis_keys.h"
#include "store/shared/redis_library.h"
#include "store/shared/spool.h"
#include "store/shared/sweep.h"
#include "store/shared/takeover.h"
#include "store/shared/waker.h"
#include "store/waiting.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LAYOUT "1" /* of the keys in Redis */

enum { LOOK_MS = 100, TRY_MS = 500, TELL_MS = 5000 };

static const struct store_ops operations; /* the table stands at the end */

static bool works(const struct shared *s)
{
	return s->role == STORE_SERVICE || s->role == STORE_WORKER;
}

static bool takes_in(const struct shared *s)
{
	return s->role == STORE_SERVICE || s->role == STORE_INTAKE;
}

static bool serves(const struct shared *s)
{
	return s->role != STORE_BESIDE;
}

/* ---- waiting ---------------------------------------------------------------------------------------- */

static store_waiting *waiting_hook;

void store_while_waiting(store_waiting *hook)
{
	waiting_hook = hook;
}

static bool tell(const char *sentence)
{
	if (waiting_hook != NULL)
		return waiting_hook(sentence);
	if (sentence != NULL)
		log_warn("waiting for the store", log_word("why", sentence));
	return true;
}

/* Runs a step until its outcome is no matter of waiting any more. Where nobody may wait that is the first one. */
static enum err wait_for(struct shared *s, enum err (*step)(struct shared *s, struct why *why), struct why *why)
{
	int64_t told_ms = clock_mono_ms() - TELL_MS, tried_ms = clock_mono_ms() - TRY_MS;
	struct why said = { 0 };
	enum err err = ERR_AGAIN;

	for (;;) {
		if (clock_mono_ms() - tried_ms >= TRY_MS) {
			err = step(s, &said);
			tried_ms = clock_mono_ms();
		}
		if (err == ERR_OK)
			return ERR_OK;
		if (!serves(s) || err_verdict(err) != VERDICT_RETRY)
			return why_fail(why, err, "%s", said.text);
		if (clock_mono_ms() - told_ms < TELL_MS) {
			if (!tell(NULL))
				return why_fail(why, ERR_STOPPED, "stopped while waiting: %s", said.text);
		} else if (tell(said.text)) {
			told_ms = clock_mono_ms();
		} else {
			return why_fail(why, ERR_STOPPED, "stopped while waiting: %s", said.text);
		}
		(void)nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	}
}

/* ---- Redis: whose keys are there -------------------------------------------------------------------- */

struct meta {
	struct redisReply *reply;
	struct slice layout, bull, epoch;
};

static enum err read_meta(struct shared *s, struct meta *ret, struct why *why)
{
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(s->redis, 5,
	    (const char *const[]){ "HMGET", redis_own_key(s, "meta", key), "layout", "bull", "epoch" }, NULL,
	    &ret->reply, why);

	if (err != ERR_OK)
		return err;
	ret->layout = redis_text(redis_at(ret->reply, 0));
	ret->bull = redis_text(redis_at(ret->reply, 1));
	ret->epoch = redis_text(redis_at(ret->reply, 2));
	return ERR_OK;
}

static enum err set_meta(struct shared *s, const char *command, const char *field, const char *value, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(s->redis, 4,
	    (const char *const[]){ command, redis_own_key(s, "meta", key), field, value }, NULL, &reply, why);

	freeReplyObject(reply);
	return err;
}

static enum err check_meta(struct shared *s, const struct meta *meta, struct why *why)
{
	const struct settings *set = &s->settings;

	if (meta->layout.n > 0 && !slice_eq(meta->layout, SLICE(LAYOUT)))
		return why_fail(why, ERR_NEWER_VERSION,
		    "the keys under %s: in Redis have layout %.*s, and this chat2order knows " LAYOUT
		    ": use the newer one",
		    set->store_prefix, SLICE_PRINT(meta->layout));
	if (meta->bull.n > 0 && !slice_eq(meta->bull, slice_of(set->bull_prefix)))
		return why_fail(why, ERR_INVALID,
		    "BULL_PREFIX is \"%s\", but the store under %s: in Redis was set up with \"%.*s\": all processes of a shop"
		    " must be set alike, and another shop needs another STORE_PREFIX",
		    set->bull_prefix, set->store_prefix, SLICE_PRINT(meta->bull));
	return ERR_OK;
}

/* What scripts do not see of the settings. */
static enum err tell_scripts(struct shared *s, struct why *why)
{
	static const char *const events[] = {
		[BULL_EVENTS_AUTO] = "auto", [BULL_EVENTS_ALWAYS] = "always", [BULL_EVENTS_OFF] = "off"
	};

	return set_meta(s, "HSET", "events", events[s->settings.bull_events], why);
}

/* What is not there is written: by the first process, or after Redis lost all. */
static enum err claim_meta(struct shared *s, struct why *why)
{
	struct meta meta = { 0 };
	enum err err;

	if (serves(s) && ((err = set_meta(s, "HSETNX", "layout", LAYOUT, why)) != ERR_OK ||
			     (err = set_meta(s, "HSETNX", "bull", s->settings.bull_prefix, why)) != ERR_OK))
		return err;
	err = read_meta(s, &meta, why);
	if (err == ERR_OK)
		err = check_meta(s, &meta, why);
	if (err == ERR_OK && serves(s))
		err = tell_scripts(s, why);
	freeReplyObject(meta.reply);
	return err;
}

static enum err prepare_redis(struct shared *s, struct why *why)
{
	enum err err = redis_prepare(s->redis, why);

	if (err == ERR_OK && s->role != STORE_BESIDE)
		redis_library_tidy(s->redis);
	return err != ERR_OK ? err : claim_meta(s, why);
}

static enum err refuse_bull_workers(struct shared *s, struct why *why)
{
	char worker[BULL_WORKER_SIZE];
	enum err err = bull_workers_look(s, worker, why);

	if (err != ERR_OK || worker[0] == '\0')
		return err;
	return why_fail(why, ERR_IN_USE,
	    "a Bull worker is on the queue %s: it would take the customers' messages past chat2order. Stop it first"
	    " (the predecessor's worker process), or set another BULL_PREFIX",
	    worker);
}

/* ---- PostgreSQL, and whether the two belong together ------------------------------------------------- */

static enum err prepare_postgres(struct shared *s, struct why *why)
{
	return pg_prepare(s->pg, works(s), why);
}

static enum err has_lanes(struct shared *s, bool *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(
	    s->redis, 2, (const char *const[]){ "EXISTS", redis_own_key(s, "idle", key) }, NULL, &reply, why);

	*ret = err == ERR_OK && redis_int(reply) != 0;
	freeReplyObject(reply);
	return err;
}

static enum err strangers(const char *redis, const char *postgres, struct why *why)
{
	return why_fail(why, ERR_CONFLICT,
	    "this Redis and this PostgreSQL do not belong together: the store in Redis is %s, the one in PostgreSQL %s. See that"
	    " REDIS_URL (with its database number), STORE_PREFIX and DATABASE_URL name the pair that was used before",
	    redis, postgres[0] != '\0' ? postgres : "none");
}

/* Under the lock, and looked at again there. PostgreSQL first: a crash in between is a Redis that lost all, of nothing. */
static enum err make_epoch(struct shared *s, void *context, struct why *why)
{
	char *redis = context, postgres[OWNER_SIZE];
	enum err err = pg_epoch(s, postgres, why);

	if (err != ERR_OK || postgres[0] != '\0')
		return err;
	if (redis[0] == '\0')
		(void)snprintf(redis, OWNER_SIZE, "%016" PRIx64, random_u64());
	if ((err = pg_set_epoch(s, redis, why)) != ERR_OK)
		return err;
	return set_meta(s, "HSETNX", "epoch", redis, why);
}

static enum err read_epoch(struct shared *s, char ret[OWNER_SIZE], struct why *why)
{
	struct meta meta = { 0 };
	enum err err = read_meta(s, &meta, why);

	if (err == ERR_OK && !slice_to_buffer(meta.epoch, ret, OWNER_SIZE))
		err = why_fail(
		    why, ERR_CONFLICT, "%s:meta in Redis holds no epoch of chat2order", s->settings.store_prefix);
	freeReplyObject(meta.reply);
	return err;
}

/* Only Redis' is missing: Redis was lost; nobody takes until a keeper has restored it. */
static enum err check_epochs(struct shared *s, struct why *why)
{
	char redis[OWNER_SIZE], postgres[OWNER_SIZE];
	bool lanes = false;
	enum err err;

	if ((err = read_epoch(s, redis, why)) != ERR_OK || (err = pg_epoch(s, postgres, why)) != ERR_OK)
		return err;
	if (redis[0] != '\0' && strcmp(redis, postgres) != 0) {
		if (postgres[0] == '\0' && (err = has_lanes(s, &lanes, why)) != ERR_OK)
			return err;
		if (postgres[0] != '\0' || lanes)
			return strangers(redis, postgres, why);
	}
	return works(s) && postgres[0] == '\0' ? pg_with_lock(s, make_epoch, redis, why) : ERR_OK;
}

/* What a predecessor left becomes ours before the first turn is taken. */
static enum err take_over(struct shared *s, struct why *why)
{
	struct takeover_report report = { 0 };
	enum err err = works(s) ? takeover_at_start(s, &report, why) : ERR_OK;

	for (size_t i = 0; i < report.n && err == ERR_OK; i++)
		log_info("taken over from the predecessor", log_word("what", report.line[i].what),
		    log_number("number", report.line[i].n), log_word("they", report.line[i].becomes));
	return err;
}

/* ---- open and close --------------------------------------------------------------------------------- */

static void start_threads(struct shared *s)
{
	if (!works(s))
		return;
	owner_start(s);
	s->wakers = wakers_start(s);
}

static enum err open_servers(struct shared *s, struct why *why)
{
	enum err err;

	if ((err = wait_for(s, prepare_redis, why)) != ERR_OK)
		return err;
	if (serves(s) && (err = wait_for(s, refuse_bull_workers, why)) != ERR_OK)
		return err;
	if (s->pg == NULL)
		return ERR_OK;
	if ((err = wait_for(s, prepare_postgres, why)) != ERR_OK)
		return err;
	if ((err = wait_for(s, check_epochs, why)) != ERR_OK)
		return err;
	return wait_for(s, take_over, why);
}

static enum err open_pools(struct shared *s, struct why *why)
{
	enum err err = redis_pool_open(s, &s->redis, why);

	/* who only takes messages in has no business there */
	if (err == ERR_OK && s->role != STORE_INTAKE)
		err = pg_pool_open(&s->settings, &s->pg, why);
	return err;
}

static int64_t spool_now(void *shared)
{
	return redis_now_ms(shared);
}

/* Only a process that takes messages in has anything to keep while Redis is away. */
static enum err open_spool(struct shared *s, struct why *why)
{
	const struct spool_settings settings = {
		.data_dir = s->settings.data_dir,
		.owner = s->owner,
		.most_bytes = s->settings.spool_max_mb << 20,
		.reserve_bytes = s->settings.disk_reserve_mb << 20,
	};
	const struct spool_way way = { .context = s, .forward = add_straight, .now_ms = spool_now };

	return takes_in(s) ? spool_open(&settings, &way, &s->spool, why) : ERR_OK;
}

static void release(struct shared *s)
{
	spool_close(&s->spool);
	redis_pool_close(&s->redis);
	pg_pool_close(&s->pg);
	redis_clock_free(&s->clock);
	held_free(&s->held);
	disowned_free(&s->disowned);
	counted_free(&s->counted);
	keeping_free(&s->keeping);
	free(s);
}

enum err shared_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why)
{
	struct shared *s = mem_alloc(sizeof *s);
	enum err err;

	s->store.ops = &operations;
	s->role = role;
	s->settings = *settings;
	owner_name(s);
	s->clock = redis_clock_new();
	s->held = held_new();
	s->disowned = disowned_new();
	s->counted = counted_new();
	s->keeping = keeping_new();
	err = open_pools(s, why);
	if (err == ERR_OK)
		err = open_servers(s, why);
	if (err == ERR_OK)
		err = open_spool(s, why);
	if (err != ERR_OK) {
		release(s);
		return err;
	}
	start_threads(s);
	*ret = &s->store;
	return ERR_OK;
}

static void stop_waiting(struct store *store)
{
	struct shared *s = shared_of(store);

	atomic_store(&s->stopping, true);
	if (s->wakers != NULL)
		wakers_stop_waiting(s->wakers);
}

static void close_store(struct store *store)
{
	struct shared *s = shared_of(store);

	wakers_stop(&s->wakers);
	if (s->beats != NULL) {
		owner_stop(s);
		sweep_leave(s);
	}
	release(s);
}

static const struct store_ops operations = {
	.stop_waiting = stop_waiting,
	.close = close_store,
	.add = shared_add,
	.take = shared_take,
	.finish = shared_finish,
	.fail = shared_fail,
	.claim = shared_claim,
	.sent = shared_sent,
	.rate = shared_rate,
	.keep = shared_keep,
	.counts = shared_counts,
	.dead_list = shared_dead_list,
	.dead_show = shared_dead_show,
	.dead_retry = shared_dead_retry,
	.dead_remove = shared_dead_remove,
	.order_list = shared_order_list,
	.order_show = shared_order_show,
	.order_status = shared_order_status,
	.logs = shared_logs,
	.funnel = shared_funnel,
};
