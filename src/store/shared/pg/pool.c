/* pool.c - a list of idle connections, and when to try again. */
#include "store/shared/pg/pool.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "store/shared/pg/connect.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

enum { BACKOFF_LEAST_MS = 50, BACKOFF_MOST_MS = 2000 };

struct pg_pool {
	const struct settings *settings;
	pthread_mutex_t lock; /* guards what follows */
	struct pg *idle;
	int64_t backoff_ms;  /* 0: the last try was good */
	int64_t not_before;  /* monotonic: the next try */
	struct why last_why; /* of the last failed try */
	enum err last_err;
};

const struct settings *pg_pool_settings(const struct pg_pool *pool)
{
	return pool->settings;
}

enum err pg_pool_open(const struct settings *settings, struct pg_pool **ret, struct why *why)
{
	enum err err = pg_connect_check(settings, why);

	*ret = NULL;
	if (err != ERR_OK)
		return err;
	*ret = mem_alloc(sizeof **ret);
	(*ret)->settings = settings;
	(void)pthread_mutex_init(&(*ret)->lock, NULL);
	return ERR_OK;
}

static void end(struct pg *pg)
{
	PQfinish(pg->connection);
	free(pg);
}

void pg_pool_close(struct pg_pool **pool)
{
	struct pg *pg;

	if (*pool == NULL)
		return;
	while ((pg = (*pool)->idle) != NULL) {
		(*pool)->idle = pg->next;
		end(pg);
	}
	(void)pthread_mutex_destroy(&(*pool)->lock);
	free(*pool);
	*pool = NULL;
}

/* Nothing may come on an idle connection but the news of its end. */
static bool has_ended(const struct pg *pg)
{
	struct pollfd fd = { .fd = PQsocket(pg->connection), .events = POLLIN };

	return poll(&fd, 1, 0) != 0 &&
	       (PQconsumeInput(pg->connection) == 0 || PQstatus(pg->connection) != CONNECTION_OK);
}

static struct pg *take_idle(struct pg_pool *pool)
{
	struct pg *pg;

	(void)pthread_mutex_lock(&pool->lock);
	while ((pg = pool->idle) != NULL) {
		pool->idle = pg->next;
		if (!has_ended(pg))
			break;
		metric_add(METRIC_POSTGRES_LOST, 1);
		end(pg);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return pg;
}

/* Not the time for a try yet? */
static enum err may_try(struct pg_pool *pool, struct why *why)
{
	enum err err = ERR_OK;

	(void)pthread_mutex_lock(&pool->lock);
	if (pool->backoff_ms > 0 && clock_mono_ms() < pool->not_before)
		err = why_fail(why, pool->last_err, "%s", pool->last_why.text);
	(void)pthread_mutex_unlock(&pool->lock);
	return err;
}

static void note_try(struct pg_pool *pool, enum err err, const struct why *why)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (err == ERR_OK) {
		pool->backoff_ms = 0;
	} else {
		pool->backoff_ms = pool->backoff_ms == 0                    ? BACKOFF_LEAST_MS
				   : pool->backoff_ms < BACKOFF_MOST_MS / 2 ? pool->backoff_ms * 2
									    : BACKOFF_MOST_MS;
		pool->not_before = clock_mono_ms() + random_jitter(pool->backoff_ms);
		pool->last_err = err;
		pool->last_why = *why;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

static enum err connect_anew(struct pg_pool *pool, struct pg **ret, struct why *why)
{
	PGconn *connection = NULL;
	struct why local = { 0 };
	enum err err = pg_connect(pool->settings, &connection, &local);

	note_try(pool, err, &local);
	if (err != ERR_OK)
		return why_fail(why, err, "%s", local.text);
	if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
		PQfinish(connection);
		return why_fail(why, ERR_UNREACHABLE, "PostgreSQL: the connection ended at once");
	}
	*ret = mem_alloc(sizeof **ret);
	(*ret)->connection = connection;
	metric_add(METRIC_POSTGRES_CONNECTIONS, 1);
	return ERR_OK;
}

enum err pg_borrow(struct pg_pool *pool, struct pg **ret, struct why *why)
{
	enum err err;

	*ret = take_idle(pool);
	if (*ret != NULL)
		return ERR_OK;
	err = may_try(pool, why);
	if (err == ERR_OK)
		err = connect_anew(pool, ret, why);
	if (err != ERR_OK)
		metric_add_by(METRIC_POSTGRES_ERRORS, slice_of(err_name(err)), 1);
	return err;
}

void pg_give_back(struct pg_pool *pool, struct pg *pg)
{
	if (pg->broken) {
		metric_add(METRIC_POSTGRES_LOST, 1);
		end(pg);
		return;
	}
	(void)pthread_mutex_lock(&pool->lock);
	pg->next = pool->idle;
	pool->idle = pg;
	(void)pthread_mutex_unlock(&pool->lock);
}
