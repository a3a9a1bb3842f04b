/* finish.c - scripts finish and record: turns to arguments, answers to turns. */
#include "store/shared/redis/finish.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "store/shared/fail.h"
#include "store/shared/job.h"
#include "store/shared/lane.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/waker.h"

#include <stdio.h>

enum { RECALLED_SIZE = STORE_TURN_ID_SIZE + 2 };

/* ---- finish ---- */

static struct slice profile_of(const struct redis_turn *t)
{
	if (t->profile.p == NULL)
		return SLICE("");
	return t->profile.n > 0 ? t->profile : (struct slice){ "\0", 1 };
}

static void put_turn(struct redis_call *call, const struct redis_turn *t)
{
	redis_call_slice(call, t->client_id);
	redis_call_slice(call, t->turn_id);
	redis_call_int(call, t->version);
	redis_call_slice(call, t->lane);
	redis_call_slice(call, t->dialog_id);
	redis_call_slice(call, t->question);
	redis_call_slice(call, profile_of(t));
	redis_call_slice(call, t->reply);
	redis_call_slice(call, t->reply_c);
}

static size_t put_some(
    struct redis_call *call, struct shared *s, const struct redis_turn *turns, size_t n, size_t claim_most)
{
	size_t i;

	redis_call_reset(call, SCRIPT_FINISH);
	redis_call_text(call, s->owner);
	redis_call_int(call, (int64_t)claim_most);
	redis_call_int(call, s->settings.rate_limit);
	redis_call_int(call, s->settings.send_timeout_ms + s->settings.lease_ms);
	redis_call_int(call, s->settings.keep_completed);
	for (i = 0; i < n && i < SHARED_CALL_MOST && (i == 0 || call->bytes.n < SHARED_CALL_BYTES); i++)
		put_turn(call, &turns[i]);
	return i;
}

/* What the script says of a turn, by its number there. */
static enum redis_finished finished(int64_t how)
{
	static const enum redis_finished all[] = { REDIS_STALE, REDIS_DONE, REDIS_DONE_BEFORE, REDIS_CLAIMED,
		REDIS_CLAIMED_BEFORE };

	return how >= 0 && how < (int64_t)COUNT_OF(all) ? all[how] : REDIS_STALE;
}

static size_t read_some(const struct redis_call *call, struct redis_turn *turns, size_t n, int64_t post_before_ms)
{
	int64_t now = redis_int(redis_at(redis_answer(call), 0));
	const struct redisReply *all = redis_at(redis_answer(call), 1);
	size_t claimed = 0;

	for (size_t i = 0; i < n; i++) {
		turns[i].how = finished(redis_int(redis_at(all, i)));
		turns[i].created_ms = now;
		turns[i].post_before_ms = post_before_ms;
		claimed += turns[i].how == REDIS_CLAIMED;
	}
	return claimed;
}

/* A call's turns, of which there are *some; those claimed leave *claim_most. */
static enum err finish_some(struct redis_call *call, struct shared *s, struct redis_turn *turns, size_t n,
    size_t *claim_most, size_t *some, struct why *why)
{
	int64_t began = clock_mono_ms();
	enum err err;

	*some = put_some(call, s, turns, n, *claim_most);
	err = redis_call_run(call, why);
	if (err == ERR_OK)
		*claim_most -= read_some(call, turns, *some, began + s->settings.lease_ms);
	return err;
}

/* The script failed with one of them, so that the others go on without it. What was done says so. */
static enum err finish_apart(
    struct redis_call *call, struct shared *s, struct redis_turn *turns, size_t n, size_t *claim_most, struct why *why)
{
	enum err err = ERR_OK;
	size_t one;

	for (size_t i = 0; i < n && err == ERR_OK; i++) {
		struct why said = { 0 };

		err = finish_some(call, s, &turns[i], 1, claim_most, &one, &said);
		if (call->at_fault) {
			turns[i].how = REDIS_FAILED;
			log_error("Redis refuses a turn", log_slice("turn", turns[i].turn_id),
			    log_slice("client", turns[i].client_id), log_word("reason", said.text));
			err = ERR_OK;
		} else if (err != ERR_OK) {
			why_set(why, "%s", said.text);
		}
	}
	return err;
}

enum err redis_finish(struct shared *s, struct redis_turn *turns, size_t n, size_t claim_most, struct why *why)
{
	struct redis_call call;
	enum err err = ERR_OK;
	size_t some;

