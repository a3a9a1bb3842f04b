/* takeover.c - the order of a take-over, and the report of what there was. */
#include "store/shared/takeover/takeover.h"

#include "base/crash.h"
#include "store/shared/owner.h"
#include "store/shared/pg/connect.h"
#include "store/shared/pg/pg.h"
#include "store/shared/pg/schema.h"
#include "store/shared/pg/takeover.h"
#include "store/shared/redis/bull_workers.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"
#include "store/shared/takeover/inside.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

enum { WORDS_MAX = 8 };

/* ---- small words ------------------------------------------------------------------------------------ */

void takeover_tell(
    struct takeover_report *report, const char *what, int64_t n, int64_t oldest_ms, const char *becomes, ...)
{
	struct takeover_line *line = &report->line[report->n];
	va_list args;

	if (n == 0 || report->n == TAKEOVER_LINES_MAX)
		return;
	*line = (struct takeover_line){ .what = what, .n = n, .oldest_ms = oldest_ms };
	va_start(args, becomes);
	(void)vsnprintf(line->becomes, sizeof line->becomes, becomes, args);
	va_end(args);
	report->n++;
}

enum err takeover_ask(struct shared *s, const struct slice *words, size_t n, struct redisReply **ret, struct why *why)
{
	const char *text[WORDS_MAX];
	size_t length[WORDS_MAX];

	for (size_t i = 0; i < n; i++) {
		text[i] = words[i].p;
		length[i] = words[i].n;
	}
	return redis_command(s->redis, n, text, length, ret, why);
}

enum err takeover_scan(struct shared *s, const char *pattern, const char *kind, char cursor[TAKEOVER_CURSOR_SIZE],
    struct redisReply **ret, struct why *why)
{
	const struct slice words[] = { SLICE("SCAN"), slice_of(cursor), SLICE("MATCH"), slice_of(pattern),
		SLICE("COUNT"), SLICE("500"), SLICE("TYPE"), slice_of(kind) };
	enum err err = takeover_ask(s, words, kind != NULL ? COUNT_OF(words) : COUNT_OF(words) - 2, ret, why);

	if (err == ERR_OK && !slice_to_buffer(redis_text(redis_at(*ret, 0)), cursor, TAKEOVER_CURSOR_SIZE))
		err = why_fail(why, ERR_IO, "Redis: SCAN gave no cursor");
	return err;
}

/* Another prefix is another shop on the same Redis, whose predecessor this is not. */
static bool is_its_heir(const struct shared *s)
{
	return strcmp(s->settings.store_prefix, setting_find(SLICE("STORE_PREFIX"))->standard) == 0;
}

/* ---- looking ---------------------------------------------------------------------------------------- */

static enum err look_at_tables(struct shared *s, struct takeover_report *report, struct why *why)
{
	struct arena arena = { 0 };
	struct pg_predecessor found;
	PGconn *connection;
	enum err err = pg_connect(&s->settings, &connection, why);

	if (err != ERR_OK)
		return err;
	err = pg_look_at_predecessor(connection, &s->settings, &arena, &found, why);
	if (err == ERR_OK) {
		report->done_before = found.took_over;
		takeover_tell(report, "orders", found.orders, 0,
		    "stay; their times are read as of the zone %.*s: %.*s is %.*s (PREDECESSOR_TIMEZONE)",
		    SLICE_PRINT(found.zone), SLICE_PRINT(found.oldest), SLICE_PRINT(found.oldest_migrated));
		takeover_tell(report, "logged messages", found.logs, 0, "stay");
		takeover_tell(report, "dialogs' outcomes", found.outcomes, 0, "stay");
	}
	PQfinish(connection);
	arena_free(&arena);
	return err;
}

static enum err look_at_marks(struct shared *s, struct takeover_report *report, struct why *why)
{
	char cursor[TAKEOVER_CURSOR_SIZE] = "0";
	int64_t n = 0;
	enum err err;

	do {
		struct redisReply *reply = NULL;

		err = takeover_scan(s, "processed:*", NULL, cursor, &reply, why);
		if (err == ERR_OK)
			n += (int64_t)redis_n(redis_at(reply, 1));
		freeReplyObject(reply);
	} while (err == ERR_OK && strcmp(cursor, "0") != 0);
	if (err == ERR_OK)
		takeover_tell(report, "marks of handled messages", n, 0, "stay: what comes again is known");
	return err;
}

