/* bull_workers.c - CLIENT LIST against `S workers`. */
#include "store/shared/redis/bull_workers.h"

#include "store/shared/redis/call.h"
#include "store/shared/redis/keys.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

/* The value of "name=value" in a line of CLIENT LIST. */
static struct slice field(struct slice line, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n < line.n; i++)
		if ((i == 0 || line.p[i - 1] == ' ') && memcmp(line.p + i, name, n) == 0 && line.p[i + n] == '=') {
			const char *value = line.p + i + n + 1, *end = memchr(value, ' ', line.n - i - n - 1);

			return (struct slice){ value, end != NULL ? (size_t)(end - value) : line.n - i - n - 1 };
		}
	return SLICE_NONE;
}

/* Bull names a worker's connection "<prefix>:<base64 of the queue>"; BullMQ's named ones go on with ":w:<name>". */
static const char *queue_of(const struct shared *s, struct slice name)
{
	static const struct {
		const char *queue, *base64;
	} queues[] = { { "messages", "bWVzc2FnZXM=" }, { "outbox", "b3V0Ym94" } };

	for (size_t i = 0; i < COUNT_OF(queues); i++) {
		char bull[REDIS_NAME_SIZE];
		size_t n = (size_t)snprintf(bull, sizeof bull, "%s:%s", s->settings.bull_prefix, queues[i].base64);

		if (name.p != NULL && name.n >= n && memcmp(name.p, bull, n) == 0 &&
		    (name.n == n || (name.n > n + 3 && memcmp(name.p + n, ":w:", 3) == 0)))
			return queues[i].queue;
	}
	return NULL;
}

/* CLIENT LIST tells of all databases; a queue is in one. */
static bool is_on_ours(const struct shared *s, struct slice line)
{
	int64_t database;

	return !slice_to_int64(field(line, "db"), &database) || database == redis_database(s->redis);
}

/* The two ids of a value "id id" of `S workers`. */
static bool has_id(struct slice ids, struct slice id)
{
	const char *blank = ids.n > 0 ? memchr(ids.p, ' ', ids.n) : NULL;
	size_t n = blank != NULL ? (size_t)(blank - ids.p) : ids.n;

	return slice_eq(id, (struct slice){ ids.p, n }) ||
	       (blank != NULL && slice_eq(id, (struct slice){ blank + 1, ids.n - n - 1 }));
}

/* ours: HGETALL of `S workers`. */
static bool is_ours(const struct redisReply *ours, struct slice id)
{
	for (size_t i = 1; i < redis_n(ours); i += 2)
		if (has_id(redis_text(ours->element[i]), id))
			return true;
	return false;
}

/* The next line of CLIENT LIST, which leaves the rest; false at its end. */
static bool next_line(struct slice *rest, struct slice *ret)
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;

	*ret = (struct slice){ rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n };
	rest->p += ret->n + (end != NULL);
	rest->n -= ret->n + (end != NULL);
	return ret->n > 0;
}

static void find(
    const struct shared *s, struct slice clients, const struct redisReply *ours, char ret[BULL_WORKER_SIZE])
{
	struct slice line;

	while (next_line(&clients, &line)) {
		const char *queue = queue_of(s, field(line, "name"));

		if (queue == NULL || !is_on_ours(s, line) || is_ours(ours, field(line, "id")))
			continue;
		(void)snprintf(ret, BULL_WORKER_SIZE, "%s, from %.*s", queue, SLICE_PRINT(field(line, "addr")));
		return;
	}
}

static bool is_connected(struct slice clients, struct slice ids)
{
	struct slice line;

	while (next_line(&clients, &line))
		if (has_id(ids, field(line, "id")))
			return true;
	return false;
}

/* A process that was swept keeps its entry while its connections live, as when it is stopped: it may go on. */
static void forget(struct shared *s, struct slice owner)
{
	char owners[REDIS_NAME_SIZE], workers[REDIS_NAME_SIZE], name[OWNER_SIZE];
	struct redisReply *score = NULL, *gone = NULL;

	if (!slice_to_buffer(owner, name, sizeof name) ||
	    redis_command(s->redis, 3, (const char *const[]){ "ZSCORE", redis_own_key(s, "owners", owners), name },
		NULL, &score, NULL) != ERR_OK)
		return;
	if (redis_is_nil(score) &&
	    redis_command(s->redis, 3, (const char *const[]){ "HDEL", redis_own_key(s, "workers", workers), name },
		NULL, &gone, NULL) == ERR_OK)
		freeReplyObject(gone);
	freeReplyObject(score);
}

enum err bull_workers_look(struct shared *s, char ret[BULL_WORKER_SIZE], struct why *why)
{
	struct redisReply *clients = NULL, *ours = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err;

	ret[0] = '\0';
	/* in this order: one of ours is listed before it gets its name */
	err = redis_command(s->redis, 2, (const char *const[]){ "CLIENT", "LIST" }, NULL, &clients, why);
	if (err == ERR_OK)
		err = redis_command(s->redis, 2, (const char *const[]){ "HGETALL", redis_own_key(s, "workers", key) },
		    NULL, &ours, why);
	if (err == ERR_OK)
		find(s, redis_text(clients), ours, ret);
	for (size_t i = 1; err == ERR_OK && i < redis_n(ours); i += 2)
		if (!is_connected(redis_text(clients), redis_text(ours->element[i])))
			forget(s, redis_text(ours->element[i - 1]));
	freeReplyObject(clients);
	freeReplyObject(ours);
	return err;
}
