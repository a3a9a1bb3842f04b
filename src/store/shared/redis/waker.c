/* waker.c - BLMOVE of an element onto its own place: it waits as a taker would, and takes nothing. */
#include "store/shared/redis/waker.h"

#include "base/clock.h"
#include "base/wait.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/connect.h"
#include "store/shared/redis/keys.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 2000 /* beyond what BLMOVE was asked to wait */, IDS_SIZE = 64 };
#define WAKE_LONGEST_S "0.25"

struct queue {
	struct wakers *wakers;
	const char *bull_name; /* as Bull names the connections of its workers: base64 of the queue's name */
	char list[REDIS_NAME_SIZE];
	pthread_t thread;
	pthread_mutex_t lock;      /* guards what follows */
	pthread_cond_t list_wake;  /* sleepers on the list */
	pthread_cond_t local_wake; /* sleepers on time or a local wake */
	pthread_cond_t armed;      /* the thread: somebody sleeps on the list, or it ends */
	unsigned sleepers;         /* on the list */
	bool granted;              /* the list has something, and no sleeper has noticed yet */
	bool looking;              /* the one who noticed has not looked yet */
	uint64_t local;            /* local wakes so far */
	bool stopping;
	struct redis *connection; /* made, used and closed by the thread, shut down by who stops it */
};

struct wakers {
	struct shared *shared;
	struct queue queue[WAKE_QUEUES];
	pthread_mutex_t names_lock; /* guards what follows */
	int64_t client_id[WAKE_QUEUES];
};

/* ---- sleepers --------------------------------------------------------------------------------------- */

static void looked(struct queue *q, struct waking *x)
{
	if (x->woken) {
		x->woken = false;
		q->looking = false;
		(void)pthread_cond_signal(&q->armed);
	}
}

void waker_begin(struct wakers *wakers, struct waking *x, enum wake_queue queue)
{
	struct queue *q = &wakers->queue[queue];

	*x = (struct waking){ .queue = queue };
	(void)pthread_mutex_lock(&q->lock);
	x->local = q->local;
	(void)pthread_mutex_unlock(&q->lock);
}

void waker_end(struct wakers *wakers, struct waking *x)
{
	struct queue *q = &wakers->queue[x->queue];

	(void)pthread_mutex_lock(&q->lock);
	looked(q, x);
	(void)pthread_mutex_unlock(&q->lock);
}

static int64_t no_later_than_us(int64_t until_ms)
{
	int64_t longest_ms = clock_mono_ms() + WAKE_LONGEST_MS;

	return (until_ms < longest_ms ? until_ms : longest_ms) * 1000;
}

static void sleep_on_list(struct queue *q, struct waking *x, int64_t until_us)
{
	q->sleepers++;
	(void)pthread_cond_signal(&q->armed);
	while (!q->stopping && !q->granted && q->local == x->local && wait_until(&q->list_wake, &q->lock, until_us))
		;
	q->sleepers--;
	if (q->granted) {
		q->granted = false;
		q->looking = x->woken = true;
	}
}

static void sleep_on_time(struct queue *q, const struct waking *x, int64_t until_us)
{
	while (!q->stopping && q->local == x->local && wait_until(&q->local_wake, &q->lock, until_us))
		;
}

enum err waker_wait(struct wakers *wakers, struct waking *x, enum wake_how how, int64_t until_ms)
{
	struct queue *q = &wakers->queue[x->queue];
	int64_t until_us = no_later_than_us(until_ms);
	bool stopping;

	(void)pthread_mutex_lock(&q->lock);
	looked(q, x);
	if (how == WAKE_BY_LIST)
		sleep_on_list(q, x, until_us);
	else
		sleep_on_time(q, x, until_us);
	x->local = q->local;
	stopping = q->stopping;
	(void)pthread_mutex_unlock(&q->lock);
	return stopping ? ERR_STOPPED : ERR_OK;
}

void waker_wake(struct wakers *wakers, enum wake_queue queue)
{
	struct queue *q;

	if (wakers == NULL)
		return;
	q = &wakers->queue[queue];
	(void)pthread_mutex_lock(&q->lock);
	q->local++;
	(void)pthread_cond_broadcast(&q->local_wake);
	(void)pthread_mutex_unlock(&q->lock);
}

