/* jobs.c - the predecessor's queues: what its workers held waits again, replies too old become dead letters; all else
 * stays where it is, and is adopted when it is popped. */
#include "base/crash.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/keys.h"
#include "store/shared/takeover/inside.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

#define TOO_OLD "written before the take-over"
#define BELOW_FAR                                                                                                      \
	"(8789675212800000" /* 2038-01-01 in Bull's score of `delayed`: at or above it stands what is parked */

typedef const char *key_of(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE]);

static enum err ask_key(struct shared *s, key_of *queue, const char *command, const char *name,
    const struct slice *more, size_t n_more, struct redisReply **ret, struct why *why)
{
	struct slice words[8] = { slice_of(command) };
	char key[REDIS_NAME_SIZE];

	words[1] = slice_of(queue(s, name, key));
	for (size_t i = 0; i < n_more; i++)
		words[2 + i] = more[i];
	return takeover_ask(s, words, 2 + n_more, ret, why);
}

static enum err ask_int(struct shared *s, key_of *queue, const char *command, const char *name,
    const struct slice *more, size_t n_more, int64_t *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	enum err err = ask_key(s, queue, command, name, more, n_more, &reply, why);

	*ret = err == ERR_OK ? redis_int(reply) : 0;
	freeReplyObject(reply);
	return err;
}

/* A job's hash, or what belongs to it. */
static struct slice job_key(const struct shared *s, key_of *queue, struct slice id, const char *behind, struct buf *ret)
{
	char prefix[REDIS_NAME_SIZE];

	buf_reset(ret);
	buf_text(ret, queue(s, "", prefix));
	buf_slice(ret, id);
	buf_text(ret, behind);
	return buf_as_slice(ret);
}

/* ---- counting --------------------------------------------------------------------------------------- */

/* When the job at the list's tail, the oldest, was written; 0: there is none. */
static enum err oldest_in(struct shared *s, key_of *queue, const char *list, int64_t *ret, struct why *why)
{
	struct redisReply *reply = NULL, *timestamp = NULL;
	struct buf key = { 0 };
	enum err err = ask_key(s, queue, "LINDEX", list, (struct slice[]){ SLICE("-1") }, 1, &reply, why);

	*ret = 0;
	if (err == ERR_OK && redis_text(reply).n > 0) {
		err = takeover_ask(s,
		    (struct slice[]){
			SLICE("HGET"), job_key(s, queue, redis_text(reply), "", &key), SLICE("timestamp") },
		    3, &timestamp, why);
		*ret = err == ERR_OK ? redis_int(timestamp) : 0;
	}
	freeReplyObject(reply);
	freeReplyObject(timestamp);
	buf_free(&key);
	return err;
}

static enum err tell_list(struct shared *s, key_of *queue, const char *list, const char *what, const char *becomes,
    struct takeover_report *report, struct why *why)
{
	int64_t n, oldest;
	enum err err = ask_int(s, queue, "LLEN", list, NULL, 0, &n, why);

	if (err == ERR_OK)
		err = oldest_in(s, queue, list, &oldest, why);
	if (err == ERR_OK)
		takeover_tell(report, what, n, oldest, "%s", becomes);
	return err;
}

static enum err tell_set(struct shared *s, key_of *queue, const char *set, const char *what, const char *becomes,
    struct takeover_report *report, struct why *why)
{
	int64_t n;
	enum err err = ask_int(
	    s, queue, "ZCOUNT", set, (struct slice[]){ SLICE("-inf"), SLICE(BELOW_FAR) }, 2, &n, why);

	if (err == ERR_OK)
		takeover_tell(report, what, n, 0, "%s", becomes);
	return err;
}

static enum err tell_jobs(struct shared *s, struct takeover_report *report, struct why *why)
{
	const struct {
		key_of *queue;
		const char *name, *what, *becomes;
		bool is_list;
	} all[] = {
		{ redis_messages_key, "wait", "waiting messages", "are answered in their order", true },
		{ redis_messages_key, "paused", "messages of the paused queue", "wait until somebody resumes it",
		    true },
		{ redis_messages_key, "active", "messages under way", "wait again, before the others", true },
		{ redis_messages_key, "delayed", "delayed messages", "are answered when they are due", false },
		{ redis_messages_key, "failed", "failed messages", "are dead letters; see `chat2order queue dead`",
		    false },
		{ redis_messages_key, "completed", "completed messages", "stay", false },
		{ redis_outbox_key, "failed", "failed replies", "are dead letters; see `chat2order queue dead`",
		    false },
	};
	enum err err = ERR_OK;

	for (size_t i = 0; i < COUNT_OF(all) && err == ERR_OK; i++)
		err = (all[i].is_list ? tell_list : tell_set)(
		    s, all[i].queue, all[i].name, all[i].what, all[i].becomes, report, why);
	return err;
}

/* ---- what was under way ----------------------------------------------------------------------------- */

