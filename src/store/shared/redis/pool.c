/* pool.c - connections that lie idle, how long to leave a server alone that is away, and whom we meet there. */
#include "store/shared/redis/redis.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "store/shared/disown.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/connect.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/tls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RETRY_LEAST_MS = 50,
	RETRY_MOST_MS = 2000,
	SERVER_SIZE = 2 * sizeof(((struct redis_identity *)NULL)->run_id) /* a server's name: both ids */
};

struct redis_pool {
	struct shared *shared;
	struct arena texts; /* of target */
	struct redis_target target;
	struct buf keys; /* of every script, as they are sent */

	pthread_mutex_t lock; /* guards what follows */
	struct redis *idle;   /* the last one given back first */
	bool prepared;
	bool trying;               /* somebody looks whether the server is back */
	unsigned failures;         /* tries in a row */
	int64_t next_try_ms;       /* monotonic */
	enum err last;             /* outcome of the last try that failed */
	struct why last_said;      /* and its sentence */
	uint64_t made;             /* connections */
	struct redis_identity met; /* the last server that was met: its run and data */
};

struct slice redis_keys(const struct shared *s)
{
	return buf_as_slice(&s->redis->keys);
}

static enum err read_settings(
    const struct settings *settings, struct arena *arena, struct redis_target *ret, struct why *why)
{
	enum err err = redis_keys_check(settings, why);

	if (err == ERR_OK)
		err = redis_target_read(settings, arena, ret, why);
	return err == ERR_OK && ret->tls ? redis_tls_check(why) : err;
}

enum err redis_check_settings(const struct settings *settings, struct why *why)
{
	struct redis_target target;
	struct arena arena = { 0 };
	enum err err = read_settings(settings, &arena, &target, why);

	arena_free(&arena);
	return err;
}

enum err redis_pool_open(struct shared *s, struct redis_pool **ret, struct why *why)
{
	struct redis_pool *pool = mem_alloc(sizeof *pool);
	enum err err;

	pool->shared = s;
	(void)pthread_mutex_init(&pool->lock, NULL);
	err = read_settings(&s->settings, &pool->texts, &pool->target, why);
	if (err != ERR_OK) {
		redis_pool_close(&pool);
		return err;
	}
	redis_keys_make(&s->settings, &pool->keys);
	*ret = pool;
	return ERR_OK;
}

static void close_list(struct redis *list)
{
	while (list != NULL) {
		struct redis *c = list;

		list = c->next;
		redis_disconnect(&c);
	}
}

void redis_pool_close(struct redis_pool **pool)
{
	if (*pool != NULL) {
		close_list((*pool)->idle);
		(void)pthread_mutex_destroy(&(*pool)->lock);
		arena_free(&(*pool)->texts);
		buf_free(&(*pool)->keys);
		free(*pool);
	}
	*pool = NULL;
}

/* ---- whom we meet ----------------------------------------------------------------------------------- */

/* As `meta run` names a server. */
static const char *name_of(const struct redis *c, char ret[SERVER_SIZE])
{
	(void)snprintf(ret, SERVER_SIZE, "%s:%s", c->identity.run_id, c->identity.data_id);
	return ret;
}

/* By both: an older copy can be loaded into a living server (REPLICAOF, then NO ONE), whose run is the same. */
static bool is_same(const struct redis_identity *a, const struct redis_identity *b)
{
	return strcmp(a->run_id, b->run_id) == 0 && strcmp(a->data_id, b->data_id) == 0;
}

static bool is_known(struct redis_pool *pool, const struct redis *c)
{
	bool known;

	(void)pthread_mutex_lock(&pool->lock);
	known = is_same(&pool->met, &c->identity);
	(void)pthread_mutex_unlock(&pool->lock);
	return known;
}

/* Another server than the one met before may have forgotten the newest: before anybody else uses it that is known. */
static void note_met(struct redis_pool *pool, const struct redis *c)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->met.run_id[0] != '\0' && !is_same(&pool->met, &c->identity))
		disown_forgotten(pool->shared);
	pool->met = c->identity;
	(void)pthread_mutex_unlock(&pool->lock);
}