/* ---- the threads ------------------------------------------------------------------------------------ */

/* The entry of `S workers`. */
static const char *client_ids(const struct wakers *w, char ret[IDS_SIZE])
{
	(void)snprintf(
	    ret, IDS_SIZE, "%lld %lld", (long long)w->client_id[WAKE_MESSAGES], (long long)w->client_id[WAKE_REPLIES]);
	return ret;
}

/* Written before the name is given: who finds a connection named as a Bull worker's finds it here, if it is ours. */
static enum err list_client_ids(struct wakers *w, struct redis *c, bool *broken, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE], ids[IDS_SIZE];
	enum err err;

	(void)client_ids(w, ids);
	err = redis_ask(c, 4,
	    (const char *const[]){ "HSET", redis_own_key(w->shared, "workers", key), w->shared->owner, ids }, NULL,
	    &reply, broken, why);
	freeReplyObject(reply);
	return err;
}

/* Read first: it is written when memory is full only if it must be. */
static enum err list_if_other(struct wakers *w, struct redis *c, bool *broken, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE], ids[IDS_SIZE];
	enum err err = redis_ask(c, 3,
	    (const char *const[]){ "HGET", redis_own_key(w->shared, "workers", key), w->shared->owner }, NULL, &reply,
	    broken, why);

	if (err == ERR_OK && !slice_eq(redis_text(reply), slice_of(client_ids(w, ids))))
		err = list_client_ids(w, c, broken, why);
	freeReplyObject(reply);
	return err;
}

enum err wakers_list_again(struct wakers *wakers, struct why *why)
{
	struct redis *c = NULL;
	bool broken = false;
	enum err err;

	if (wakers == NULL)
		return ERR_OK;
	if ((err = redis_borrow(wakers->shared->redis, &c, why)) != ERR_OK)
		return err;
	redis_set_timeout(c, REDIS_CALL_MS);
	(void)pthread_mutex_lock(&wakers->names_lock);
	err = list_if_other(wakers, c, &broken, why);
	(void)pthread_mutex_unlock(&wakers->names_lock);
	redis_give_back(wakers->shared->redis, c, broken);
	return redis_count_error(err);
}

static enum err name_as_worker(struct queue *q, struct redis *c, struct why *why)
{
	struct wakers *w = q->wakers;
	struct redisReply *reply = NULL;
	char name[REDIS_NAME_SIZE];
	bool broken = false;
	enum err err;

	(void)pthread_mutex_lock(&w->names_lock);
	w->client_id[q - w->queue] = c->identity.client_id;
	err = list_client_ids(w, c, &broken, why);
	(void)pthread_mutex_unlock(&w->names_lock);
	if (err != ERR_OK)
		return err;
	(void)snprintf(name, sizeof name, "%s:%s", w->shared->settings.bull_prefix, q->bull_name);
	err = redis_ask(c, 3, (const char *const[]){ "CLIENT", "SETNAME", name }, NULL, &reply, &broken, why);
	freeReplyObject(reply);
	return err;
}

static void connect_queue(struct queue *q)
{
	struct redis *c = NULL;

	if (redis_open(q->wakers->shared->redis, &c, NULL) != ERR_OK)
		return;
	if (name_as_worker(q, c, NULL) != ERR_OK) {
		redis_close(&c);
		return;
	}
	redis_set_timeout(c, WAKE_LONGEST_MS + PATIENCE_MS);
	(void)pthread_mutex_lock(&q->lock);
	q->connection = c;
	(void)pthread_mutex_unlock(&q->lock);
}

static void disconnect_queue(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	redis_close(&q->connection);
	(void)pthread_mutex_unlock(&q->lock);
}

/* True: the list has an element. *failed: no answer, or an error for one. */
static bool wait_for_element(struct queue *q, bool *failed)
{
	const char *words[] = { "BLMOVE", q->list, q->list, "RIGHT", "RIGHT", WAKE_LONGEST_S };
	struct redisReply *reply = NULL;
	bool broken = false, found;

	*failed = redis_ask(q->connection, COUNT_OF(words), words, NULL, &reply, &broken, NULL) != ERR_OK;
	found = reply != NULL && reply->type == REDIS_REPLY_STRING;
	freeReplyObject(reply);
	if (broken)
		disconnect_queue(q);
	return found;
}