	redis_call_begin(&call, s, SCRIPT_FINISH);
	for (size_t done = 0; done < n && err == ERR_OK; done += some) {
		err = finish_some(&call, s, turns + done, n - done, &claim_most, &some, why);
		if (call.at_fault)
			err = finish_apart(&call, s, turns + done, some, &claim_most, why);
	}
	redis_call_end(&call);
	if (err == ERR_OK && n > 0 && s->wakers != NULL)
		waker_wake(s->wakers, WAKE_MESSAGES);
	crash_point("finished");
	return err;
}

/* ---- record ---- */

/* The reply that the row keeps, as a job. */
static void put_reply(struct redis_call *call, struct shared *s, const struct client_row *row, struct arena *a)
{
	struct buf text = { 0 }, data = { 0 }, c = { 0 };
	char digest[LANE_DIGEST_SIZE];
	struct job_reply r = { 0 };

	if (row->has_reply) {
		(void)job_read_reply_meta(row->reply_meta, a, &r);
		job_put_numbered(&text, row->reply, row->placed);
		r.client_id = row->client_id;
		r.text = buf_as_slice(&text);
		r.question = slice_of(lane_digest(row->question, digest));
		r.dialog_id = row->dialog_id;
		r.created_ms = redis_now_ms(s);
		job_put_reply(&data, &r);
		job_put_reply_c(s, &c, 0, row->client_id);
	}
	redis_call_slice(call, buf_as_slice(&data));
	redis_call_slice(call, buf_as_slice(&c));
	buf_free(&text);
	buf_free(&data);
	buf_free(&c);
}

static void put_row(struct redis_call *call, struct shared *s, const struct client_row *row, struct slice fence)
{
	struct lane_state lane = { row->last_event_ms, row->order_id, row->open ? row->dialog : SLICE_NONE };
	char digest[LANE_DIGEST_SIZE], in_turn[RECALLED_SIZE] = "";
	struct arena a = { 0 };
	struct buf b = { 0 };

	if (fence.n > 0)
		(void)snprintf(in_turn, sizeof in_turn, "1 %.*s", SLICE_PRINT(fence));
	lane_write(&b, &lane);
	redis_call_slice(call, row->client_id);
	redis_call_text(call, in_turn);
	redis_call_int(call, row->version);
	redis_call_slice(call, row->turn_id);
	redis_call_slice(call, buf_as_slice(&b));
	redis_call_slice(call, row->open ? row->dialog_id : SLICE(""));
	redis_call_text(call, lane_digest(row->question, digest));
	redis_call_slice(call, row->profile);
	redis_call_slice(call, row->covers.n > 0 ? row->covers : SLICE("[]"));
	put_reply(call, s, row, &a);
	buf_free(&b);
	arena_free(&a);
}

static enum redis_recorded recorded(int64_t how)
{
	return how == 1 ? REDIS_RECORDED : how == 2 ? REDIS_ROLLED_BACK : REDIS_REFUSED;
}

enum err redis_record(struct shared *s, const struct client_row *row, struct slice fence, bool doubtful,
    enum redis_recorded *ret, struct why *why)
{
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_RECORD);
	put_row(&call, s, row, fence);
	redis_call_int(&call, doubtful);
	err = redis_call_run(&call, why);
	*ret = err == ERR_OK ? recorded(redis_int(redis_at(redis_answer(&call), 1))) : REDIS_REFUSED;
	err = call.at_fault ? ERR_FAILED : err;
	redis_call_end(&call);
	crash_point("recorded");
	return err;
}

/* ---- duplicates ---- */

enum err redis_give_back_without(struct shared *s, struct slice client_id, struct slice turn_id,
    const struct slice *job_ids, size_t n, struct why *why)
{
	struct redis_call call;
	struct buf ids = { 0 };
	enum err err;

	buf_char(&ids, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&ids, ',');
		buf_json(&ids, job_ids[i]);
	}
	buf_char(&ids, ']');
	redis_call_begin(&call, s, SCRIPT_FAIL);
	fail_put_head(&call, s);
	fail_put_turn(&call, client_id, turn_id, "D", buf_as_slice(&ids));
	err = redis_call_run(&call, why);
	redis_call_end(&call);
	buf_free(&ids);
	if (err == ERR_OK && s->wakers != NULL)
		waker_wake(s->wakers, WAKE_MESSAGES);
	return err;
}
