/* rate.c - one slot of the window that all senders share, for a call that is no reply. */
#include "store/shared/redis/call.h"

enum err shared_rate(struct store *store)
{
	struct shared *s = shared_of(store);
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, s, SCRIPT_RATE);
	redis_call_int(&call, s->settings.rate_limit);
	err = redis_call_run(&call, store_why());
	if (err == ERR_OK && redis_int(redis_at(redis_answer(&call), 1)) == 0)
		err = ERR_AGAIN;
	redis_call_end(&call);
	return err;
}
