/* adder.c - group commit of webhooks: the adding threads, and what health learns from them. */
#include "service/adder_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "service/refusal.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHECKS_A_TIMEOUT = 20, AGAIN_MS = 1000 };

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
	while (!adder_has_batch(a) && !a->stop && !again)
		again = wait_for_more(a);
	a->waiting = false;
	if (a->n == 0 && again) {
		b->pending[b->n++] = a->again;
		a->again = NULL;
	}
	while (a->n > 0 && b->n < ADDER_BATCH_MAX)
		b->pending[b->n++] = adder_pop(a);
	a->flushed = a->flushed && a->n > 0;
	a->under_way += b->n;
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
	adder_report(a, e == ERR_OK, reason);
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

	(void)pthread_mutex_lock(&a->mutex);
	for (size_t i = 0; i < b->n; i++)
		if (e == ERR_OK)
			adder_recycle(a, b->pending[i]);
		else
			adder_keep_or_recycle(a, b->pending[i]);
	if (e == ERR_OK && a->again != NULL) {
		adder_recycle(a, a->again);
		a->again = NULL;
	}
	a->under_way -= b->n;
	b->n = 0;
	adder_leave(a);
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
	for (size_t i = 0; i < ADDER_BATCHES; i++) {
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
	if (start_adding(a) && pthread_create(&a->keeping_time, NULL, adder_keep_time, a) == 0) {
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
