/* audit.c - a walk through the rows, a few thousand a step, and the lanes of each step asked together. Those that were in
 * a turn then are kept in `S behind`, and asked again until they stand where their rows do. */
#include "store/shared/keep/audit.h"

#include "base/log.h"
#include "base/metrics.h"
#include "store/shared/meta.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/finish.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

enum {
	STEP_ROWS = 5000,      /* keys looked at by one statement */
	MARGIN_MS = 10 * 60000 /* between the two servers' clocks, and for what was under way */
};

/* ---- `S behind` ------------------------------------------------------------------------------------- */

static enum err behind_change(struct shared *s, const char *command, struct slice client_id, struct why *why)
{
	char key[REDIS_NAME_SIZE];
	const char *words[] = { command, redis_own_key(s, "behind", key), client_id.p };
	size_t lengths[] = { strlen(command), strlen(key), client_id.n };
	struct redisReply *reply = NULL;
	enum err err = redis_command(s->redis, COUNT_OF(words), words, lengths, &reply, why);

	freeReplyObject(reply);
	return err;
}

/* Some of them, as texts of the arena. */
static enum err behind_some(struct shared *s, struct arena *arena, struct slice **ret, size_t *n, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE], most[8];
	enum err err;

	(void)snprintf(most, sizeof most, "%d", SHARED_CALL_MOST);
	err = redis_command(s->redis, 3, (const char *const[]){ "SRANDMEMBER", redis_own_key(s, "behind", key), most },
	    NULL, &reply, why);
	*n = redis_n(reply);
	*ret = arena_alloc(arena, (*n + 1) * sizeof **ret);
	for (size_t i = 0; i < *n; i++)
		(*ret)[i] = slice_copy(arena, redis_text(redis_at(reply, i)));
	freeReplyObject(reply);
	return err;
}

/* ---- rows and lanes --------------------------------------------------------------------------------- */

struct audit {
	struct shared *s;
	bool again; /* these are of `S behind` */
	size_t recorded;
};

/* version: of the lane; a nil where there is none, empty where it has not read its row. */
static bool is_behind(const struct client_row *row, const struct redisReply *version)
{
	if (redis_is_nil(version) || redis_text(version).n == 0)
		return row->open;
	return redis_int(version) < row->version;
}

/* What the script refuses of one client stops no other: the walk tells of it, and his lane is asked again. */
static enum err record(struct audit *a, const struct client_row *row, enum redis_recorded *ret, struct why *why)
{
	struct why said = { 0 };
	enum err err = redis_record(a->s, row, SLICE_NONE, true, ret, &said);

	if (err == ERR_FAILED) {
		if (!a->again)
			log_error("Redis refuses a client's row", log_slice("client", row->client_id),
			    log_word("reason", said.text));
		return ERR_OK;
	}
	if (err != ERR_OK)
		why_set(why, "%s", said.text);
	return err;
}

static enum err look_at(
    struct audit *a, const struct client_row *row, const struct redisReply *version, struct why *why)
{
	bool behind = is_behind(row, version), was_behind = behind;
	enum redis_recorded how;
	enum err err;

	if (behind) {
		if ((err = record(a, row, &how, why)) != ERR_OK)
			return err;
		behind = how == REDIS_REFUSED; /* in a turn, or not behind any more: then the next look says so */
	}
	if (was_behind && !behind) {
		metric_add(METRIC_ROLLED_BACK_REDIS, 1);
		a->recorded++;
	}
	if (behind == a->again)
		return ERR_OK;
	return behind_change(a->s, behind ? "SADD" : "SREM", row->client_id, why);
}

static enum err compare(struct audit *a, const struct client_row *rows, size_t n, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, a->s, SCRIPT_VERSIONS);
	for (size_t at = 0; at < n && err == ERR_OK; at += SHARED_CALL_MOST) {
		size_t some = n - at < SHARED_CALL_MOST ? n - at : SHARED_CALL_MOST;

		redis_call_reset(&call, SCRIPT_VERSIONS);
		for (size_t i = 0; i < some; i++)
			redis_call_slice(&call, rows[at + i].client_id);
		err = redis_call_run(&call, why);
		for (size_t i = 0; i < some && err == ERR_OK; i++)
			err = look_at(a, &rows[at + i], redis_at(redis_at(redis_answer(&call), 1), i), why);
	}
	redis_call_end(&call);
	return err;
}

