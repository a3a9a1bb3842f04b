/* adder.c - group commit of webhooks: the queue, the adding threads and the timekeeper. */
#include "service/adder.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "service/refusal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	BATCHES = 2, /* one is written while the other is on its way to the disk */
	ENOUGH = 32, /* messages that are worth a batch beside another */
	SPARES_MAX = 256,
	CHECKS_A_TIMEOUT = 20,
	AGAIN_MS = 1000
};

/* What one adding thread is at. */
struct batch {
	struct adder *adder;
	pthread_t thread;
	struct pending *pending[ADDER_BATCH_MAX]; /* request is NULL once it is answered */
	size_t n;
	struct http_request *requests[ADDER_BATCH_MAX]; /* to be answered by this thread */
	struct store_message messages[ADDER_BATCH_MAX];
	enum store_added results[ADDER_BATCH_MAX];
};

struct adder {
	struct store *store;
	struct health *health;
	int64_t timeout_us, check_us;
	pthread_t keeping_time;

	pthread_mutex_t order;       /* held from taking a batch until its add has begun: the order of both is one */
	pthread_mutex_t mutex;       /* guards all below, but of a batch only pending and n */
	pthread_cond_t more, ending; /* for the adding thread that holds the order; for the timekeeper */
	struct pending *first, **last;
	size_t n, bytes;
	bool flushed;     /* adder_flush() was called for what waits */
	size_t under_way; /* batches */
	bool waiting;     /* an adding thread, for more */
	bool stop, ended;
	struct pending *spare;
	size_t n_spare;
	struct pending *again; /* one that could not be stored; NULL: none */
	bool troubled;         /* health was told so */
	struct batch batches[BATCHES];
	size_t n_batches; /* whose threads have started */

	struct http_prepared *stored, *duplicate;
};

/* ---- the queue; called with the mutex held ---------------------------------------------------------- */

static void push(struct adder *a, struct pending *p)
{
	p->next = NULL;
	*a->last = p;
	a->last = &p->next;
	a->n++;
	a->bytes += p->message.text.n;
}

static struct pending *pop(struct adder *a)
{
	struct pending *p = a->first;

	a->first = p->next;
	if (a->first == NULL)
		a->last = &a->first;
	a->n--;
	a->bytes -= p->message.text.n;
	return p;
}

/* Keeps some for the next use, each with a block of its arena. */
static void recycle(struct adder *a, struct pending *p)
{
	struct arena arena = p->arena;

	if (a->n_spare == SPARES_MAX) {
		arena_free(&p->arena);
		free(p);
		return;
	}
	arena_reset(&arena);
	*p = (struct pending){ .arena = arena, .next = a->spare };
	a->spare = p;
	a->n_spare++;
}

/* A batch costs what few messages can't repay. So while one is under way, or more is about to come, only many are worth
 * the next; the others are when it has ended. */
static bool is_worth_a_batch(const struct adder *a)
{
	return a->n >= ENOUGH || (a->n > 0 && a->under_way == 0 && a->flushed);
}

static bool is_awaited(const struct adder *a)
{
	return a->waiting && is_worth_a_batch(a);
}

/* Without the mutex, so that the woken thread does not meet it. */
static void wake_if(struct adder *a, bool wake)
{
	if (wake)
		(void)pthread_cond_signal(&a->more);
}

struct pending *adder_new(struct adder *a)
{
	struct pending *p;

	(void)pthread_mutex_lock(&a->mutex);
	p = a->spare;
	if (p != NULL) {
		a->spare = p->next;
		a->n_spare--;
	}
	(void)pthread_mutex_unlock(&a->mutex);
	return p != NULL ? p : mem_alloc(sizeof *p);
}

void adder_release(struct adder *a, struct pending *p)
{
	(void)pthread_mutex_lock(&a->mutex);
	recycle(a, p);
	(void)pthread_mutex_unlock(&a->mutex);
}

bool adder_put(struct adder *a, struct pending *p)
{
	bool room, wake;

	(void)pthread_mutex_lock(&a->mutex);
	room = a->n < ADDER_QUEUE_MAX && a->bytes + p->message.text.n <= ADDER_QUEUE_BYTES_MAX && !a->stop;
	if (room)
		push(a, p);
	wake = is_awaited(a);
	(void)pthread_mutex_unlock(&a->mutex);
	wake_if(a, wake);
	return room;
}

void adder_flush(struct adder *a)
{
	bool wake;

	(void)pthread_mutex_lock(&a->mutex);
	a->flushed = true;
	wake = is_awaited(a);
	(void)pthread_mutex_unlock(&a->mutex);
	wake_if(a, wake);
}

/* ---- health; called with the mutex held, so that what is said last is true --------------------------------- */

static void report(struct adder *a, bool ok, const char *reason)
{
	if (!ok || a->troubled)
		health_set(a->health, HEALTH_BY_INTAKE, ok, reason);
	a->troubled = !ok;
}

/* While health is bad no new message may come that would show that the trouble is over. So one that failed, and was
 * answered 503, is kept and tried again; once it is stored, its redelivery is a duplicate. */
