/* adder_queue.c - what waits to be added, what is worth a batch, and spares for the next. */
#include "service/adder_inside.h"

#include <stdlib.h>

enum {
	ENOUGH = 32, /* messages that are worth a batch beside another */
	FEW = 8,     /* messages in all, with which the processors have time for such a batch anyway */
	SPARES_MAX = 256
};

static void push(struct adder *a, struct pending *p)
{
	p->next = NULL;
	*a->last = p;
	a->last = &p->next;
	a->n++;
	a->bytes += p->message.text.n;
}

struct pending *adder_pop(struct adder *a)
{
	struct pending *p = a->first;

	a->first = p->next;
	if (a->first == NULL)
		a->last = &a->first;
	a->n--;
	a->bytes -= p->message.text.n;
	a->flushed = a->flushed && a->n > 0;
	return p;
}

void adder_recycle(struct adder *a, struct pending *p)
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
 * the next; the others are when it has ended, or when there are so few in all that nobody is short of time. */
bool adder_has_batch(const struct adder *a)
{
	bool has_time = a->under_way == 0 || a->under_way + a->n <= FEW;

	return a->n >= ENOUGH || (a->n > 0 && ((a->flushed && has_time) || a->stop));
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
	adder_recycle(a, p);
	(void)pthread_mutex_unlock(&a->mutex);
}

bool adder_put(struct adder *a, struct pending *p)
{
	bool room;

	(void)pthread_mutex_lock(&a->mutex);
	room = a->n < ADDER_QUEUE_MAX && a->bytes + p->message.text.n <= ADDER_QUEUE_BYTES_MAX && !a->stop;
	if (room)
		push(a, p);
	adder_begin_batches(a);
	(void)pthread_mutex_unlock(&a->mutex);
	return room;
}

void adder_flush(struct adder *a)
{
	(void)pthread_mutex_lock(&a->mutex);
	a->flushed = a->n > 0;
	adder_begin_batches(a);
	(void)pthread_mutex_unlock(&a->mutex);
}