static enum err walk(struct shared *s, int64_t age_ms, bool open_only, size_t *recorded, struct why *why)
{
	struct audit a = { .s = s };
	struct arena arena = { 0 };
	struct buf behind = { 0 };
	struct slice to = SLICE("");
	enum err err = ERR_OK;

	while (to.p != NULL && err == ERR_OK) {
		struct client_row *rows = NULL;
		size_t n;

		arena_reset(&arena);
		err = pg_rows_after(
		    s, buf_as_slice(&behind), age_ms, open_only, STEP_ROWS, &arena, &rows, &n, &to, why);
		if (err == ERR_OK)
			err = compare(&a, rows, n, why);
		if (err == ERR_OK && atomic_load(&s->stopping))
			err = why_fail(why, ERR_STOPPED, "the store is being closed");
		buf_reset(&behind);
		buf_slice(&behind, to);
	}
	*recorded += a.recorded;
	arena_free(&arena);
	buf_free(&behind);
	return err;
}

/* Those that a walk left behind. */
static enum err look_again(struct shared *s, size_t *recorded, struct why *why)
{
	struct audit a = { .s = s, .again = true };
	struct arena arena = { 0 };
	struct client_row *rows;
	struct slice *clients;
	size_t n = 0;
	enum err err = behind_some(s, &arena, &clients, &n, why);

	if (err == ERR_OK && n > 0) {
		rows = arena_alloc(&arena, n * sizeof *rows);
		err = pg_rows(s, clients, n, &arena, rows, why);
		for (size_t i = 0; i < n; i++)
			rows[i].client_id = clients[i]; /* also where there is no row any more */
		if (err == ERR_OK)
			err = compare(&a, rows, n, why);
	}
	*recorded += a.recorded;
	arena_free(&arena);
	return err;
}

/* ---- audit ------------------------------------------------------------------------------------------ */

/* How long ago a keeper last said that it lives, and a margin; -1: nobody knows. */
static enum err age_of_loss(struct shared *s, int64_t *ret, struct why *why)
{
	struct buf alive = { 0 };
	int64_t at = 0;
	enum err err = meta_get(s, "alive", &alive, why);

	*ret = -1;
	if (err == ERR_OK && slice_to_int64(buf_as_slice(&alive), &at) && redis_now_ms(s) > at)
		*ret = redis_now_ms(s) - at + MARGIN_MS;
	buf_free(&alive);
	return err;
}

enum err audit_run(struct shared *s, size_t *ret, struct why *why)
{
	struct buf wanted = { 0 };
	int64_t age_ms;
	enum err err;

	*ret = 0;
	err = meta_get(s, "audit", &wanted, why);
	if (err == ERR_OK && slice_eq(buf_as_slice(&wanted), SLICE("1"))) {
		err = age_of_loss(s, &age_ms, why);
		if (err == ERR_OK)
			err = walk(s, age_ms, false, ret, why);
		if (err == ERR_OK)
			err = meta_drop(s, "audit", why);
	} else if (err == ERR_OK) {
		err = look_again(s, ret, why);
	}
	buf_free(&wanted);
	return err;
}

/* ---- restore ---------------------------------------------------------------------------------------- */

static enum err restore_under_lock(struct shared *s, void *context, struct why *why)
{
	char postgres[OWNER_SIZE];
	struct buf redis = { 0 };
	bool is_lost;
	enum err err = meta_get(s, "epoch", &redis, why);

	is_lost = redis.n == 0;
	buf_free(&redis);
	if (err != ERR_OK || !is_lost)
		return err;
	err = pg_epoch(s, postgres, why);
	if (err != ERR_OK || postgres[0] == '\0')
		return err;
	err = walk(s, -1, true, context, why);
	if (err == ERR_OK)
		err = meta_drop(s, "audit", why);
	return err == ERR_OK ? meta_set_epoch(s, postgres, why) : err;
}

enum err restore_run(struct shared *s, size_t *ret, struct why *why)
{
	struct buf epoch = { 0 };
	enum err err = meta_get(s, "epoch", &epoch, why);
	bool is_lost = epoch.n == 0;

	*ret = 0;
	buf_free(&epoch);
	return err == ERR_OK && is_lost ? pg_with_lock(s, restore_under_lock, ret, why) : err;
}
