/* adder_time.c - the timekeeper: 503 to those that have waited too long, whatever the store does, and another try of one that failed. */
#include "service/adder_inside.h"

#include "base/clock.h"
#include "base/wait.h"
#include "service/refusal.h"

#include <stdio.h>

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

	for (size_t i = 0; i < a->n_batches && r == NULL; i++)
		r = take_overdue_of(&a->batches[i], now_us);
	if (r == NULL && a->n > 0 && is_overdue(a, a->first, now_us)) {
		struct pending *p = adder_pop(a);

		r = p->request;
		p->request = NULL;
		adder_keep_or_recycle(a, p);
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
			adder_report(a, false, reason);
		(void)pthread_mutex_unlock(&a->mutex);
		if (r != NULL)
			refuse(r, REFUSAL_UNAVAILABLE, reason);
	} while (r != NULL);
}

static int64_t next_look(const struct adder *a, int64_t now_us)
{
	int64_t every_us = a->check_us < ADDER_AGAIN_MS * 1000 ? a->check_us : ADDER_AGAIN_MS * 1000;
	int64_t next_us = now_us + every_us;

	return a->again != NULL && a->again_us > now_us && a->again_us < next_us ? a->again_us : next_us;
}

void *adder_keep_time(void *context)
{
	struct adder *a = context;
	bool ended = false;

	while (!ended) {
		int64_t now_us = clock_mono_us();

		(void)pthread_mutex_lock(&a->mutex);
		adder_try_again(a, now_us);
		if (!a->ended)
			(void)wait_until(&a->ending, &a->mutex, next_look(a, now_us));
		ended = a->ended;
		(void)pthread_mutex_unlock(&a->mutex);
		answer_overdue(a);
	}
	return NULL;
}
