/* meta.c - layout, prefix, events, epoch and run: read in one go, written only where something is missing. */
#include "store/shared/meta.h"

#include "store/shared/redis/call.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"

#include <hiredis/hiredis.h>

#define LAYOUT "1" /* of the keys in Redis */

struct meta {
	struct redisReply *reply;
	struct slice layout, bull, events, epoch, run;
};

static enum err read_meta(struct shared *s, struct meta *ret, struct why *why)
{
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(s->redis, 7,
	    (const char *const[]){ "HMGET", redis_own_key(s, "meta", key), "layout", "bull", "events", "epoch", "run" },
	    NULL, &ret->reply, why);

	if (err != ERR_OK)
		return err;
	ret->layout = redis_text(redis_at(ret->reply, 0));
	ret->bull = redis_text(redis_at(ret->reply, 1));
	ret->events = redis_text(redis_at(ret->reply, 2));
	ret->epoch = redis_text(redis_at(ret->reply, 3));
	ret->run = redis_text(redis_at(ret->reply, 4));
	return ERR_OK;
}

static enum err set_meta(struct shared *s, const char *command, const char *field, const char *value, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(s->redis, 4,
	    (const char *const[]){ command, redis_own_key(s, "meta", key), field, value }, NULL, &reply, why);

	freeReplyObject(reply);
	return err;
}

enum err meta_get(struct shared *s, const char *field, struct buf *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(
	    s->redis, 3, (const char *const[]){ "HGET", redis_own_key(s, "meta", key), field }, NULL, &reply, why);

	if (err == ERR_OK)
		buf_slice(ret, redis_text(reply));
	freeReplyObject(reply);
	return err;
}

enum err meta_drop(struct shared *s, const char *field, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(
	    s->redis, 3, (const char *const[]){ "HDEL", redis_own_key(s, "meta", key), field }, NULL, &reply, why);

	freeReplyObject(reply);
	return err;
}

static enum err check_meta(struct shared *s, const struct meta *meta, struct why *why)
{
	const struct settings *set = &s->settings;

	if (meta->layout.n > 0 && !slice_eq(meta->layout, SLICE(LAYOUT)))
		return why_fail(why, ERR_NEWER_VERSION,
		    "the keys under %s: in Redis have layout %.*s, and this chat2order knows " LAYOUT
		    ": use the newer one",
		    set->store_prefix, SLICE_PRINT(meta->layout));
	if (meta->bull.n > 0 && !slice_eq(meta->bull, slice_of(set->bull_prefix)))
		return why_fail(why, ERR_INVALID,
		    "BULL_PREFIX is \"%s\", but the store under %s: in Redis was set up with \"%.*s\": all processes of a shop"
		    " must be set alike, and another shop needs another STORE_PREFIX",
		    set->bull_prefix, set->store_prefix, SLICE_PRINT(meta->bull));
	return ERR_OK;
}

/* What scripts do not see of the settings. */
static const char *events_word(const struct shared *s)
{
	static const char *const events[] = {
		[BULL_EVENTS_AUTO] = "auto", [BULL_EVENTS_ALWAYS] = "always", [BULL_EVENTS_OFF] = "off"
	};

	return events[s->settings.bull_events];
}

static bool is_whole(const struct meta *meta)
{
	return meta->layout.n > 0 && meta->bull.n > 0 && meta->events.n > 0;
}

static enum err write_missing(struct shared *s, struct why *why)
{
	enum err err = set_meta(s, "HSETNX", "layout", LAYOUT, why);

	if (err == ERR_OK)
		err = set_meta(s, "HSETNX", "bull", s->settings.bull_prefix, why);
	return err == ERR_OK ? set_meta(s, "HSETNX", "events", events_word(s), why) : err;
}

enum err meta_mend(struct shared *s, struct why *why)
{
	struct meta meta = { 0 };
	enum err err = read_meta(s, &meta, why);

	if (err == ERR_OK && !is_whole(&meta))
		err = write_missing(s, why);
	if (err == ERR_OK && meta.run.n == 0)
		err = redis_mend_run(s->redis, why);
	freeReplyObject(meta.reply);
	return err;
}

enum err meta_claim(struct shared *s, struct why *why)
{
	bool serves = s->role != STORE_BESIDE;
	struct meta meta = { 0 };
	enum err err;

	if (serves && (err = meta_mend(s, why)) != ERR_OK)
		return err;
	err = read_meta(s, &meta, why);
	if (err == ERR_OK)
		err = check_meta(s, &meta, why);
	if (err == ERR_OK && serves && !slice_eq(meta.events, slice_of(events_word(s))))
		err = set_meta(s, "HSET", "events", events_word(s), why);
	freeReplyObject(meta.reply);
	/* its memory is full: the former value serves until a start that finds room */
	return serves && err == ERR_NO_SPACE ? ERR_OK : err;
}

enum err meta_epoch(struct shared *s, char ret[OWNER_SIZE], struct why *why)
{
	struct meta meta = { 0 };
	enum err err = read_meta(s, &meta, why);

	if (err == ERR_OK && !slice_to_buffer(meta.epoch, ret, OWNER_SIZE))
		err = why_fail(
		    why, ERR_CONFLICT, "%s:meta in Redis holds no epoch of chat2order", s->settings.store_prefix);
	freeReplyObject(meta.reply);
	return err;
}

enum err meta_set_epoch(struct shared *s, const char *epoch, struct why *why)
{
	return set_meta(s, "HSETNX", "epoch", epoch, why);
}
