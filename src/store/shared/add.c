/* add.c - messages into Redis; while it is away, into the spool. */
#include "store/shared/add.h"

#include "base/clock.h"
#include "base/crash.h"
#include "store/shared/job.h"
#include "store/shared/prepare.h"
#include "store/shared/redis/call.h"
#include "store/shared/spool/spool.h"

static void put(struct redis_call *call, const struct store_message *m, int64_t arrived_ms, struct buf *data)
{
	redis_call_slice(call, m->message_id);
	redis_call_slice(call, m->client_id);
	buf_reset(data);
	job_put_message(data, m);
	redis_call_slice(call, buf_as_slice(data));
	redis_call_int(call, m->event_ms);
	redis_call_int(call, arrived_ms);
	redis_call_int(call, clock_mono_us());
}

static void begin(struct redis_call *call, struct shared *s)
{
	redis_call_reset(call, SCRIPT_ADD);
	redis_call_int(call, s->settings.dedup_days * SHARED_DAY_MS);
	redis_call_text(call, s->owner);
}

/* As many as one call may carry; how many it carried. */
static size_t put_some(struct redis_call *call, struct shared *s, const struct store_message *messages,
    const int64_t *arrived_ms, size_t n)
{
	struct buf data = { 0 };
	size_t i;

	begin(call, s);
	for (i = 0; i < n && i < SHARED_CALL_MOST && (i == 0 || call->bytes.n < SHARED_CALL_BYTES); i++)
		put(call, &messages[i], arrived_ms != NULL ? arrived_ms[i] : 0, &data);
	buf_free(&data);
	return i;
}

/* 0 duplicate, 1 added, or the text of an error: a key of that name that is no job. */
static enum err read_some(const struct redis_call *call, size_t n, enum store_added *ret)
{
	const struct redisReply *how = redis_at(redis_answer(call), 1);
	enum err err = ERR_OK;

	for (size_t i = 0; i < n; i++) {
		const struct redisReply *one = redis_at(how, i);

		ret[i] = redis_int(one) == 1 ? STORE_ADDED : STORE_DUPLICATE;
		if (one == NULL || redis_text(one).n > 0)
			err = ERR_FAILED;
	}
	return err;
}

/* The script failed. A message alone is at fault only if a call without any goes well. */
static enum err fault_of(struct redis_call *call, struct shared *s, size_t n)
{
	if (n > 1)
		return ERR_FAILED;
	begin(call, s);
	return redis_call_run(call, NULL) == ERR_OK ? ERR_FAILED : ERR_IO;
}

enum err add_straight(
    void *shared, const struct store_message *messages, const int64_t *arrived_ms, size_t n, enum store_added *ret)
{
	struct redis_call call;
	enum err err = ERR_OK, one = ERR_OK;

	if (!prepare_has_redis(shared)) /* it may be there, and be another's */
		return why_fail(store_why(), ERR_UNREACHABLE, "the store still waits for Redis");
	redis_call_begin(&call, shared, SCRIPT_ADD);
	for (size_t done = 0; done < n && err == ERR_OK;) {
		size_t some = put_some(
		    &call, shared, messages + done, arrived_ms != NULL ? arrived_ms + done : NULL, n - done);

		err = redis_call_run(&call, store_why());
		crash_point("add_sent");
		if (err == ERR_OK && read_some(&call, some, ret + done) != ERR_OK)
			one = ERR_FAILED;
		err = call.at_fault ? fault_of(&call, shared, some) : err;
		done += some;
	}
	redis_call_end(&call);
	return err != ERR_OK ? err : one;
}

static enum err into_spool(struct shared *s, const struct store_message *messages, size_t n, enum store_added *ret)
{
	enum err err = spool_add(s->spool, messages, n, ret);

	if (err != ERR_OK)
		why_set(store_why(),
		    "Redis does not take messages, and the spool in %s/spool does not either: %s; bring Redis back, free some space"
		    " on this disk or raise SPOOL_MAX_MB",
		    s->settings.data_dir, err_text(err));
	return err;
}

enum err shared_add(struct store *store, const struct store_message *messages, size_t n, enum store_added *ret)
{
	struct shared *s = shared_of(store);
	enum err err;

	if (n == 0)
		return ERR_OK;
	for (size_t i = 0; i < n; i++)
		if (messages[i].message_id.n > JOB_ID_MAX)
			return ERR_TOO_LARGE;
	/* An add that begins when another has returned never overtakes it: what that one spooled stands there until Redis has it.
	 * Adds at the same time have no order, so no lock is needed. */
	if (s->spool != NULL && !spool_is_empty(s->spool))
		return into_spool(s, messages, n, ret);
	err = add_straight(s, messages, NULL, n, ret);
	if (err == ERR_FAILED)
		err = ERR_IO; /* of one, told of the call; the spool finds out of which */
	if (s->spool != NULL && err != ERR_OK && err_verdict(err) == VERDICT_RETRY && err != ERR_STOPPED)
		return into_spool(s, messages, n, ret); /* what Redis may have stored its marks will find */
	return err;
}