static void keep_or_recycle(struct adder *a, struct pending *p)
{
	if (a->again != NULL) {
		recycle(a, p);
		return;
	}
	a->again = p;
	(void)pthread_cond_signal(&a->more); /* who waits for more now waits for the next second, too */
}

/* ---- adding ------------------------------------------------------------------------------------------- */

static void note(const struct pending *p, enum store_added result, int64_t now_us)
{
	metric_add(result == STORE_DUPLICATE ? METRIC_DUPLICATES : METRIC_RECEIVED, 1);
	metric_observe(METRIC_ACK_LATENCY, now_us - p->arrived_us);
	log_debug("webhook stored", log_slice("message", p->message.message_id),
	    log_slice("client", p->message.client_id), log_word("kind", kind_name(p->message.kind)),
	    log_text("text", p->message.text), log_word("duplicate", result == STORE_DUPLICATE ? "yes" : "no"));
}

/* True when it is time to try again. With the mutex held. */
static bool wait_for_more(struct adder *a)
{
	if (a->again != NULL)
		return !wait_until(&a->more, &a->mutex, clock_mono_us() + (int64_t)AGAIN_MS * 1000);
	(void)pthread_cond_wait(&a->more, &a->mutex);
	return false;
}

/* Waits for messages and takes them as the batch; false when there will be none any more. With the order held. */
static bool take_batch(struct batch *b)
{
	struct adder *a = b->adder;
	bool again = false;

	(void)pthread_mutex_lock(&a->mutex);
	a->waiting = true;
	while (!is_worth_a_batch(a) && !a->stop && !again)
		again = wait_for_more(a);
	a->waiting = false;
	if (a->n == 0 && again) {
		b->pending[b->n++] = a->again;
		a->again = NULL;
	}
	while (a->n > 0 && b->n < ADDER_BATCH_MAX)
		b->pending[b->n++] = pop(a);
	a->flushed = false;
	a->under_way += b->n > 0 ? 1 : 0;
	(void)pthread_mutex_unlock(&a->mutex);
	return b->n > 0;
}

/* Takes the requests of the batch that are not answered yet, and tells health what came of it. */
static void claim_batch(struct batch *b, enum err e, const char *reason)
{
	struct adder *a = b->adder;

	(void)pthread_mutex_lock(&a->mutex);
	for (size_t i = 0; i < b->n; i++) {
		b->requests[i] = b->pending[i]->request;
		b->pending[i]->request = NULL;
	}
	report(a, e == ERR_OK, reason);
	(void)pthread_mutex_unlock(&a->mutex);
}

static void answer_stored(struct batch *b)
{
	const struct adder *a = b->adder;
	struct http_answers answers = { 0 };
	int64_t now_us = clock_mono_us();

	for (size_t i = 0; i < b->n; i++) {
		if (b->requests[i] == NULL)
			continue;
		note(b->pending[i], b->results[i], now_us);
		http_answers_add(&answers, b->requests[i], b->results[i] == STORE_DUPLICATE ? a->duplicate : a->stored);
	}
	http_answers_send(&answers);
}

static void answer_failed(struct batch *b, const char *reason)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->requests[i] != NULL)
			refuse(b->requests[i], REFUSAL_UNAVAILABLE, reason);
}

static void answer_batch(struct batch *b, enum err e)
{
	char reason[128];

	/* where the store's servers are is for our own people, in health */
	(void)snprintf(reason, sizeof reason, "The message could not be stored: %s", err_text(e));
	claim_batch(b, e, store_said(e));
	if (e == ERR_OK)
		answer_stored(b);
	else
		answer_failed(b, reason);
}

static void release_batch(struct batch *b, enum err e)
{
	struct adder *a = b->adder;
	bool wake;

	(void)pthread_mutex_lock(&a->mutex);
	for (size_t i = 0; i < b->n; i++)
		if (e == ERR_OK)
			recycle(a, b->pending[i]);
		else
			keep_or_recycle(a, b->pending[i]);
	if (e == ERR_OK && a->again != NULL) {
		recycle(a, a->again);
		a->again = NULL;
	}
	b->n = 0;
	a->under_way--;
	wake = is_awaited(a);
	(void)pthread_mutex_unlock(&a->mutex);
	wake_if(a, wake);
}

/* False: there will be none any more. */
static bool begin_batch(struct batch *b, struct store_adding *ret)
{
	bool any;

	(void)pthread_mutex_lock(&b->adder->order);
	any = take_batch(b);
	for (size_t i = 0; i < b->n; i++)
		b->messages[i] = b->pending[i]->message;
	*ret = (struct store_adding){ .messages = b->messages, .n = b->n, .ret = b->results };
	if (any)
		store_add_begin(b->adder->store, ret);
	(void)pthread_mutex_unlock(&b->adder->order);
	return any;
}

static void *add(void *context)
{
	struct batch *b = context;
	struct store_adding adding;

	(void)pthread_setname_np(pthread_self(), "adder");
	while (begin_batch(b, &adding)) {
		enum err e = store_add_end(b->adder->store, &adding);

		answer_batch(b, e);
		release_batch(b, e);
	}
	return NULL;
}

/* ---- keeping time ------------------------------------------------------------------------------------- */

