/* timers.c - a heap ordered by due time and a thread that waits for its top. */
#include "simulator/timers.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	int64_t due_ms;
	uint64_t order; /* equal times in the order of adding */
	sim_timer *call;
	void *context;
};

struct sim_timers {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct entry *heap;
	size_t n, size;
	uint64_t added;
	bool stopping;
	pthread_t thread;
	bool running;
};

static bool before(const struct entry *a, const struct entry *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void heap_push(struct sim_timers *t, struct entry e)
{
	size_t i = t->n++;

	if (t->n > t->size) {
		t->size = t->size > 0 ? 2 * t->size : 64;
		t->heap = mem_grow(t->heap, t->size * sizeof *t->heap);
	}
	while (i > 0 && before(&e, &t->heap[(i - 1) / 2])) {
		t->heap[i] = t->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	t->heap[i] = e;
}

static struct entry heap_pop(struct sim_timers *t)
{
	struct entry top = t->heap[0];
	struct entry last = t->heap[--t->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < t->n && before(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (child >= t->n || !before(&t->heap[child], &last))
			break;
		t->heap[i] = t->heap[child];
		i = child;
	}
	if (t->n > 0)
		t->heap[i] = last;
	return top;
}

static void wait_for_top(struct sim_timers *t)
{
	if (t->n == 0)
		pthread_cond_wait(&t->changed, &t->lock);
	else
		(void)wait_until(&t->changed, &t->lock, t->heap[0].due_ms * 1000);
}

static void *run(void *context)
{
	struct sim_timers *t = context;

	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		if (t->n > 0 && t->heap[0].due_ms <= clock_mono_ms()) {
			struct entry e = heap_pop(t);

			pthread_mutex_unlock(&t->lock);
			e.call(e.context, false);
			pthread_mutex_lock(&t->lock);
		} else {
			wait_for_top(t);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum err sim_timers_open(struct sim_timers **ret, struct why *why)
{
	struct sim_timers *t = mem_alloc(sizeof *t);
	int error;

	pthread_mutex_init(&t->lock, NULL);
	wait_init(&t->changed);
	error = pthread_create(&t->thread, NULL, run, t);
	t->running = error == 0;
	*ret = t;
	if (error != 0)
		return why_fail(why, ERR_AGAIN, "No thread for the simulator's timers: %s.", strerror(error));
	return ERR_OK;
}

void sim_timers_add(struct sim_timers *t, int64_t after_ms, sim_timer *call, void *context)
{
	/* one more, because the clock cuts off: never early */
	struct entry e = { .due_ms = clock_mono_ms() + after_ms + 1, .call = call, .context = context };

	pthread_mutex_lock(&t->lock);
	e.order = t->added++;
	heap_push(t, e);
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static bool take_any(struct sim_timers *t, struct entry *ret)
{
	bool any;

	pthread_mutex_lock(&t->lock);
	any = t->n > 0;
	if (any)
		*ret = heap_pop(t);
	pthread_mutex_unlock(&t->lock);
	return any;
}

void sim_timers_stop(struct sim_timers *t)
{
	struct entry e;

	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	if (t->running)
		pthread_join(t->thread, NULL);
	t->running = false;
	while (take_any(t, &e))
		e.call(e.context, true);
}

void sim_timers_close(struct sim_timers **timers)
{
	struct sim_timers *t = *timers;

	if (t == NULL)
		return;
	sim_timers_stop(t);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t->heap);
	free(t);
	*timers = NULL;
}