/* `meta run`, "<run id>:<data id> <address>" of the server that was last met by any process, and `meta epoch`. */
static enum err read_last_met(
    struct redis_pool *pool, struct redis *c, struct redisReply **ret, bool *broken, struct why *why)
{
	char key[REDIS_NAME_SIZE];

	return redis_ask(c, 4,
	    (const char *const[]){ "HMGET", redis_own_key(pool->shared, "meta", key), "run", "epoch" }, NULL, ret,
	    broken, why);
}

static bool names(const struct redisReply *config, const char *name, const char *value)
{
	for (size_t i = 0; i + 1 < redis_n(config); i += 2)
		if (slice_eq(redis_text(config->element[i]), slice_of(name)))
			return slice_eq(redis_text(config->element[i + 1]), slice_of(value));
	return false;
}

/* Nothing that the server acknowledged can have been lost by its restart. One that does not tell may have lost something. */
static bool loses_nothing(struct redis *c, bool *broken)
{
	struct redisReply *config = NULL;
	bool always = false;

	if (redis_ask(c, 3, (const char *const[]){ "CONFIG", "GET", "append*" }, NULL, &config, broken, NULL) == ERR_OK)
		always = names(config, "appendonly", "yes") && names(config, "appendfsync", "always");
	freeReplyObject(config);
	return always;
}

/* "<server> <address>" taken apart. */
static void split_run(struct slice run, struct slice *server, struct slice *address)
{
	const char *blank = run.n > 0 ? memchr(run.p, ' ', run.n) : NULL;

	*server = run;
	*address = SLICE_NONE;
	if (blank != NULL) {
		server->n = (size_t)(blank - run.p);
		*address = (struct slice){ blank + 1, run.n - server->n - 1 };
	}
}

/* The same run of a server with other data: what it keeps on disk says nothing of what it forgot. */
static bool is_of_run(struct slice server, const char *run_id)
{
	size_t n = strlen(run_id);

	return server.n > n && memcmp(server.p, run_id, n) == 0 && server.p[n] == ':';
}

/* Replies that were made before a restart or failover may have been sent, though the server has forgotten it. FLUSHALL or
 * a foreign hand takes `run` from a store that has sent: only one without an epoch, too, is new. */
static bool doubt_wanted(struct redis *c, struct slice last_run, struct slice epoch, bool *broken)
{
	struct slice server, address;

	if (last_run.n == 0 && epoch.n == 0)
		return false; /* nothing was ever sent, or all is to be restored as doubtful */
	split_run(last_run, &server, &address);
	return is_of_run(server, c->identity.run_id) || !slice_eq(address, slice_of(c->address)) ||
	       !loses_nothing(c, broken);
}

static enum err tell_met(struct redis_pool *pool, struct redis *c, bool doubt, bool *broken, struct why *why)
{
	char server[SERVER_SIZE];
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, pool->shared, SCRIPT_MET);
	redis_call_text(&call, name_of(c, server));
	redis_call_text(&call, c->address);
	redis_call_int(&call, doubt);
	err = redis_call_run_on(&call, c, broken, why);
	redis_call_end(&call);
	return err;
}

/* A command leaves it to the processes that serve: it only looks, or repeats what people said. */
static bool need_not_meet(struct redis_pool *pool, const struct redis *c)
{
	return pool->shared->role == STORE_BESIDE || is_known(pool, c);
}

static enum err meet(struct redis_pool *pool, struct redis *c, bool *broken, struct why *why)
{
	struct redisReply *met = NULL;
	struct slice server, address;
	char name[SERVER_SIZE];
	enum err err;

	if (need_not_meet(pool, c))
		return ERR_OK;
	if ((err = read_last_met(pool, c, &met, broken, why)) != ERR_OK)
		return err;
	split_run(redis_text(redis_at(met, 0)), &server, &address);
	/* the same one may have another address for others, who have met it: that is no other server */
	if (!slice_eq(server, slice_of(name_of(c, name))))
		err = tell_met(pool, c,
		    doubt_wanted(c, redis_text(redis_at(met, 0)), redis_text(redis_at(met, 1)), broken), broken, why);
	freeReplyObject(met);
	if (err == ERR_OK)
		note_met(pool, c);
	/* a server whose memory is full must still be drained; the beats try again */
	return err == ERR_NO_SPACE ? ERR_OK : err;
}

