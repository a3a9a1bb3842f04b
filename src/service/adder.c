/* adder.c - group commit of webhooks: batches from their begin to their answers, and what health learns from them.
 *
 * There is no thread for it: the listener begins a batch when there is one, and so does the store's thread that tells of the
 * outcome of another; where the store takes two at once, before it answers that one's requests. */
#include "service/adder_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "service/refusal.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHECKS_A_TIMEOUT = 20 };

/* ---- health ------------------------------------------------------------------------------------------------ */

void adder_report(struct adder *a, bool ok, const char *reason)
{
	if (!ok || a->troubled)
		health_set(a->health, HEALTH_BY_INTAKE, ok, reason);
	a->troubled = !ok;
}

/* While health is bad no new message may come that would show that the trouble is over. So one that failed, and was
 * answered 503, is kept and tried again; once it is stored, its redelivery is a duplicate. */
void adder_keep_or_recycle(struct adder *a, struct pending *p)
{
	if (a->again != NULL) {
		adder_recycle(a, p);
		return;
	}
	a->again = p;
	a->again_us = clock_mono_us() + (int64_t)ADDER_AGAIN_MS * 1000;
}

/* ---- the outcome; called by a thread of the store --------------------------------------------------------- */

static void note(const struct pending *p, enum store_added result, int64_t now_us)
{
	metric_add(result == STORE_DUPLICATE ? METRIC_DUPLICATES : METRIC_RECEIVED, 1);
	metric_observe(METRIC_ACK_LATENCY, now_us - p->arrived_us);
	log_debug("webhook stored", log_slice("message", p->message.message_id),
	    log_slice("client", p->message.client_id), log_word("kind", kind_name(p->message.kind)),
	    log_text("text", p->message.text), log_word("duplicate", result == STORE_DUPLICATE ? "yes" : "no"));
}

/* What the outcome says of how the store is: nothing, if it is a success that was begun before a failure, and only told of
 * later, behind the disk. */
static void judge_store(struct adder *a, uint64_t number, enum err e, const char *reason)
{
	if (e != ERR_OK && number > a->last_failed)
		a->last_failed = number;
	if (e == ERR_OK && number < a->last_failed)
		return;
	adder_report(a, e == ERR_OK, reason);
	if (e == ERR_OK && a->again != NULL) {
		adder_recycle(a, a->again);
		a->again = NULL;
	}
}

