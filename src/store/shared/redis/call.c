/* call.c - arguments are written as the protocol has them (RESP2), so that a call is two copies and no search. */
#include "store/shared/redis/call.h"

#include "base/clock.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/connect.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/library.h"

#include <inttypes.h>
#include <stdio.h>

enum { ADD_CALL_MS = 1000, WORDS_BEFORE_ARGUMENTS = 3 /* command, script, number of keys */ };

void redis_call_begin(struct redis_call *c, struct shared *s, enum script script)
{
	*c = (struct redis_call){ .shared = s, .script = script };
}

void redis_call_reset(struct redis_call *c, enum script script)
{
	freeReplyObject(c->answer);
	c->answer = NULL;
	c->script = script;
	c->n = 0;
	buf_reset(&c->bytes);
}

void redis_call_end(struct redis_call *c)
{
	freeReplyObject(c->answer);
	c->answer = NULL;
	buf_free(&c->bytes);
}

void redis_call_slice(struct redis_call *c, struct slice argument)
{
	redis_keys_word(&c->bytes, argument);
	c->n++;
}

void redis_call_text(struct redis_call *c, const char *argument)
{
	redis_call_slice(c, slice_of(argument));
}

void redis_call_int(struct redis_call *c, int64_t argument)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRId64, argument);

	redis_call_slice(c, (struct slice){ digits, (size_t)n });
}

/* ---- a round trip ----------------------------------------------------------------------------------- */

/* "*<words>\r\n", then the command, the script's name there, and the number of keys. */
static int put_head(const struct redis_call *c, const struct redis *connection, char *ret, size_t size)
{
	const char *command = connection->has_functions ? "FCALL" : "EVALSHA";
	const char *name = connection->has_functions ? script_function(c->script) : script_sha1(c->script);

	return snprintf(ret, size, "*%zu\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n$1\r\n%d\r\n",
	    WORDS_BEFORE_ARGUMENTS + REDIS_KEYS + c->n, strlen(command), command, strlen(name), name, REDIS_KEYS);
}

static void append(const struct redis_call *c, struct redis *connection)
{
	struct slice keys = redis_keys(c->shared);
	char head[160];
	int n = put_head(c, connection, head, sizeof head);

	/* these three fail for want of memory only, where the process ends anyway, or by an error that the read finds */
	(void)redisAppendFormattedCommand(connection->context, head, (size_t)n);
	(void)redisAppendFormattedCommand(connection->context, keys.p, keys.n);
	if (c->bytes.n > 0)
		(void)redisAppendFormattedCommand(connection->context, c->bytes.p, c->bytes.n);
}

static enum err round_trip(struct redis_call *c, struct redis *connection, bool *broken, struct why *why)
{
	int64_t sent_ms = clock_boot_ms();
	struct why said = { 0 };
	enum err err;

	append(c, connection);
	err = redis_read(connection, &c->answer, broken, &said);
	if (err != ERR_OK)
		return why_fail(why, err, "%s (script %s)", said.text, script_name(c->script));
	if (redis_n(c->answer) == 0)
		return why_fail(why, ERR_IO, "Redis at %s: script %s answered nothing", connection->address,
		    script_name(c->script));
	redis_clock_note(c->shared->clock, redis_int(redis_at(c->answer, 0)), sent_ms, clock_boot_ms());
	return ERR_OK;
}

static enum err load_script(enum script script, struct redis *connection, bool *broken, struct why *why)
{
	struct redisReply *reply = NULL;
	const char *words[] = { "SCRIPT", "LOAD", script_text(script) };
	size_t lengths[] = { 6, 4, script_text_length(script) };
	enum err err = redis_ask(connection, COUNT_OF(words), words, lengths, &reply, broken, why);

	freeReplyObject(reply);
	return err;
}

static enum err run_script(struct redis_call *c, struct redis *connection, bool *broken, struct why *why)
{
	struct why said = { 0 };
	enum err err = round_trip(c, connection, broken, &said);