static enum err unlock(struct shared *s, key_of *queue, struct slice id, struct why *why)
{
	struct redisReply *reply = NULL;
	struct buf key = { 0 };
	enum err err = takeover_ask(
	    s, (struct slice[]){ SLICE("DEL"), job_key(s, queue, id, ":lock", &key) }, 2, &reply, why);

	freeReplyObject(reply);
	buf_free(&key);
	return err;
}

/* One job of `active`, newest first, to the end where the oldest are. *ret: there was one. */
static enum err put_back(struct shared *s, key_of *queue, const char *list, bool *ret, struct why *why)
{
	char to[REDIS_NAME_SIZE];
	struct redisReply *reply = NULL;
	enum err err = ask_key(s, queue, "LINDEX", "active", (struct slice[]){ SLICE("0") }, 1, &reply, why);

	*ret = err == ERR_OK && !redis_is_nil(reply);
	if (*ret)
		err = unlock(s, queue, redis_text(reply), why);
	freeReplyObject(reply);
	if (err != ERR_OK || !*ret)
		return err;
	err = ask_key(s, queue, "LMOVE", "active",
	    (struct slice[]){ slice_of(queue(s, list, to)), SLICE("LEFT"), SLICE("RIGHT") }, 3, &reply, why);
	freeReplyObject(reply);
	return err;
}

static enum err put_all_back(struct shared *s, key_of *queue, struct why *why)
{
	static const char *const watch[] = { "stalled", "stalled-check" };
	int64_t paused, gone;
	bool more = true;
	enum err err = ask_int(s, queue, "EXISTS", "meta-paused", NULL, 0, &paused, why);

	while (err == ERR_OK && more)
		err = put_back(s, queue, paused != 0 ? "paused" : "wait", &more, why);
	for (size_t i = 0; i < COUNT_OF(watch) && err == ERR_OK; i++)
		err = ask_int(s, queue, "DEL", watch[i], NULL, 0, &gone, why);
	return err;
}

/* ---- unsent replies --------------------------------------------------------------------------------- */

struct replies {
	int64_t looked, old, oldest_ms;
};

static enum err walk_replies(
    struct shared *s, const char *list, int64_t before_ms, bool dry, struct replies *found, struct why *why)
{
	struct redis_call call;
	int64_t from = 0, looked = 0;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_TAKEOVER);
	do {
		const struct redisReply *answer;
		int64_t oldest;

		redis_call_reset(&call, SCRIPT_TAKEOVER);
		redis_call_text(&call, list);
		redis_call_int(&call, from);
		redis_call_int(&call, before_ms);
		redis_call_text(&call, TOO_OLD);
		redis_call_int(&call, !dry);
		err = redis_call_run(&call, why);
		if (err != ERR_OK)
			break;
		answer = redis_answer(&call);
		looked = redis_int(redis_at(answer, 1));
		oldest = redis_int(redis_at(answer, 3));
		from = redis_int(redis_at(answer, 4));
		found->looked += looked;
		found->old += redis_int(redis_at(answer, 2));
		if (oldest > 0 && (found->oldest_ms == 0 || oldest < found->oldest_ms))
			found->oldest_ms = oldest;
	} while (looked > 0);
	redis_call_end(&call);
	return err;
}

static enum err take_replies(struct shared *s, bool dry, struct takeover_report *report, struct why *why)
{
	static const char *const lists[] = { "wait", "paused", "delayed" };
	int64_t hours = s->settings.take_over_replies_h;
	int64_t before_ms = hours > 0 ? redis_now_ms(s) - hours * 3600000 : 0;
	struct replies found = { 0 };
	enum err err = ERR_OK;

	for (size_t i = 0; i < COUNT_OF(lists) && err == ERR_OK; i++)
		err = walk_replies(s, lists[i], before_ms, dry, &found, why);
	if (err != ERR_OK)
		return err;
	takeover_tell(report, "unsent replies", found.looked - found.old, found.old > 0 ? 0 : found.oldest_ms,
	    "are sent, in their order");
	takeover_tell(report, "unsent replies, too old", found.old, found.oldest_ms,
	    "become dead letters: \"" TOO_OLD "\", more than TAKE_OVER_REPLIES_H=%" PRId64 " hours ago", hours);
	return ERR_OK;
}

/* ---- all of it -------------------------------------------------------------------------------------- */

enum err takeover_jobs(struct shared *s, bool dry, struct takeover_report *report, struct why *why)
{
	enum err err = tell_jobs(s, report, why);

	if (err == ERR_OK && !dry)
		err = put_all_back(s, redis_messages_key, why);
	if (err == ERR_OK && !dry)
		err = put_all_back(s, redis_outbox_key, why);
	if (err == ERR_OK && !dry)
		crash_point("takeover_4");
	return err == ERR_OK ? take_replies(s, dry, report, why) : err;
}
