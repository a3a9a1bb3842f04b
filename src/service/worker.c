/* worker.c - take, run, finish; what fails by its own fault is failed, what the store fails is tried again. */
#include "service/worker.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/turn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
	THREADS_MAX = 4,
	TURNS_A_THREAD = 25, /* they go through the store together: the more of them, the less each costs */
	TAKE_WAIT_MS = 1000,
	PAUSE_FIRST_MS = 50, /* after a failure of the store, doubling */
	PAUSE_MOST_MS = 2000
};

struct worker {
	struct workers *all;
	pthread_t thread;
	size_t share; /* turns held at once */
	int64_t pause_ms;
};

struct workers {
	struct worker_links links;
	_Atomic bool stopping;
	size_t n;
	struct worker worker[THREADS_MAX];
};

static void sleep_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* The store's last verb failed by its surroundings: nothing is spent, health knows, and the next try comes later. */
static void store_failed(struct worker *w, enum worker_verb verb, enum err e)
{
	static const char *const names[] = { [WORKER_TAKES] = "take", [WORKER_FINISHES] = "finish" };
	const char *reason = store_said(e);

	if (w->pause_ms == 0)
		log_warn("store does not answer", log_word("verb", names[verb]), log_word("reason", reason));
	w->all->links.report(w->all->links.context, verb, false, reason);
	w->pause_ms = w->pause_ms == 0                  ? PAUSE_FIRST_MS
		      : w->pause_ms * 2 < PAUSE_MOST_MS ? w->pause_ms * 2
							: PAUSE_MOST_MS;
	sleep_ms(w->pause_ms);
}

static void store_worked(struct worker *w, enum worker_verb verb)
{
	if (w->pause_ms != 0)
		log_info("store answers again");
	w->all->links.report(w->all->links.context, verb, true, "");
	w->pause_ms = 0;
}

/* The id that joins the lines of webhook, turn and reply; an expired dialog's turn has none. */
static struct slice newest_message(const struct store_turn *turn)
{
	return turn->n_messages > 0 ? turn->messages[turn->n_messages - 1].message_id : SLICE_NONE;
}

static void count_finished(const struct store_result *r)
{
	metric_add(METRIC_TURNS, 1);
	for (size_t i = 0; i < r->n_outcomes; i++)
		if (!r->outcomes[i].completed)
			metric_add_by(METRIC_DROPPED_BY_STATE, r->outcomes[i].dropoff_state, 1);
	log_debug("turn finished", log_word("turn", r->turn->turn_id), log_slice("message", newest_message(r->turn)),
	    log_slice("client", r->turn->client_id), log_number("messages", (int64_t)r->turn->n_messages),
	    log_text("reply", r->reply));
	if (r->order == NULL)
		return;
	metric_add(METRIC_ORDERS, 1);
	log_info("order placed", log_number("order", r->order_number), log_slice("client", r->turn->client_id),
	    log_word("turn", r->turn->turn_id), log_slice("message", newest_message(r->turn)),
	    log_phone("phone", r->order->phone), log_number("quantity", r->order->quantity));
}

static void fail_turn(struct worker *w, const struct store_turn *turn, const char *reason)
{
	struct store_failure failure = { .turn = turn, .reason = reason };
	enum err e;

	metric_add(METRIC_TURNS_FAILED, 1);
	while ((e = store_fail(w->all->links.store, &failure, 1)) != ERR_OK && !atomic_load(&w->all->stopping))
		store_failed(w, WORKER_FINISHES, e);
	if (e == ERR_OK)
		store_worked(w, WORKER_FINISHES);
	if (failure.buried)
		metric_add(METRIC_MESSAGES_DEAD, 1);
	log_warn(failure.buried ? "message is a dead letter" : "turn failed", log_word("turn", turn->turn_id),
	    log_slice("message", newest_message(turn)), log_slice("client", turn->client_id),
	    log_word("reason", reason), log_number("attempt", turn->attempt));
}

static void settle(struct worker *w, const struct store_result *r)
{
	if (r->err == ERR_OK) {
		count_finished(r);
	} else if (r->err == ERR_STALE_LEASE) {
		metric_add(METRIC_TURNS_STALE, 1);
		log_warn("turn's lease was lost", log_word("turn", r->turn->turn_id),
		    log_slice("client", r->turn->client_id));
	} else {
		fail_turn(w, r->turn, "its result could not be stored");
	}
}

/* Until it is true: as long as the store fails, nobody else gets these turns. */
static enum err finish(struct worker *w, struct store_result *results, size_t n, struct store_replies *claimed)
{
	const struct worker_links *links = &w->all->links;
	enum err e;

	for (;;) {
		e = store_finish(links->store, results, n, links->sender_room(links->context), claimed);
		if (err_verdict(e) != VERDICT_RETRY || atomic_load(&w->all->stopping))
			return e;
		store_failed(w, WORKER_FINISHES, e);
	}
}

static void run_turns(struct worker *w, const struct store_turns *turns, struct arena *arena)
{
	struct store_result *results = arena_alloc(arena, turns->n * sizeof *results);
	struct store_replies claimed = { 0 };
	int64_t began = clock_mono_us();
	enum err e;

	crash_point("taken");
	for (size_t i = 0; i < turns->n; i++)
		turn_run(&turns->turn[i], w->all->links.form, turns->turn[i].taken_ms, arena, &results[i]);
	crash_point("stepped");
	e = finish(w, results, turns->n, &claimed);
	crash_point("finished");
	if (e != ERR_OK) {
		log_error("turns could not be finished; they are run again", log_number("turns", (int64_t)turns->n),
		    log_word("reason", store_said(e)));
		store_replies_free(&claimed);
		return;
	}
	store_worked(w, WORKER_FINISHES);
	if (claimed.n > 0)
		w->all->links.send(w->all->links.context, &claimed);
	store_replies_free(&claimed);
	for (size_t i = 0; i < turns->n; i++) {
		metric_observe(METRIC_TURN_LATENCY, clock_mono_us() - began);
		settle(w, &results[i]);
	}
}

static void *worker_main(void *context)
{
	struct worker *w = context;
	struct store_turns turns = { 0 };
	struct arena arena = { 0 };

	(void)pthread_setname_np(pthread_self(), "worker");
	while (!atomic_load(&w->all->stopping)) {
		enum err e = store_take(w->all->links.store, w->share, TAKE_WAIT_MS, &turns);

		if (e == ERR_STOPPED)
			break;
		if (e != ERR_OK) {
			store_failed(w, WORKER_TAKES, e);
			continue;
		}
		store_worked(w, WORKER_TAKES);
		if (turns.n > 0)
			run_turns(w, &turns, &arena);
		arena_reset(&arena);
	}
	store_turns_free(&turns);
	arena_free(&arena);
	return NULL;
}

struct workers *workers_start(const struct settings *settings, const struct worker_links *links)
{
	struct workers *all = mem_alloc(sizeof *all);
	size_t turns = (size_t)settings->worker_concurrency;

	all->links = *links;
	all->n = (turns + TURNS_A_THREAD - 1) / TURNS_A_THREAD;
	if (all->n > THREADS_MAX)
		all->n = THREADS_MAX;
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->worker[i];

		w->all = all;
		w->share = turns / all->n + (i < turns % all->n ? 1 : 0);
		if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
			abort();
	}
	return all;
}

void workers_stop(struct workers **w)
{
	struct workers *all = *w;

	if (all == NULL)
		return;
	atomic_store(&all->stopping, true);
	for (size_t i = 0; i < all->n; i++)
		(void)pthread_join(all->worker[i].thread, NULL);
	free(all);
	*w = NULL;
}
