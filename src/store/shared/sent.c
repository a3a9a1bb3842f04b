/* sent.c - what became of claimed replies. */
#include "base/crash.h"
#include "store/shared/grave.h"
#include "store/shared/owner.h"
#include "store/shared/redis_call.h"
#include "store/shared/redis_clock.h"
#include "store/shared/waker.h"

static const char *how_of(enum store_sent_how how)
{
	static const char *const words[] = {
		[STORE_SENT_ACCEPTED] = "A", [STORE_SENT_RETRY] = "R", [STORE_SENT_DEAD] = "D", [STORE_SENT_BACK] = "B"
	};

	return words[how];
}

static void put(struct redis_call *call, struct shared *s, const struct store_sent *sent)
{
	const struct store_reply *r = sent->reply;
	char lease[STORE_TURN_ID_SIZE];

	owner_lease_text(s, r->lease.counter, lease);
	redis_call_text(call, how_of(sent->how));
	redis_call_text(call, r->reply_id);
	redis_call_text(call, r->lease.owner == s->owner_number ? lease : "-");
	redis_call_slice(call, r->client_id);
	redis_call_slice(call, r->question);
	redis_call_int(call, sent->how == STORE_SENT_ACCEPTED ? redis_from_wall_ms(s, sent->posted_ms) : 0);
	redis_call_int(call, sent->delay_ms);
	redis_call_text(call, sent->doubtful ? (sent->unused ? "du" : "d") : sent->unused ? "u" : "");
	redis_call_slice(call, slice_cut(slice_of(sent->reason), STORE_REASON_MAX));
}

static bool gives_slot_back(const struct store_sent *sent)
{
	return sent->how == STORE_SENT_BACK && sent->unused;
}

static enum err send_some(struct redis_call *call, struct shared *s, struct store_sent *sent, size_t n, struct why *why)
{
	const struct redisReply *all;
	bool slots = false;
	enum err err;

	redis_call_reset(call, SCRIPT_SENT);
	redis_call_text(call, s->owner);
	redis_call_int(call, s->settings.rate_limit);
	redis_call_int(call, s->settings.keep_completed);
	for (size_t i = 0; i < n; i++)
		put(call, s, &sent[i]);
	if ((err = redis_call_run(call, why)) != ERR_OK)
		return err;
	all = redis_at(redis_answer(call), 1);
	for (size_t i = 0; i < n; i++) {
		sent[i].err = redis_int(redis_at(all, i)) == 1 ? ERR_OK : ERR_STALE_LEASE;
		slots = slots || gives_slot_back(&sent[i]);
	}
	if (slots)
		waker_wake(s->wakers, WAKE_REPLIES);
	return ERR_OK;
}

enum err shared_sent(struct store *store, struct store_sent *sent, size_t n)
{
	struct shared *s = shared_of(store);
	struct redis_call call;
	struct why why = { 0 };
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_SENT);
	for (size_t i = 0; i < n && err == ERR_OK; i += SHARED_CALL_MOST)
		err = send_some(&call, s, sent + i, n - i < SHARED_CALL_MOST ? n - i : SHARED_CALL_MOST, &why);
	redis_call_end(&call);
	crash_point("sent_done");
	return err;
}
