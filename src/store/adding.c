/* adding.c - the thread that waits for a store's adds, so that intake need not. */
#include "store/adding.h"

#include <pthread.h>
#include <stdlib.h>

struct adding_thread {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	struct store_adding *first, **last;
	bool stop;
};

/* NULL when there will be none any more. */
static struct store_adding *wait_for_next(struct adding_thread *t)
{
	struct store_adding *next;

	(void)pthread_mutex_lock(&t->lock);
	while (t->first == NULL && !t->stop)
		(void)pthread_cond_wait(&t->more, &t->lock);
	next = t->first;
	if (next != NULL)
		t->first = next->next;
	if (t->first == NULL)
		t->last = &t->first;
	(void)pthread_mutex_unlock(&t->lock);
	return next;
}

static void *add_all(void *context)
{
	struct adding_thread *t = context;
	struct store_adding *next;

	(void)pthread_setname_np(pthread_self(), "store adder");
	while ((next = wait_for_next(t)) != NULL)
		next->added(next, store_add(t->store, next->messages, next->n, next->ret));
	return NULL;
}

void adding_begin(struct adding_thread *t, struct store_adding *adding)
{
	adding->next = NULL;
	(void)pthread_mutex_lock(&t->lock);
	*t->last = adding;
	t->last = &adding->next;
	(void)pthread_cond_signal(&t->more);
	(void)pthread_mutex_unlock(&t->lock);
}

struct adding_thread *adding_start(struct store *store)
{
	struct adding_thread *t = mem_alloc(sizeof *t);

	t->store = store;
	t->last = &t->first;
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->more, NULL);
	if (pthread_create(&t->thread, NULL, add_all, t) != 0)
		abort();
	return t;
}

void adding_stop(struct adding_thread **thread)
{
	struct adding_thread *t = *thread;

	if (t == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	t->stop = true;
	(void)pthread_cond_signal(&t->more);
	(void)pthread_mutex_unlock(&t->lock);
	(void)pthread_join(t->thread, NULL);
	(void)pthread_cond_destroy(&t->more);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
	*thread = NULL;
}