/* Takes the requests of the batch that are not answered yet. */
static void claim_batch(struct batch *b, enum err e, const char *reason)
{
	struct adder *a = b->adder;

	(void)pthread_mutex_lock(&a->mutex);
	for (size_t i = 0; i < b->n; i++) {
		b->requests[i] = b->pending[i]->request;
		b->pending[i]->request = NULL;
	}
	judge_store(a, b->number, e, reason);
	a->under_way -= b->n;
	adder_begin_batches(a);
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

static void release_batch(struct batch *b, enum err e)
{
	struct adder *a = b->adder;

	(void)pthread_mutex_lock(&a->mutex);
	for (size_t i = 0; i < b->n; i++)
		if (e == ERR_OK)
			adder_recycle(a, b->pending[i]);
		else
			adder_keep_or_recycle(a, b->pending[i]);
	b->n = 0;
	adder_begin_batches(a);
	if (a->stop)
		(void)pthread_cond_broadcast(&a->ending);
	(void)pthread_mutex_unlock(&a->mutex);
}

static void end_batch(struct store_adding *adding, enum err e)
{
	struct batch *b = (struct batch *)(void *)adding;
	char reason[128];

	/* where the store's servers are is for our own people, in health */
	(void)snprintf(reason, sizeof reason, "The message could not be stored: %s", err_text(e));
	claim_batch(b, e, store_said(e));
	if (e == ERR_OK)
		answer_stored(b);
	else
		answer_failed(b, reason);
	release_batch(b, e);
}

/* ---- the begin -------------------------------------------------------------------------------------------- */

static struct batch *free_batch(struct adder *a)
{
	for (size_t i = 0; i < a->n_batches; i++)
		if (a->batches[i].n == 0)
			return &a->batches[i];
	return NULL;
}

static void begin_batch(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->messages[i] = b->pending[i]->message;
	b->adding = (struct store_adding){ .messages = b->messages, .n = b->n, .ret = b->results, .added = end_batch };
	b->number = ++b->adder->begun;
	b->adder->under_way += b->n;
	store_add_begin(b->adder->store, &b->adding);
}

void adder_begin_batches(struct adder *a)
{
	struct batch *b;

	while (adder_has_batch(a) && (b = free_batch(a)) != NULL) {
		while (a->n > 0 && b->n < ADDER_BATCH_MAX)
			b->pending[b->n++] = adder_pop(a);
		begin_batch(b);
	}
}

void adder_try_again(struct adder *a, int64_t now_us)
{
	struct batch *b = free_batch(a);

	if (a->again == NULL || now_us < a->again_us || a->n > 0 || a->under_way > 0 || a->stop || b == NULL)
		return;
	b->pending[b->n++] = a->again;
	a->again = NULL;
	begin_batch(b);
}

/* ---- life --------------------------------------------------------------------------------------------- */

static bool is_busy(const struct adder *a)
{
	bool busy = a->n > 0;

	for (size_t i = 0; i < a->n_batches; i++)
		busy = busy || a->batches[i].n > 0;
	return busy;
}

static void end_adding(struct adder *a)
{
	(void)pthread_mutex_lock(&a->mutex);
	a->stop = true;
	adder_begin_batches(a);
	while (is_busy(a))
		(void)pthread_cond_wait(&a->ending, &a->mutex);
	a->ended = true;
	(void)pthread_cond_broadcast(&a->ending);
	(void)pthread_mutex_unlock(&a->mutex);
}

static void free_adder(struct adder *a)
{
	if (a->again != NULL)
		adder_recycle(a, a->again);
	while (a->spare != NULL) {
		struct pending *p = a->spare;

		a->spare = p->next;
		arena_free(&p->arena);
		free(p);
	}
	http_unprepare(&a->stored);
	http_unprepare(&a->duplicate);
	(void)pthread_cond_destroy(&a->ending);
	(void)pthread_mutex_destroy(&a->mutex);
	free(a);
}

static struct adder *make_adder(struct store *store, struct health *health, int64_t timeout_ms)
{
	struct adder *a = mem_alloc(sizeof *a);
	size_t at_once = store_adds_at_once(store);

	a->store = store;
	a->health = health;
	a->timeout_us = timeout_ms * 1000;
	a->check_us = a->timeout_us / CHECKS_A_TIMEOUT;
	a->last = &a->first;
	a->n_batches = at_once < ADDER_BATCHES ? at_once : ADDER_BATCHES;
	for (size_t i = 0; i < a->n_batches; i++)
		a->batches[i].adder = a;
	a->stored = http_prepare(&(struct http_answer){ .status = 200, .body = SLICE("{\"success\":true}") });
	a->duplicate = http_prepare(
	    &(struct http_answer){ .status = 200, .body = SLICE("{\"success\":true,\"duplicate\":true}") });
	(void)pthread_mutex_init(&a->mutex, NULL);
	wait_init(&a->ending);
	return a;
}

enum err adder_start(
    struct store *store, struct health *health, int64_t timeout_ms, struct adder **ret, struct why *why)
{
	struct adder *a = make_adder(store, health, timeout_ms);

	if (pthread_create(&a->keeping_time, NULL, adder_keep_time, a) == 0) {
		*ret = a;
		return ERR_OK;
	}
	free_adder(a);
	return why_fail(why, ERR_FAILED, "cannot start a thread: raise the limit of processes (ulimit -u)");
}

void adder_stop(struct adder **adder)
{
	struct adder *a = *adder;

	if (a == NULL)
		return;
	end_adding(a);
	(void)pthread_join(a->keeping_time, NULL);
	free_adder(a);
	*adder = NULL;
}
