/* shared_servers.c - the servers under the shared store, and a look at who holds what in them. */
#include "shared_servers.h"

#include "fixture.h"

#include "base/clock.h"
#include "postgres_server.h"
#include "redis_server.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATABASES = 1000, NAME_SIZE = 32, REDIS_URL_SIZE = 128, SETTLE_MS = 30000, ROUND_MS = 20 };

static struct postgres_server *postgres; /* ends itself with the process */
static struct redis_server *redis;
static pid_t starter;
static unsigned test; /* its number */
static char redis_url[REDIS_URL_SIZE], database_url[POSTGRES_URL_SIZE], database[NAME_SIZE];

static void stop_redis(void)
{
	if (getpid() == starter)
		redis_server_end(&redis);
}

static redisReply *ask(redisContext *c, const char *command)
{
	redisReply *r = redisCommand(c, command);

	if (r == NULL || r->type == REDIS_REPLY_ERROR)
		check_failed(__FILE__, __LINE__, r != NULL ? r->str : c->errstr);
	return r;
}

static redisContext *connect_to(unsigned number)
{
	redisContext *c = redisConnect("127.0.0.1", redis_server_port(redis));
	char command[NAME_SIZE];

	CHECK(c != NULL && c->err == 0);
	(void)snprintf(command, sizeof command, "SELECT %u", number);
	freeReplyObject(ask(c, command));
	return c;
}

static bool is_by_evalsha(void)
{
	const char *by = getenv("CONFORMANCE_BY");

	return by != NULL && strcmp(by, "evalsha") == 0;
}

static void make_user_without_functions(void)
{
	redisContext *c = connect_to(0);

	freeReplyObject(ask(c, "ACL SETUSER shop on >shop ~* &* +@all"));
	freeReplyObject(redisCommand(c, "ACL SETUSER shop -function -fcall -fcall_ro")); /* 6.2 knows none of them */
	redisFree(c);
}

static void start_both(void)
{
	static const char *const options[] = { "--databases", "1000", "--appendonly", "no", NULL };

	starter = getpid();
	redis = redis_server_start(options);
	(void)atexit(stop_redis);
	postgres = postgres_start(false);
	if (is_by_evalsha())
		make_user_without_functions();
}

void shared_servers_fresh(const char **ret_redis_url, const char **ret_database_url)
{
	if (postgres == NULL)
		start_both();
	test++;
	CHECK(test < DATABASES);
	(void)snprintf(redis_url, sizeof redis_url, "redis://%s127.0.0.1:%u/%u", is_by_evalsha() ? "shop:shop@" : "",
	    (unsigned)redis_server_port(redis), test);
	(void)snprintf(database, sizeof database, "test_%u", test);
	postgres_create_database(postgres, database);
	(void)postgres_url(postgres, database, database_url);
	*ret_redis_url = redis_url;
	*ret_database_url = database_url;
}

/* What was tested ran in the way that was meant. */
static void check_how_scripts_ran(void)
{
	redisContext *c = connect_to(0);
	redisReply *r = ask(c, "INFO commandstats");

	CHECK(strstr(r->str, "cmdstat_evalsha:") != NULL || !is_by_evalsha());
	freeReplyObject(r);
	redisFree(c);
}

void shared_servers_drop(void)
{
	check_how_scripts_ran();
	postgres_drop_database(postgres, database);
}

/* ---- settling -------------------------------------------------------------------------------------------- */

static int64_t ask_number(redisContext *c, const char *command)
{
	redisReply *r = ask(c, command);
	int64_t number = r->integer;

	freeReplyObject(r);
	return number;
}

/* Till when the only owner is alive; 0 while there are several. */
static int64_t only_owner_until(redisContext *c)
{
	redisReply *r = ask(c, "ZRANGE c2o:owners 0 -1 WITHSCORES");
	int64_t until = r->elements == 2 ? atoll(r->element[1]->str) : 0;

	freeReplyObject(r);
	return until;
}

/* A dead owner beats no more: the one left is the living one when its time moves on. */
void shared_servers_settle(struct store *store)
{
	redisContext *c = connect_to(test);
	int64_t give_up_ms = clock_mono_ms() + SETTLE_MS, seen = 0, until = 0;
	struct store_kept kept;

	for (;;) {
		until = only_owner_until(c);
		if (until != 0 && seen != 0 && until != seen && ask_number(c, "LLEN bull:messages:active") == 0 &&
		    ask_number(c, "LLEN bull:outbox:active") == 0)
			break;
		if (until == 0 || seen == 0)
			seen = until;
		CHECK(clock_mono_ms() < give_up_ms);
		CHECK_INT(store_keep(store, &kept), ERR_OK);
		sleep_ms(ROUND_MS);
	}
	redisFree(c);
}
