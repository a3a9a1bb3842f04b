/* open.c - pools and spool, then threads and verbs as soon as the servers are there; and all of it ended again. */
#include "base/clock.h"
#include "base/log.h"
#include "store/adding.h"
#include "store/shared/add.h"
#include "store/shared/counts.h"
#include "store/shared/disown.h"
#include "store/shared/held.h"
#include "store/shared/keep/keep.h"
#include "store/shared/keep/sweep.h"
#include "store/shared/owner.h"
#include "store/shared/pg/pg.h"
#include "store/shared/prepare.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/redis.h"
#include "store/shared/redis/waker.h"
#include "store/shared/spool/spool.h"
#include "store/waiting.h"

#include <stdlib.h>
#include <time.h>

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

/* ---- open and close --------------------------------------------------------------------------------- */

static void start_threads(struct shared *s)
{
	if (works(s)) {
		owner_start(s);
		s->wakers = wakers_start(s);
	}
	atomic_store(&s->ready, true);
}

static enum err try_servers(struct shared *s, struct why *said)
{
	enum err err = prepare_servers(s, said);

	if (err == ERR_OK)
		start_threads(s);
	return err;
}

/* Who serves is open though a server is away, and goes on with its start in store_wait(). */
static enum err look_at_servers(struct shared *s, struct why *why)
{
	struct why said = { 0 };
	enum err err = try_servers(s, &said);

	if (err == ERR_OK || (serves(s) && err_verdict(err) == VERDICT_RETRY))
		return ERR_OK;
	return why_fail(why, err, "%s", said.text);
}

/* Says at first and each TELL_MS what is waited for; false: nobody wants to wait any more. */
static bool tell_and_sleep(int64_t *told_ms, const struct why *said)
{
	bool tells = clock_mono_ms() - *told_ms >= TELL_MS;

	if (!tell(tells ? said->text : NULL))
		return false;
	if (tells)
		*told_ms = clock_mono_ms();
	(void)nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	return true;
}

static enum err wait_for_servers(struct store *store, struct why *why)
{
	struct shared *s = shared_of(store);
	int64_t told_ms = clock_mono_ms() - TELL_MS, tried_ms = clock_mono_ms() - TRY_MS;
	struct why said = { 0 };

	while (!atomic_load(&s->ready)) {
		enum err err = ERR_AGAIN;

		if (clock_mono_ms() - tried_ms >= TRY_MS) {
			err = try_servers(s, &said);
			tried_ms = clock_mono_ms();
		}
		if (err == ERR_OK)
			log_info("the servers are there");
		else if (err_verdict(err) != VERDICT_RETRY)
			return why_fail(why, err, "%s", said.text);
		else if (!tell_and_sleep(&told_ms, &said))
			return why_fail(why, ERR_STOPPED, "stopped while waiting: %s", said.text);
	}
	return ERR_OK;
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
	held_free(&s->claims);
	disowned_free(&s->disowned);
	counted_free(&s->counted);
	keeping_free(&s->keeping);
	prepared_free(&s->prepared);
	free(s);
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

	adding_stop(&s->adding);
	wakers_stop(&s->wakers);
	if (s->beats != NULL) {
		owner_stop(s);
		sweep_leave(s);
	}
	release(s);
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
	s->claims = held_new();
	s->disowned = disowned_new();
	s->counted = counted_new();
	s->keeping = keeping_new();
	s->prepared = prepared_new();
	err = open_pools(s, why);
	if (err == ERR_OK)
		err = open_spool(s, why);
	if (err == ERR_OK)
		err = look_at_servers(s, why);
	if (err != ERR_OK) {
		close_store(&s->store);
		return err;
	}
	if (takes_in(s))
		s->adding = adding_start(&s->store);
	*ret = &s->store;
	return ERR_OK;
}

static void begin_add(struct store *store, struct store_adding *adding)
{
	adding_begin(shared_of(store)->adding, adding);
}

static const struct store_ops operations = {
	.wait = wait_for_servers,
	.stop_waiting = stop_waiting,
	.close = close_store,
	.add = shared_add,
	.add_begin = begin_add,
	.adds_at_once = 1,
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