	if (err == ERR_AGAIN && strstr(said.text, "NOSCRIPT") != NULL &&
	    (err = load_script(c->script, connection, broken, &said)) == ERR_OK)
		err = round_trip(c, connection, broken, &said);
	return err == ERR_OK ? ERR_OK : why_fail(why, err, "%s", said.text);
}

/* The user may call scripts but no functions, or the server has none whatever its version says. */
static bool refuses_functions(enum err err, bool broken)
{
	return !broken && (err == ERR_DENIED || err == ERR_INVALID);
}

/* ERR_AGAIN with has_functions no more: nothing has run, call it as a script. */
static enum err run_function(struct redis_call *c, struct redis *connection, bool *broken, struct why *why)
{
	struct why said = { 0 };
	enum err err = round_trip(c, connection, broken, &said);

	if (err == ERR_AGAIN && strstr(said.text, "Function not found") != NULL) {
		err = redis_library_load(connection, broken, &said);
		connection->has_functions = err == ERR_OK || *broken;
		err = err == ERR_OK ? round_trip(c, connection, broken, &said) : *broken ? err : ERR_AGAIN;
	}
	if (refuses_functions(err, *broken)) {
		connection->has_functions = false;
		err = ERR_AGAIN;
	}
	return err == ERR_OK ? ERR_OK : why_fail(why, err, "%s", said.text);
}

enum err redis_call_run_on(struct redis_call *c, struct redis *connection, bool *broken, struct why *why)
{
	enum err err = ERR_AGAIN;
	bool lost = false;

	freeReplyObject(c->answer);
	c->answer = NULL;
	c->sent = connection->identity;
	c->at_fault = false;
	if (connection->has_functions)
		err = run_function(c, connection, &lost, why);
	if (err == ERR_AGAIN && !connection->has_functions)
		err = run_script(c, connection, &lost, why);
	*broken = *broken || lost;
	c->at_fault = err == ERR_IO && connection->call_at_fault;
	return err;
}

enum err redis_call_run(struct redis_call *c, struct why *why)
{
	struct redis_pool *pool = c->shared->redis;
	struct redis *connection = NULL;
	bool broken = false;
	enum err err;

	c->sent = (struct redis_identity){ 0 };
	c->at_fault = false;
	if ((err = redis_borrow(pool, &connection, why)) != ERR_OK)
		return err;
	redis_set_timeout(connection, c->script == SCRIPT_ADD ? ADD_CALL_MS : REDIS_CALL_MS);
	err = redis_call_run_on(c, connection, &broken, why);
	redis_give_back(pool, connection, broken);
	/* somebody changed the password or the user's rights: for a running process the server is away until that is mended */
	return redis_count_error(err == ERR_DENIED ? ERR_UNREACHABLE : err);
}

/* ---- the answer ------------------------------------------------------------------------------------- */

const struct redisReply *redis_answer(const struct redis_call *c)
{
	return c->answer;
}

size_t redis_n(const struct redisReply *array)
{
	return array != NULL && array->type == REDIS_REPLY_ARRAY ? array->elements : 0;
}

const struct redisReply *redis_at(const struct redisReply *array, size_t i)
{
	return i < redis_n(array) ? array->element[i] : NULL;
}

static bool has_text(const struct redisReply *r)
{
	return r != NULL &&
	       (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS || r->type == REDIS_REPLY_ERROR);
}

int64_t redis_int(const struct redisReply *r)
{
	int64_t value = 0;

	if (r == NULL)
		return 0;
	if (r->type == REDIS_REPLY_INTEGER)
		return r->integer;
	if (has_text(r))
		(void)slice_to_int64((struct slice){ r->str, (size_t)r->len }, &value);
	return value;
}

struct slice redis_text(const struct redisReply *r)
{
	return has_text(r) ? (struct slice){ r->str, (size_t)r->len } : SLICE_NONE;
}

bool redis_is_nil(const struct redisReply *r)
{
	return r == NULL || r->type == REDIS_REPLY_NIL;
}
