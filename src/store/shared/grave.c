/* grave.c - rows of dead messages into PostgreSQL, then their names out of Redis' list of those that lack one. */
#include "store/shared/grave.h"

#include "store/shared/job.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum { GRAVE_FIELDS = 6, LEFT_MOST = 50 };
enum grave_field { GRAVE_KIND, GRAVE_JOB, GRAVE_DATA, GRAVE_C, GRAVE_TIMESTAMP, GRAVE_REASON };

struct graves {
	struct arena arena;
	struct pg_buried *row;
	struct slice *job;
	size_t n, n_jobs; /* a job without a row (removed by people, or nobody knows whose) is only crossed out */
};

static void graves_begin(struct graves *g, size_t most)
{
	*g = (struct graves){ 0 };
	g->row = arena_alloc(&g->arena, (most + 1) * sizeof *g->row);
	g->job = arena_alloc(&g->arena, (most + 1) * sizeof *g->job);
}

static void add_grave(struct graves *g, struct slice job_id, const struct job_hash *job, struct slice reason)
{
	struct store_message m = { 0 };
	struct job_c c;

	g->job[g->n_jobs++] = slice_copy(&g->arena, job_id);
	if (!job_read_message_c(job->c, &c))
		return;
	if (!job_read_message(job, &g->arena, &m))
		m = (struct store_message){ .client_id = slice_copy(&g->arena, c.client_id),
			.message_id = slice_copy(&g->arena, job_message_id(job_id, job_id)),
			.text = slice_copy(&g->arena, job->data),
			.arrived_ms = job->timestamp };
	g->row[g->n++] = (struct pg_buried){
		.client_id = m.client_id,
		.message_id = m.message_id,
		.text = m.text,
		.reason = slice_cut(slice_copy(&g->arena, reason), STORE_REASON_MAX),
		.timestamp_ms = m.event_ms != 0 ? m.event_ms : m.arrived_ms,
	};
}

static void cross_out(struct shared *s, const struct graves *g)
{
	char key[REDIS_NAME_SIZE];
	const char *words[LEFT_MOST + 2] = { "SREM", redis_own_key(s, "unlogged", key) };
	size_t lengths[LEFT_MOST + 2] = { 4, strlen(key) };
	struct redisReply *reply = NULL;

	for (size_t i = 0; i < g->n_jobs; i += LEFT_MOST) {
		size_t n = g->n_jobs - i < LEFT_MOST ? g->n_jobs - i : LEFT_MOST;

		for (size_t k = 0; k < n; k++) {
			words[k + 2] = g->job[i + k].p;
			lengths[k + 2] = g->job[i + k].n;
		}
		if (redis_command(s->redis, n + 2, words, lengths, &reply, NULL) != ERR_OK)
			return; /* they are logged again, which changes nothing */
		freeReplyObject(reply);
	}
}

static enum err graves_write(struct shared *s, struct graves *g, struct why *why)
{
	enum err err = g->n > 0 ? pg_log_buried(s, g->row, g->n, why) : ERR_OK;

	if (err == ERR_OK && g->n_jobs > 0)
		cross_out(s, g);
	arena_free(&g->arena);
	return err;
}

bool grave_is(const struct redisReply *element)
{
	return redis_n(element) == GRAVE_FIELDS && redis_int(redis_at(element, GRAVE_KIND)) == 2;
}

void graves_log(struct shared *s, const struct redisReply *elements)
{
	size_t n = redis_n(elements);
	struct graves g;

	graves_begin(&g, n);
	for (size_t i = 0; i < n; i++) {
		const struct redisReply *e = redis_at(elements, i);
		struct job_hash job;

		if (!grave_is(e))
			continue;
		job = (struct job_hash){
			.id = redis_text(redis_at(e, GRAVE_JOB)),
			.data = redis_text(redis_at(e, GRAVE_DATA)),
			.c = redis_text(redis_at(e, GRAVE_C)),
			.timestamp = redis_int(redis_at(e, GRAVE_TIMESTAMP)),
		};
		add_grave(&g, job.id, &job, redis_text(redis_at(e, GRAVE_REASON)));
	}
	(void)!graves_write(s, &g, NULL);
}

/* One of those left, as its job is now. */
static enum err add_left(struct shared *s, struct graves *g, struct slice id, struct why *why)
{
	char prefix[REDIS_NAME_SIZE];
	struct redisReply *reply = NULL;
	struct buf key = { 0 };
	enum err err;

	buf_text(&key, redis_messages_key(s, "", prefix));
	buf_slice(&key, id);
	err = redis_command(s->redis, 6,
	    (const char *const[]){ "HMGET", key.p, "data", "c", "timestamp", "failedReason" },
	    (const size_t[]){ 5, key.n, 4, 1, 9, 12 }, &reply, why);
	if (err == ERR_OK) {
		struct job_hash job = { .id = id,
			.data = redis_text(redis_at(reply, 0)),
			.c = redis_text(redis_at(reply, 1)),
			.timestamp = redis_int(redis_at(reply, 2)) };

		add_grave(g, id, &job, redis_text(redis_at(reply, 3)));
	}
	freeReplyObject(reply);
	buf_free(&key);
	return err;
}

enum err graves_log_left(struct shared *s, struct why *why)
{
	char key[REDIS_NAME_SIZE];
	struct redisReply *ids = NULL;
	struct graves g;
	enum err err = redis_command(s->redis, 3,
	    (const char *const[]){ "SRANDMEMBER", redis_own_key(s, "unlogged", key), "50" }, NULL, &ids, why);

	graves_begin(&g, LEFT_MOST);
	for (size_t i = 0; err == ERR_OK && i < redis_n(ids) && i < LEFT_MOST; i++)
		err = add_left(s, &g, redis_text(redis_at(ids, i)), why);
	freeReplyObject(ids);
	if (err == ERR_OK)
		return graves_write(s, &g, why);
	arena_free(&g.arena);
	return err;
}
