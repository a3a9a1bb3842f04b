/* sweep.c - script sweep, and the log rows of those that it buried. */
#include "store/shared/keep/sweep.h"

#include "base/crash.h"
#include "base/metrics.h"
#include "store/shared/grave.h"
#include "store/shared/owner.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/waker.h"

enum { ANSWER_CRASHED = 1, ANSWER_HUNG, ANSWER_REPLIES, ANSWER_MORE, ANSWER_GRAVES };

/* how: "leave", or empty for a sweep of what the dead hold. */
static void put_arguments(struct redis_call *call, const struct shared *s, const char *how)
{
	redis_call_text(call, s->owner);
	redis_call_int(call, s->settings.lease_ms);
	redis_call_int(call, s->settings.turn_attempts);
	redis_call_int(call, s->settings.turn_backoff_ms);
	redis_call_int(call, s->settings.dialog_ttl_s * 1000);
	redis_call_int(call, store_hung_ms(&s->settings));
	redis_call_text(call, how);
}

enum err sweep_round(struct shared *s, struct store_kept *ret, struct why *why)
{
	struct redis_call call;
	enum err err;

	if (!owner_may_sweep(s))
		return ERR_OK;
	redis_call_begin(&call, s, SCRIPT_SWEEP);
	put_arguments(&call, s, "");
	err = redis_call_run(&call, why);
	if (err == ERR_OK) {
		const struct redisReply *answer = redis_answer(&call);

		crash_point("swept");
		ret->leases_ended += (size_t)redis_int(redis_at(answer, ANSWER_HUNG));
		ret->more = ret->more || redis_int(redis_at(answer, ANSWER_MORE)) == 1;
		metric_add(METRIC_TURNS_RECOVERED, redis_int(redis_at(answer, ANSWER_CRASHED)));
		metric_add(METRIC_TURNS_FAILED, redis_int(redis_at(answer, ANSWER_HUNG)));
		graves_log(s, redis_at(answer, ANSWER_GRAVES));
		if (redis_int(redis_at(answer, ANSWER_HUNG)) > 0)
			waker_wake(s->wakers, WAKE_MESSAGES); /* the hung one may have been alone */
	}
	redis_call_end(&call);
	return err;
}

void sweep_leave(struct shared *s)
{
	struct redis_call call;
	bool more = true;

	redis_call_begin(&call, s, SCRIPT_SWEEP);
	while (more) {
		redis_call_reset(&call, SCRIPT_SWEEP);
		put_arguments(&call, s, "leave");
		/* what was buried is listed in `S unlogged` for a keeper */
		more = redis_call_run(&call, NULL) == ERR_OK &&
		       redis_int(redis_at(redis_answer(&call), ANSWER_MORE)) == 1;
	}
	redis_call_end(&call);
}
