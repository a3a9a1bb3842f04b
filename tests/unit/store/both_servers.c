/* both_servers.c - servers, databases, and plain questions to them. */
#include "both_servers.h"

#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct postgres_server *postgres;
struct redis_server *redis;

int both_group_begin(void **state)
{
	(void)state;
	postgres = postgres_start(false);
	redis = redis_server_start(NULL);
	return 0;
}

int both_group_end(void **state)
{
	(void)state;
	postgres_stop(&postgres);
	redis_server_end(&redis);
	return 0;
}

int both_begin(void **state)
{
	static int number;
	struct both *b = mem_alloc(sizeof *b);

	*state = b;
	(void)snprintf(b->database, sizeof b->database, "test_%d", ++number);
	postgres_create_database(postgres, b->database);
	settings_defaults(&b->settings);
	b->settings.redis_url = redis_server_url(redis);
	b->settings.database_url = postgres_url(postgres, b->database, b->url);
	b->settings.data_dir = redis_server_folder(redis);
	b->settings.disk_reserve_mb = 0;
	b->settings.rate_limit = 0;
	(void)both_redis(b, "FLUSHALL");
	return 0;
}

int both_end(void **state)
{
	struct both *b = *state;

	store_close(&b->store);
	postgres_drop_database(postgres, b->database);
	settings_free(&b->settings);
	arena_free(&b->arena);
	free(b);
	return 0;
}

void both_open(struct both *b, enum store_role role)
{
	if (store_open(&b->settings, role, &b->store, &b->why) != ERR_OK || store_wait(b->store, &b->why) != ERR_OK)
		fail_msg("%s", b->why.text);
}

const char *both_sql(struct both *b, const char *question)
{
	PGconn *c = PQconnectdb(b->url);
	PGresult *r = PQexec(c, question);
	const char *value = "";

	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", question, PQerrorMessage(c));
	if (PQntuples(r) > 0)
		value = arena_copy(&b->arena, PQgetvalue(r, 0, 0), strlen(PQgetvalue(r, 0, 0)));
	PQclear(r);
	PQfinish(c);
	return value;
}

static void put(struct buf *out, const redisReply *r)
{
	for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
		if (i > 0)
			buf_char(out, ' ');
		put(out, r->element[i]);
	}
	if (r->type == REDIS_REPLY_INTEGER)
		buf_int(out, r->integer);
	else if (r->str != NULL)
		buf_add(out, r->str, r->len);
}

const char *both_redis_words(struct both *b, const char *const *words, size_t n)
{
	redisContext *c = redisConnect("127.0.0.1", redis_server_port(redis));
	redisReply *r = redisCommandArgv(c, (int)n, (const char **)(uintptr_t)words, NULL);
	struct buf out = { 0 };
	const char *value;

	if (r == NULL || r->type == REDIS_REPLY_ERROR)
		fail_msg("%s %s: %s", words[0], n > 1 ? words[1] : "", r != NULL ? r->str : c->errstr);
	put(&out, r);
	value = arena_copy(&b->arena, buf_as_slice(&out).p, out.n);
	buf_free(&out);
	freeReplyObject(r);
	redisFree(c);
	return value;
}

const char *both_redis(struct both *b, const char *command)
{
	const char *words[32];
	char *copy = arena_copy(&b->arena, command, strlen(command)), *rest = NULL;
	size_t n = 0;

	for (char *word = strtok_r(copy, " ", &rest); word != NULL && n < COUNT_OF(words);
	     word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	return both_redis_words(b, words, n);
}
