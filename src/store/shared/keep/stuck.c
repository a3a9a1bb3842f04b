/* stuck.c - scripts stuck and lost, and what they found, counted. */
#include "store/shared/keep/stuck.h"

#include "base/metrics.h"
#include "store/shared/grave.h"
#include "store/shared/redis/call.h"

enum { STUCK_FREED = 1, STUCK_RECALLED, STUCK_AGAIN, STUCK_GRAVES, LOST_FOUND = 1 };

static enum err free_stuck(struct redis_call *call, struct shared *s, struct why *why)
{
	const struct redisReply *answer;
	enum err err;

	redis_call_int(call, s->settings.dialog_ttl_s * 1000);
	if ((err = redis_call_run(call, why)) != ERR_OK)
		return err;
	answer = redis_answer(call);
	metric_add(METRIC_LANES_FREED, redis_int(redis_at(answer, STUCK_FREED)));
	metric_add(METRIC_REPLIES_RECALLED, redis_int(redis_at(answer, STUCK_RECALLED)));
	metric_add(METRIC_MESSAGES_FOUND, redis_int(redis_at(answer, STUCK_AGAIN)));
	graves_log(s, redis_at(answer, STUCK_GRAVES));
	return ERR_OK;
}

static enum err find_lost(struct redis_call *call, struct why *why)
{
	enum err err;

	redis_call_reset(call, SCRIPT_LOST);
	if ((err = redis_call_run(call, why)) == ERR_OK)
		metric_add(METRIC_MESSAGES_FOUND, redis_int(redis_at(redis_answer(call), LOST_FOUND)));
	return err;
}

enum err stuck_round(struct shared *s, struct why *why)
{
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_STUCK);
	err = free_stuck(&call, s, why);
	if (err == ERR_OK)
		err = find_lost(&call, why);
	redis_call_end(&call);
	return err;
}