/* What was said of its data when the connection was made may be of before the last meeting. */
static enum err meet_again(struct redis_pool *pool, struct redis *c, bool *broken, struct why *why)
{
	enum err err;

	if (need_not_meet(pool, c))
		return ERR_OK;
	err = redis_see_data(c, broken, why);
	return err == ERR_OK ? meet(pool, c, broken, why) : err;
}

enum err redis_meet(struct redis_pool *pool, struct redis *connection, struct why *why)
{
	bool broken = false;

	return meet_again(pool, connection, &broken, why);
}

static enum err write_run(struct redis_pool *pool, struct redis *c, bool *broken, struct why *why)
{
	char key[REDIS_NAME_SIZE], name[SERVER_SIZE], run[SERVER_SIZE + sizeof c->address];
	struct redisReply *reply = NULL;
	enum err err;

	(void)snprintf(run, sizeof run, "%s %s", name_of(c, name), c->address);
	err = redis_ask(c, 4, (const char *const[]){ "HSETNX", redis_own_key(pool->shared, "meta", key), "run", run },
	    NULL, &reply, broken, why);
	freeReplyObject(reply);
	return err;
}

/* One that could not be met yet (memory full) is left to the meeting, which doubts. */
enum err redis_mend_run(struct redis_pool *pool, struct why *why)
{
	struct redis *c = NULL;
	bool broken = false;
	enum err err = redis_borrow(pool, &c, why);

	if (err != ERR_OK)
		return err;
	redis_set_timeout(c, REDIS_CALL_MS);
	err = meet_again(pool, c, &broken, why);
	if (err == ERR_OK && is_known(pool, c))
		err = write_run(pool, c, &broken, why);
	redis_give_back(pool, c, broken);
	return redis_count_error(err);
}

/* ---- connections ------------------------------------------------------------------------------------ */

enum err redis_open(struct redis_pool *pool, struct redis **ret, struct why *why)
{
	struct redis *c = NULL;
	struct why said = { 0 };
	bool broken = false, prepared;
	enum err err = redis_connect(&pool->target, pool->shared->owner, &c, &said);

	if (err == ERR_OK)
		err = meet(pool, c, &broken, &said);
	(void)pthread_mutex_lock(&pool->lock);
	prepared = pool->prepared;
	if (err == ERR_OK)
		pool->made++;
	(void)pthread_mutex_unlock(&pool->lock);
	if (err == ERR_OK) {
		c->is_made = true;
		metric_add(METRIC_REDIS_CONNECTIONS, 1);
		*ret = c;
		return ERR_OK;
	}
	redis_disconnect(&c);
	if (prepared && err_verdict(err) == VERDICT_REFUSE)
		err = ERR_UNREACHABLE;
	why_set(why, "%s", said.text);
	return err;
}

void redis_close(struct redis **connection)
{
	redis_disconnect(connection);
}

enum err redis_count_error(enum err err)
{
	if (err != ERR_OK)
		metric_add_by(METRIC_REDIS_ERRORS, slice_of(err_name(err)), 1);
	return err;
}

/* An idle connection, or NULL: then *ret_err says whether one may be made now. */
static struct redis *take_idle(struct redis_pool *pool, enum err *ret_err, struct why *why)
{
	struct redis *c;

	*ret_err = ERR_OK;
	(void)pthread_mutex_lock(&pool->lock);
	c = pool->idle;
	if (c != NULL)
		pool->idle = c->next;
	else if (pool->failures > 0 && (pool->trying || clock_mono_ms() < pool->next_try_ms))
		*ret_err = why_fail(why, pool->last, "%s", pool->last_said.text);
	else
		pool->trying = true;
	(void)pthread_mutex_unlock(&pool->lock);
	return c;
}

