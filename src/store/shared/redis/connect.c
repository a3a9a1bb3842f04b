/* connect.c - a socket, and what is said on it before it is lent to anybody. */
#include "store/shared/redis/connect.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "store/shared/redis/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	KEEPALIVE_IDLE_S = 5,
	KEEPALIVE_STEP_S = 2,
	KEEPALIVE_PROBES = 3,
	VERSION_LEAST = 602, /* major × 100 + minor */
	FUNCTIONS_SINCE = 7,
	WORDS_MAX = 4,
	COMMANDS_MAX = 8
};

static struct timeval span(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

void redis_set_timeout(struct redis *c, int64_t ms)
{
	if (c->timeout_ms != ms && redisSetTimeout(c->context, span(ms)) == REDIS_OK)
		c->timeout_ms = ms;
}

bool redis_is_stale(const struct redis *c)
{
	char byte;

	/* 0: closed; more: an answer nobody waits for; -1 with EAGAIN: at rest */
	return recv(c->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

const struct redis_identity *redis_identity(const struct redis *connection)
{
	return &connection->identity;
}

void redis_disconnect(struct redis **c)
{
	if (*c != NULL) {
		if ((*c)->is_made && (*c)->has_broken)
			metric_add(METRIC_REDIS_LOST, 1);
		if ((*c)->context != NULL)
			redisFree((*c)->context);
		free(*c);
	}
	*c = NULL;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

static enum err connection_failed(const struct redis *c, int error, struct why *why)
{
	bool late = c->context->err == REDIS_ERR_IO && error == EAGAIN;

#ifdef REDIS_ERR_TIMEOUT
	late = late || c->context->err == REDIS_ERR_TIMEOUT;
#endif
	if (late)
		return why_fail(why, ERR_TIMEOUT, "Redis at %s gave no answer within %lld ms", c->address,
		    (long long)c->timeout_ms);
	return why_fail(why, ERR_UNREACHABLE, "Redis at %s: %s", c->address, c->context->errstr);
}

static enum err refused(const struct redis *c, const char *text, bool *broken, struct why *why)
{
	enum err err = redis_error(text);

	/* a connection that may not do one thing may do others: a host can forbid CONFIG */
	if (err == ERR_UNREACHABLE || (err == ERR_DENIED && strncmp(text, "NOPERM", 6) != 0))
		*broken = true;
	if (err == ERR_DENIED)
		return why_fail(why, err,
		    "Redis at %s refuses: %s (see REDIS_URL's user and password; the user must be allowed all commands on all"
		    " keys and channels: ACL SETUSER name on >password ~* &* +@all)",
		    c->address, text);
	return why_fail(why, err, "Redis at %s: %s", c->address, text);
}

/* Takes the next reply in, whatever it is; NULL where none comes. */
static enum err read_reply(struct redis *c, struct redisReply **ret, bool *broken, struct why *why)
{
	void *reply = NULL;

	*ret = NULL;
	c->call_at_fault = false;
	errno = 0;
	if (redisGetReply(c->context, &reply) != REDIS_OK || reply == NULL) {
		*broken = c->has_broken = true;
		return connection_failed(c, errno, why);
	}
	*ret = reply;
	return ERR_OK;
}

enum err redis_read(struct redis *c, struct redisReply **ret, bool *broken, struct why *why)
{
	enum err err = read_reply(c, ret, broken, why);

	if (*ret == NULL || (*ret)->type != REDIS_REPLY_ERROR)
		return err;
	c->call_at_fault = redis_error_is_of_call((*ret)->str);
	err = refused(c, (*ret)->str, broken, why);
	freeReplyObject(*ret);
	*ret = NULL;
	return err;
}

static enum err send_command(
    struct redis *c, size_t n, const char *const *words, const size_t *lengths, bool *broken, struct why *why)
{
	if (redisAppendCommandArgv(c->context, (int)n, (const char **)words, lengths) == REDIS_OK)
		return ERR_OK;
	*broken = c->has_broken = true;
	return connection_failed(c, 0, why);
}

enum err redis_ask(struct redis *c, size_t n, const char *const *words, const size_t *lengths, struct redisReply **ret,
    bool *broken, struct why *why)
{
	enum err err = send_command(c, n, words, lengths, broken, why);

	return err != ERR_OK ? err : redis_read(c, ret, broken, why);
}

/* ---- the login --------------------------------------------------------------------------------------- */

/* A server may answer AUTH with the very words it was sent (Redis does so where it knows no such command), with a piece of them,
 * or with them in another writing. So none of its words is told: an answer that is known is told in words of ours. */
static enum err login_failed(const struct redis *c, const char *text, struct why *why)
{
	static const struct {
		const char *head, *told;
	} known[] = {
		{ "WRONGPASS",
		    "WRONGPASS, user or password is wrong, or the user is disabled: see REDIS_URL and REDIS_PASSWORD" },
		{ "ERR invalid password", "the password is wrong: see REDIS_URL and REDIS_PASSWORD" },
		{ "NOPERM", "NOPERM: the user must be allowed all commands on all keys and channels:"
			    " ACL SETUSER name on >password ~* &* +@all" },
		{ "DENIED", "DENIED, it is in protected mode: set a password there, or bind it to this address" },
		{ "ERR unknown command",
		    "ERR unknown command: it was renamed there, or what answers is a proxy that has none; let it"
		    " know AUTH, or take user and password out of REDIS_URL and REDIS_PASSWORD" },
		{ "ERR wrong number of arguments",
		    "it knows passwords but no users: chat2order needs Redis 6.2 or newer, or Valkey" },
		{ "ERR max number of clients reached", "max number of clients reached" },
		{ "LOADING", "LOADING, it reads its data still" },
		{ "BUSY ", "BUSY, a script has been running there for long" },
		{ "MASTERDOWN", "MASTERDOWN, it is a replica without its primary" },
	};
	const char *told =
	    "its words are not repeated, since they may hold the password: see REDIS_URL and REDIS_PASSWORD";

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strncmp(text, known[i].head, strlen(known[i].head)) == 0)
			told = known[i].told;
	return why_fail(why, redis_error(text), "Redis at %s refuses AUTH: %s", c->address, told);
}

static bool asks_for_no_password(const char *text)
{
	return strstr(text, "without any password configured") != NULL || strstr(text, "no password is set") != NULL;
}

/* The answer to AUTH, which was sent. idle_is_fine: a password that nobody asks for is no harm. */
static enum err hear_login(struct redis *c, bool idle_is_fine, struct why *why)
{
	struct redisReply *reply;
	bool broken = false;
	enum err err = read_reply(c, &reply, &broken, why);

	if (err == ERR_OK && reply->type == REDIS_REPLY_ERROR && !(idle_is_fine && asks_for_no_password(reply->str)))
		err = login_failed(c, reply->str, why);
	freeReplyObject(reply);
	return err;
}

/* ---- the socket ------------------------------------------------------------------------------------- */

static void keep_alive(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_STEP_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	for (size_t i = 0; i < COUNT_OF(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static void name_endpoint(char *address, size_t size, const struct redis_endpoint *e)
{
	bool is_v6 = strchr(e->host, ':') != NULL;

	(void)snprintf(address, size, is_v6 ? "[%s]:%u" : "%s:%u", e->host, (unsigned)e->port);
}

/* path: of a unix socket, else NULL and the endpoint counts. */
static enum err open_socket(
    const char *path, const struct redis_endpoint *endpoint, struct redis **ret, struct why *why)
{
	struct redis *c = mem_alloc(sizeof *c);

	if (path != NULL) {
		(void)snprintf(c->address, sizeof c->address, "%s", path);
		c->context = redisConnectUnixWithTimeout(path, span(REDIS_CONNECT_MS));
	} else {
		name_endpoint(c->address, sizeof c->address, endpoint);
		c->context = redisConnectWithTimeout(endpoint->host, endpoint->port, span(REDIS_CONNECT_MS));
	}
	if (c->context == NULL || c->context->err != 0) {
		why_set(why, "Redis at %s cannot be reached: %s", c->address,
		    c->context != NULL ? c->context->errstr : "out of memory");
		redis_disconnect(&c);
		return ERR_UNREACHABLE;
	}
	if (path == NULL)
		keep_alive(c->context->fd);
	redis_set_timeout(c, REDIS_CALL_MS);
	*ret = c;
	return ERR_OK;
}

/* ---- the greeting ----------------------------------------------------------------------------------- */

struct greeting {
	struct command {
		const char *word[WORDS_MAX];
		size_t n;
		enum err (*take)(struct redis *c, const struct redisReply *reply, struct why *why); /* NULL: only OK */
		bool is_login, idle_is_fine; /* see hear_login() */
	} command[COMMANDS_MAX];
	size_t n;
};

/* The value of a line "name:value" of INFO, until its end. */
static struct slice info_value(const struct redisReply *reply, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = reply->type == REDIS_REPLY_STRING ? reply->str : NULL; line != NULL;
	     line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			return (struct slice){ line + n + 1, strcspn(line + n + 1, "\r\n") };
	}
	return SLICE_NONE;
}

static enum err take_id(struct redis *c, const struct redisReply *reply, struct why *why)
{
	c->identity.client_id = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	return ERR_OK;
}

static enum err take_role(struct redis *c, const struct redisReply *reply, struct why *why)
{
	const char *role = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 ? reply->element[0]->str : NULL;

	if (role != NULL && strcmp(role, "master") == 0)
		return ERR_OK;
	return why_fail(why, ERR_UNREACHABLE,
	    "Redis at %s is a %s, which can't be written: REDIS_URL must name the primary, or set REDIS_SENTINELS",
	    c->address, role != NULL ? role : "server without a role");
}

static enum err take_server(struct redis *c, const struct redisReply *reply, struct why *why)
{
	struct slice version = info_value(reply, "redis_version");
	int major = 0, minor = 0;

	(void)slice_to_buffer(info_value(reply, "run_id"), c->identity.run_id, sizeof c->identity.run_id);
	(void)sscanf(version.p != NULL ? version.p : "", "%d.%d", &major, &minor);
	if (major * 100 + minor < VERSION_LEAST)
		return why_fail(why, ERR_INVALID, "Redis at %s is %.*s; chat2order needs Redis 6.2 or newer, or Valkey",
		    c->address, SLICE_PRINT(version));
	c->has_functions = major >= FUNCTIONS_SINCE;
	return ERR_OK;
}

/* Which server's writes its data is made of. It changes when data comes in by REPLICAOF, and with a first replica. */
static enum err take_replication(struct redis *c, const struct redisReply *reply, struct why *why)
{
	(void)why;
	(void)slice_to_buffer(info_value(reply, "master_replid"), c->identity.data_id, sizeof c->identity.data_id);
	return ERR_OK;
}

enum err redis_see_data(struct redis *c, bool *broken, struct why *why)
{
	struct redisReply *reply = NULL;
	enum err err = redis_ask(c, 2, (const char *const[]){ "INFO", "replication" }, NULL, &reply, broken, why);

	if (err == ERR_OK)
		err = take_replication(c, reply, why);
	freeReplyObject(reply);
	return err;
}

static enum err take_cluster(struct redis *c, const struct redisReply *reply, struct why *why)
{
	if (!slice_eq(info_value(reply, "cluster_enabled"), SLICE("1")))
		return ERR_OK;
	return why_fail(why, ERR_INVALID,
	    "Redis at %s is a cluster, which chat2order cannot use: a lane's keys lie on several nodes. Use one primary,"
	    " with replicas and Sentinel if it has to fail over",
	    c->address);
}

static struct command *say(struct greeting *g, const char *one, const char *two, const char *three)
{
	struct command *command = &g->command[g->n++];

	*command = (struct command){ .word = { one, two, three } };
	while (command->word[command->n] != NULL)
		command->n++;
	return command;
}

static void compose(const struct redis_target *t, const char *name, char database[12], struct greeting *g)
{
	if (t->password != NULL) {
		struct command *auth = say(
		    g, "AUTH", t->user != NULL ? t->user : t->password, t->user != NULL ? t->password : NULL);

		auth->is_login = true;
		auth->idle_is_fine = t->user == NULL; /* the predecessor's Redis library says so, too */
	}
	if (t->database != 0)
		(void)say(g, "SELECT", database, NULL);
	(void)say(g, "CLIENT", "SETNAME", name);
	say(g, "CLIENT", "ID", NULL)->take = take_id;
	say(g, "ROLE", NULL, NULL)->take = take_role;
	say(g, "INFO", "server", NULL)->take = take_server;
	say(g, "INFO", "replication", NULL)->take = take_replication;
	say(g, "INFO", "cluster", NULL)->take = take_cluster;
}

static enum err hear(struct redis *c, const struct command *command, struct why *why)
{
	struct redisReply *reply = NULL;
	bool broken = false;
	enum err err;

	if (command->is_login)
		return hear_login(c, command->idle_is_fine, why);
	err = redis_read(c, &reply, &broken, why);
	if (err == ERR_OK && command->take != NULL)
		err = command->take(c, reply, why);
	freeReplyObject(reply);
	return err;
}

/* All of it in one round trip; the first answer that is not as it should be is what is told. */
static enum err greet(struct redis *c, const struct redis_target *t, const char *owner, struct why *why)
{
	struct greeting g = { 0 };
	char name[64], database[12];
	bool broken = false;
	enum err err = ERR_OK;

	(void)snprintf(name, sizeof name, "chat2order-%s", owner);
	(void)snprintf(database, sizeof database, "%d", t->database);
	compose(t, name, database, &g);
	for (size_t i = 0; i < g.n && err == ERR_OK; i++)
		err = send_command(c, g.command[i].n, g.command[i].word, NULL, &broken, why);
	for (size_t i = 0; i < g.n && err == ERR_OK; i++)
		err = hear(c, &g.command[i], why);
	return err;
}

static enum err connect_to(const struct redis_target *t, const struct redis_endpoint *endpoint, const char *owner,
    struct redis **ret, struct why *why)
{
	struct redis *c = NULL;
	enum err err = open_socket(t->path, endpoint, &c, why);

	if (err != ERR_OK)
		return err;
	if (t->tls)
		err = redis_tls_begin(c->context, endpoint->host, why);
	if (err == ERR_OK)
		err = greet(c, t, owner, why);
	if (err != ERR_OK) {
		redis_disconnect(&c);
		return err;
	}
	*ret = c;
	return ERR_OK;
}

/* ---- Sentinel --------------------------------------------------------------------------------------- */

static enum err log_in_to_sentinel(struct redis *c, const char *password, struct why *why)
{
	bool broken = false;
	enum err err = send_command(c, 2, (const char *const[]){ "AUTH", password }, NULL, &broken, why);

	return err != ERR_OK ? err : hear_login(c, false, why);
}

static enum err ask_for_master(struct redis *c, const char *master, struct redisReply **ret, struct why *why)
{
	bool broken = false;

	return redis_ask(
	    c, 3, (const char *const[]){ "SENTINEL", "get-master-addr-by-name", master }, NULL, ret, &broken, why);
}

static enum err take_master(const struct redis *c, const struct redisReply *reply, const char *master,
    struct arena *arena, struct redis_endpoint *ret, struct why *why)
{
	int64_t port = 0;

	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->str == NULL || !slice_to_int64(slice_of(reply->element[1]->str), &port) || port < 1 ||
	    port > 65535)
		return why_fail(
		    why, ERR_UNREACHABLE, "Sentinel at %s knows no master \"%s\" (REDIS_MASTER)", c->address, master);
	*ret = (struct redis_endpoint){ arena_copy(arena, reply->element[0]->str, reply->element[0]->len),
		(uint16_t)port };
	return ERR_OK;
}

static enum err ask_sentinel(const struct redis_target *t, const struct redis_endpoint *sentinel, struct arena *arena,
    struct redis_endpoint *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	struct redis *c = NULL;
	enum err err = open_socket(NULL, sentinel, &c, why);

	if (err != ERR_OK)
		return err;
	redis_set_timeout(c, REDIS_CONNECT_MS);
	err = ask_for_master(c, t->master, &reply, why);
	if (err == ERR_DENIED && t->password != NULL && (err = log_in_to_sentinel(c, t->password, why)) == ERR_OK)
		err = ask_for_master(c, t->master, &reply, why);
	if (err == ERR_OK)
		err = take_master(c, reply, t->master, arena, ret, why);
	freeReplyObject(reply);
	redis_disconnect(&c);
	return err;
}

/* A Sentinel may be behind and name a former master, which its ROLE shows: then the next one is asked. */
static enum err connect_by_sentinels(
    const struct redis_target *t, const char *owner, struct redis **ret, struct why *why)
{
	enum err err = ERR_UNREACHABLE;

	for (size_t i = 0; i < t->n_sentinels; i++) {
		struct redis_endpoint master = { .host = "" };
		struct arena arena = { 0 };

		err = ask_sentinel(t, &t->sentinel[i], &arena, &master, why);
		if (err == ERR_OK)
			err = connect_to(t, &master, owner, ret, why);
		arena_free(&arena);
		if (err == ERR_OK)
			return ERR_OK;
	}
	return err;
}

enum err redis_connect(const struct redis_target *target, const char *owner, struct redis **ret, struct why *why)
{
	if (target->n_sentinels > 0)
		return connect_by_sentinels(target, owner, ret, why);
	return connect_to(target, &target->endpoint, owner, ret, why);
}
