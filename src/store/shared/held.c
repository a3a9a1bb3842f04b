/* held.c - two small hash tables over the same turns: by counter, and by client. */
#include "store/shared/held.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 /* a power of two; a process holds some hundred turns at most */ };

struct entry {
	struct held_turn turn; /* its texts are the arena's */
	struct arena texts;
	bool begun;   /* a verb works on it */
	bool waiting; /* the surroundings refused it last time */
	struct entry *next_by_counter, *next_by_client;
};

struct held {
	pthread_mutex_t lock; /* guards all */
	size_t n;
	struct entry *by_counter[BUCKETS], *by_client[BUCKETS];
};

struct held *held_new(void)
{
	struct held *h = mem_alloc(sizeof *h);

	(void)pthread_mutex_init(&h->lock, NULL);
	return h;
}

static struct entry **counter_bucket(struct held *h, uint64_t counter)
{
	return &h->by_counter[counter % BUCKETS];
}

/* FNV-1a: clients' ids are not chosen to collide, and a long chain would only be slow. */
static struct entry **client_bucket(struct held *h, struct slice client_id)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < client_id.n; i++)
		hash = (hash ^ (unsigned char)client_id.p[i]) * 16777619U;
	return &h->by_client[hash % BUCKETS];
}

static struct entry *find(struct held *h, uint64_t counter)
{
	struct entry *e = *counter_bucket(h, counter);

	while (e != NULL && e->turn.counter != counter)
		e = e->next_by_counter;
	return e;
}

static struct entry *find_client(struct held *h, struct slice client_id)
{
	struct entry *e = *client_bucket(h, client_id);

	while (e != NULL && !slice_eq(e->turn.client_id, client_id))
		e = e->next_by_client;
	return e;
}

static void drop(struct held *h, struct entry *e)
{
	struct entry **at = counter_bucket(h, e->turn.counter);

	while (*at != e)
		at = &(*at)->next_by_counter;
	*at = e->next_by_counter;
	at = client_bucket(h, e->turn.client_id);
	while (*at != e)
		at = &(*at)->next_by_client;
	*at = e->next_by_client;
	h->n--;
	arena_free(&e->texts);
	free(e);
}

void held_free(struct held **held)
{
	struct held *h = *held;

	if (h == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (h->by_counter[i] != NULL)
			drop(h, h->by_counter[i]);
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
	*held = NULL;
}

static struct held_turn copy(const struct held_turn *turn, struct arena *a)
{
	struct held_turn ret = *turn;
	struct slice *ids = arena_alloc(a, (turn->n_jobs + 1) * sizeof *ids);

	for (size_t i = 0; i < turn->n_jobs; i++)
		ids[i] = slice_copy(a, turn->job_ids[i]);
	ret.client_id = slice_copy(a, turn->client_id);
	ret.job_ids = ids;
	return ret;
}

void held_put(struct held *held, const struct held_turn *turn)
{
	struct entry *e = mem_alloc(sizeof *e), *old, **at;

	e->turn = copy(turn, &e->texts);
	(void)pthread_mutex_lock(&held->lock);
	old = find_client(held, turn->client_id);
	if (old != NULL)
		drop(held, old);
	at = counter_bucket(held, turn->counter);
	e->next_by_counter = *at;
	*at = e;
	at = client_bucket(held, e->turn.client_id);
	e->next_by_client = *at;
	*at = e;
	held->n++;
	(void)pthread_mutex_unlock(&held->lock);
}

bool held_begin(struct held *held, uint64_t counter, struct arena *arena, struct held_turn *ret)
{
	struct entry *e;
	bool begins;

	(void)pthread_mutex_lock(&held->lock);
	e = find(held, counter);
	begins = e != NULL && !e->begun;
	if (begins) {
		e->begun = true;
		*ret = copy(&e->turn, arena);
	}
	(void)pthread_mutex_unlock(&held->lock);
	return begins;
}

void held_end(struct held *held, uint64_t counter, enum held_outcome outcome)
{
	struct entry *e;

	(void)pthread_mutex_lock(&held->lock);
	e = find(held, counter);
	if (e != NULL && outcome == HELD_GONE) {
		drop(held, e);
	} else if (e != NULL) {
		e->begun = false;
		e->waiting = true;
	}
	(void)pthread_mutex_unlock(&held->lock);
}

size_t held_count(struct held *held)
{
	size_t n;

	(void)pthread_mutex_lock(&held->lock);
	n = held->n;
	(void)pthread_mutex_unlock(&held->lock);
	return n;
}

size_t held_counters(struct held *held, struct arena *arena, uint64_t **ret)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&held->lock);
	*ret = arena_alloc(arena, (held->n + 1) * sizeof **ret);
	for (size_t i = 0; n < held->n; i++)
		for (const struct entry *e = held->by_counter[i]; e != NULL; e = e->next_by_counter)
			(*ret)[n++] = e->turn.counter;
	(void)pthread_mutex_unlock(&held->lock);
	return n;
}

size_t held_waiting(struct held *held, struct arena *arena, struct slice **ret)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&held->lock);
	*ret = arena_alloc(arena, (held->n + 1) * sizeof **ret);
	for (size_t i = 0; held->n > 0 && i < BUCKETS; i++)
		for (const struct entry *e = held->by_counter[i]; e != NULL; e = e->next_by_counter)
			if (e->waiting)
				(*ret)[n++] = slice_copy(arena, e->turn.client_id);
	(void)pthread_mutex_unlock(&held->lock);
	return n;
}