static bool is_overdue(const struct adder *a, const struct pending *p, int64_t now_us)
{
	return p->request != NULL && now_us - p->arrived_us > a->timeout_us - a->check_us;
}

/* The same of a batch. */
static struct http_request *take_overdue_of(struct batch *b, int64_t now_us)
{
	struct http_request *r = NULL;

	for (size_t i = 0; i < b->n && r == NULL; i++)
		if (is_overdue(b->adder, b->pending[i], now_us)) {
			r = b->pending[i]->request;
			b->pending[i]->request = NULL;
		}
	return r;
}

/* The request of one that has waited too long, NULL when there is none; with the mutex held. */
static struct http_request *take_overdue(struct adder *a, int64_t now_us)
{
	struct http_request *r = NULL;

	for (size_t i = 0; i < BATCHES && r == NULL; i++)
		r = take_overdue_of(&a->batches[i], now_us);
	if (r == NULL && a->n > 0 && is_overdue(a, a->first, now_us)) {
		struct pending *p = pop(a);

		r = p->request;
		p->request = NULL;
		keep_or_recycle(a, p);
	}
	return r;
}

static void answer_overdue(struct adder *a)
{
	struct http_request *r;
	char reason[96];

	(void)snprintf(
	    reason, sizeof reason, "The store has not answered within %lld ms", (long long)(a->timeout_us / 1000));
	do {
		(void)pthread_mutex_lock(&a->mutex);
		r = take_overdue(a, clock_mono_us());
		if (r != NULL)
			report(a, false, reason);
		(void)pthread_mutex_unlock(&a->mutex);
		if (r != NULL)
			refuse(r, REFUSAL_UNAVAILABLE, reason);
	} while (r != NULL);
}

static void *keep_time(void *context)
{
	struct adder *a = context;
	bool ended = false;

	while (!ended) {
		int64_t until_us = clock_mono_us() + a->check_us;

		(void)pthread_mutex_lock(&a->mutex);
		if (!a->ended)
			(void)wait_until(&a->ending, &a->mutex, until_us);
		ended = a->ended;
		(void)pthread_mutex_unlock(&a->mutex);
		answer_overdue(a);
	}
	return NULL;
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void make_locks(struct adder *a)
{
	(void)pthread_mutex_init(&a->order, NULL);
	(void)pthread_mutex_init(&a->mutex, NULL);
	wait_init(&a->more);
	wait_init(&a->ending);
}

static void end_adding(struct adder *a)
{
	(void)pthread_mutex_lock(&a->mutex);
	a->stop = true;
	(void)pthread_cond_signal(&a->more);
	(void)pthread_mutex_unlock(&a->mutex);
	for (size_t i = 0; i < a->n_batches; i++)
		(void)pthread_join(a->batches[i].thread, NULL);
}

static bool start_adding(struct adder *a)
{
	for (size_t i = 0; i < BATCHES; i++) {
		a->batches[i].adder = a;
		if (pthread_create(&a->batches[i].thread, NULL, add, &a->batches[i]) != 0)
			return false;
		a->n_batches++;
	}
	return true;
}

static void free_adder(struct adder *a)
{
	if (a->again != NULL)
		recycle(a, a->again);
	while (a->spare != NULL) {
		struct pending *p = a->spare;

		a->spare = p->next;
		arena_free(&p->arena);
		free(p);
	}
	http_unprepare(&a->stored);
	http_unprepare(&a->duplicate);
	(void)pthread_cond_destroy(&a->ending);
	(void)pthread_cond_destroy(&a->more);
	(void)pthread_mutex_destroy(&a->mutex);
	(void)pthread_mutex_destroy(&a->order);
	free(a);
}

enum err adder_start(
    struct store *store, struct health *health, int64_t timeout_ms, struct adder **ret, struct why *why)
{
	struct adder *a = mem_alloc(sizeof *a);

	a->store = store;
	a->health = health;
	a->timeout_us = timeout_ms * 1000;
	a->check_us = a->timeout_us / CHECKS_A_TIMEOUT;
	a->last = &a->first;
	a->stored = http_prepare(&(struct http_answer){ .status = 200, .body = SLICE("{\"success\":true}") });
	a->duplicate = http_prepare(
	    &(struct http_answer){ .status = 200, .body = SLICE("{\"success\":true,\"duplicate\":true}") });
	make_locks(a);
	if (start_adding(a) && pthread_create(&a->keeping_time, NULL, keep_time, a) == 0) {
		*ret = a;
		return ERR_OK;
	}
	end_adding(a);
	free_adder(a);
	return why_fail(why, ERR_FAILED, "cannot start a thread: raise the limit of processes (ulimit -u)");
}

void adder_stop(struct adder **adder)
{
	struct adder *a = *adder;

	if (a == NULL)
		return;
	end_adding(a);
	(void)pthread_mutex_lock(&a->mutex);
	a->ended = true;
	(void)pthread_cond_signal(&a->ending);
	(void)pthread_mutex_unlock(&a->mutex);
	(void)pthread_join(a->keeping_time, NULL);
	free_adder(a);
	*adder = NULL;
}