static void note_try(struct redis_pool *pool, enum err err, const struct why *said)
{
	int64_t wait_ms = RETRY_LEAST_MS;

	(void)pthread_mutex_lock(&pool->lock);
	pool->trying = false;
	pool->failures = err == ERR_OK ? 0 : pool->failures + 1;
	if (err != ERR_OK) {
		for (unsigned i = 1; i < pool->failures && wait_ms < RETRY_MOST_MS; i++)
			wait_ms *= 2;
		pool->next_try_ms = clock_mono_ms() + random_jitter(wait_ms < RETRY_MOST_MS ? wait_ms : RETRY_MOST_MS);
		pool->last = err;
		pool->last_said = *said;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

enum err redis_borrow(struct redis_pool *pool, struct redis **ret, struct why *why)
{
	struct why said = { 0 };
	struct redis *c;
	enum err err;

	while ((c = take_idle(pool, &err, why)) != NULL) {
		if (!redis_is_stale(c)) {
			*ret = c;
			return ERR_OK;
		}
		c->has_broken = true;
		redis_disconnect(&c);
	}
	if (err != ERR_OK)
		return redis_count_error(err);
	err = redis_open(pool, ret, &said);
	note_try(pool, err, &said);
	if (err != ERR_OK)
		why_set(why, "%s", said.text);
	return redis_count_error(err);
}

/* One connection broke: the server has gone, or hangs. What else lies idle is of its time. */
void redis_give_back(struct redis_pool *pool, struct redis *connection, bool broken)
{
	struct redis *closed = NULL;

	(void)pthread_mutex_lock(&pool->lock);
	if (broken) {
		connection->next = pool->idle;
		closed = connection;
		pool->idle = NULL;
	} else {
		connection->next = pool->idle;
		pool->idle = connection;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	close_list(closed);
}

enum err redis_prepare(struct redis_pool *pool, struct why *why)
{
	struct redis *c = NULL;
	enum err err = redis_borrow(pool, &c, why);

	if (err != ERR_OK)
		return err;
	redis_give_back(pool, c, false);
	(void)pthread_mutex_lock(&pool->lock);
	pool->prepared = true;
	(void)pthread_mutex_unlock(&pool->lock);
	return ERR_OK;
}

/* ---- plain commands --------------------------------------------------------------------------------- */

enum err redis_command(struct redis_pool *pool, size_t n, const char *const *words, const size_t *lengths,
    struct redisReply **ret, struct why *why)
{
	struct redis *c = NULL;
	bool broken = false;
	enum err err = redis_borrow(pool, &c, why);

	*ret = NULL;
	if (err != ERR_OK)
		return err;
	redis_set_timeout(c, REDIS_CALL_MS);
	err = redis_ask(c, n, words, lengths, ret, &broken, why);
	redis_give_back(pool, c, broken);
	return redis_count_error(err);
}

enum err redis_kill(struct redis_pool *pool, const struct redis_identity *lost, struct why *why)
{
	struct redisReply *reply = NULL;
	struct redis *c = NULL;
	char id[24];
	bool broken = false;
	enum err err;

	if (lost->client_id == 0)
		return ERR_OK;
	if ((err = redis_borrow(pool, &c, why)) != ERR_OK)
		return err;
	/* of another run, the number would be another's; other data leaves connections as they are */
	if (strcmp(c->identity.run_id, lost->run_id) == 0) {
		(void)snprintf(id, sizeof id, "%lld", (long long)lost->client_id);
		err = redis_ask(c, 4, (const char *const[]){ "CLIENT", "KILL", "ID", id }, NULL, &reply, &broken, why);
		freeReplyObject(reply);
	}
	redis_give_back(pool, c, broken);
	return err;
}

int redis_database(const struct redis_pool *pool)
{
	return pool->target.database;
}

uint64_t redis_connections(struct redis_pool *pool)
{
	uint64_t made;

	(void)pthread_mutex_lock(&pool->lock);
	made = pool->made;
	(void)pthread_mutex_unlock(&pool->lock);
	return made;
}