/* False: to end. Meanwhile nobody is waked, and nobody needs to be: sleepers look again by themselves. */
static bool pause_after_failure(struct queue *q)
{
	int64_t until_us = no_later_than_us(INT64_MAX);
	bool stopping;

	(void)pthread_mutex_lock(&q->lock);
	while (!q->stopping && wait_until(&q->armed, &q->lock, until_us))
		;
	stopping = q->stopping;
	(void)pthread_mutex_unlock(&q->lock);
	return !stopping;
}

/* Waits until somebody sleeps on the list whom an element would help. False: to end. */
static bool wait_for_sleeper(struct queue *q)
{
	bool stopping;

	(void)pthread_mutex_lock(&q->lock);
	while (!q->stopping && (q->sleepers == 0 || q->granted || q->looking))
		(void)pthread_cond_wait(&q->armed, &q->lock);
	stopping = q->stopping;
	(void)pthread_mutex_unlock(&q->lock);
	return !stopping;
}

static void grant(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	/* those who slept may have gone to look by themselves; the next one finds the element still there */
	if (q->sleepers > 0) {
		q->granted = true;
		(void)pthread_cond_signal(&q->list_wake);
	}
	(void)pthread_mutex_unlock(&q->lock);
}

static void *run(void *arg)
{
	struct queue *q = arg;
	bool failed;

	if (q->connection == NULL)
		connect_queue(q); /* before the first need, so that Bull's tools see a worker */
	while (wait_for_sleeper(q)) {
		failed = false;
		if (q->connection == NULL)
			connect_queue(q);
		if (q->connection == NULL)
			failed = true;
		else if (wait_for_element(q, &failed))
			grant(q);
		if (failed && !pause_after_failure(q))
			break;
	}
	disconnect_queue(q);
	return NULL;
}

/* ---- start and stop --------------------------------------------------------------------------------- */

static void start(struct wakers *w, enum wake_queue which, const char *bull_name)
{
	struct queue *q = &w->queue[which];

	q->wakers = w;
	q->bull_name = bull_name;
	(which == WAKE_MESSAGES ? redis_messages_key : redis_outbox_key)(w->shared, "wait", q->list);
	(void)pthread_mutex_init(&q->lock, NULL);
	wait_init(&q->list_wake);
	wait_init(&q->local_wake);
	wait_init(&q->armed);
	if (pthread_create(&q->thread, NULL, run, q) != 0)
		abort(); /* as without memory: the process could do nothing */
}

struct wakers *wakers_start(struct shared *s)
{
	struct wakers *w = mem_alloc(sizeof *w);

	w->shared = s;
	(void)pthread_mutex_init(&w->names_lock, NULL);
	start(w, WAKE_MESSAGES, "bWVzc2FnZXM="); /* messages */
	start(w, WAKE_REPLIES, "b3V0Ym94");      /* outbox */
	return w;
}

static void stop_waiting(struct queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->stopping = true;
	if (q->connection != NULL)
		(void)shutdown(q->connection->context->fd, SHUT_RDWR);
	(void)pthread_cond_broadcast(&q->list_wake);
	(void)pthread_cond_broadcast(&q->local_wake);
	(void)pthread_cond_broadcast(&q->armed);
	(void)pthread_mutex_unlock(&q->lock);
}

void wakers_stop_waiting(struct wakers *wakers)
{
	for (size_t i = 0; i < WAKE_QUEUES; i++)
		stop_waiting(&wakers->queue[i]);
}

void wakers_stop(struct wakers **wakers)
{
	struct wakers *w = *wakers;

	if (w == NULL)
		return;
	wakers_stop_waiting(w);
	for (size_t i = 0; i < WAKE_QUEUES; i++) {
		struct queue *q = &w->queue[i];

		(void)pthread_join(q->thread, NULL);
		(void)pthread_cond_destroy(&q->list_wake);
		(void)pthread_cond_destroy(&q->local_wake);
		(void)pthread_cond_destroy(&q->armed);
		(void)pthread_mutex_destroy(&q->lock);
	}
	(void)pthread_mutex_destroy(&w->names_lock);
	free(w);
	*wakers = NULL;
}