static enum err look(struct shared *s, struct takeover_report *report, struct why *why)
{
	enum err err = look_at_tables(s, report, why);

	if (err != ERR_OK || report->done_before || !is_its_heir(s))
		return err;
	err = takeover_dialogs(s, true, report, why);
	if (err == ERR_OK)
		err = look_at_marks(s, report, why);
	return err == ERR_OK ? takeover_jobs(s, true, report, why) : err;
}

/* ---- doing ------------------------------------------------------------------------------------------ */

static enum err note_in_redis(struct shared *s, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE], now[24];
	enum err err;

	(void)snprintf(now, sizeof now, "%lld", (long long)redis_now_ms(s));
	err = takeover_ask(s,
	    (struct slice[]){
		SLICE("HSETNX"), slice_of(redis_own_key(s, "meta", key)), SLICE("taken_over"), slice_of(now) },
	    4, &reply, why);
	freeReplyObject(reply);
	return err;
}

/* One of the servers remembers it: the other one was restored from a backup, or lost what it had. */
static enum err was_done(struct shared *s, bool *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = pg_took_over(s, ret, why);

	if (err != ERR_OK || *ret)
		return err;
	err = takeover_ask(s,
	    (struct slice[]){ SLICE("HGET"), slice_of(redis_own_key(s, "meta", key)), SLICE("taken_over") }, 3, &reply,
	    why);
	*ret = err == ERR_OK && redis_text(reply).n > 0;
	freeReplyObject(reply);
	return err;
}

/* context: the report of what is taken over. */
static enum err take_over(struct shared *s, void *context, struct why *why)
{
	struct takeover_report *found = context;
	bool before;
	enum err err = was_done(s, &before, why);

	if (err == ERR_OK && !before && is_its_heir(s)) {
		err = takeover_dialogs(s, false, found, why);
		crash_point("takeover_2");
		if (err == ERR_OK)
			err = takeover_jobs(s, false, found, why);
		crash_point("takeover_6");
	}
	/* PostgreSQL last: it is what the next start asks */
	if (err == ERR_OK)
		err = note_in_redis(s, why);
	crash_point("takeover_7");
	if (err == ERR_OK)
		err = pg_note_took_over(s, why);
	return err;
}

enum err takeover_at_start(struct shared *s, struct takeover_report *ret, struct why *why)
{
	bool before = false;
	enum err err = pg_took_over(s, &before, why);

	*ret = (struct takeover_report){ .done_before = before };
	return err == ERR_OK && !before ? pg_with_lock(s, take_over, ret, why) : err;
}

/* ---- the command ------------------------------------------------------------------------------------ */

static enum err refuse_its_worker(struct shared *s, struct why *why)
{
	char worker[BULL_WORKER_SIZE];
	enum err err = bull_workers_look(s, worker, why);

	if (err == ERR_OK && worker[0] != '\0')
		err = why_fail(
		    why, ERR_IN_USE, "the predecessor's worker is still on the queue %s: stop it first", worker);
	return err;
}

static enum err migrate(struct shared *s, bool dry, struct takeover_report *report, struct why *why)
{
	struct takeover_report done;
	enum err err = redis_prepare(s->redis, why);

	if (err == ERR_OK && !dry)
		err = refuse_its_worker(s, why);
	if (err == ERR_OK)
		err = look(s, report, why);
	if (err == ERR_OK && !dry)
		err = pg_prepare(s->pg, true, why);
	return err == ERR_OK && !dry ? takeover_at_start(s, &done, why) : err;
}

enum err takeover_migrate(const struct settings *settings, bool dry, struct takeover_report *ret, struct why *why)
{
	struct shared s = { .role = STORE_BESIDE, .settings = *settings };
	enum err err;

	*ret = (struct takeover_report){ 0 };
	owner_name(&s);
	s.clock = redis_clock_new();
	err = redis_pool_open(&s, &s.redis, why);
	if (err == ERR_OK)
		err = pg_pool_open(&s.settings, &s.pg, why);
	if (err == ERR_OK)
		err = migrate(&s, dry, ret, why);
	redis_pool_close(&s.redis);
	pg_pool_close(&s.pg);
	redis_clock_free(&s.clock);
	return err;
}
