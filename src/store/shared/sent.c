/* sent.c - what became of claimed replies. */
#include "base/crash.h"
#include "base/log.h"
#include "store/shared/grave.h"
#include "store/shared/held.h"
#include "store/shared/owner.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/waker.h"

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

static void let_go(struct shared *s, const struct store_sent *sent)
{
	if (sent->reply->lease.owner == s->owner_number)
		held_end(s->claims, sent->reply->lease.counter, HELD_GONE);
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
		let_go(s, &sent[i]);
	}
	if (slots)
		waker_wake(s->wakers, WAKE_REPLIES);
	return ERR_OK;
}

/* The script failed with one of them: each alone, so that the outcomes of the others are stored. That one is left to the keeper,
 * who finds it in no list. */
static enum err send_apart(
    struct redis_call *call, struct shared *s, struct store_sent *sent, size_t n, struct why *why)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < n && err == ERR_OK; i++) {
		err = send_some(call, s, &sent[i], 1, why);
		if (!call->at_fault)
			continue;
		log_error("Redis refuses the outcome of a reply", log_word("turn", sent[i].reply->reply_id),
		    log_slice("client", sent[i].reply->client_id), log_word("reason", why->text));
		sent[i].err = ERR_STALE_LEASE;
		let_go(s, &sent[i]);
		err = ERR_OK;
	}
	return err;
}

enum err shared_sent(struct store *store, struct store_sent *sent, size_t n)
{
	struct shared *s = shared_of(store);
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_SENT);
	for (size_t i = 0; i < n && err == ERR_OK; i += SHARED_CALL_MOST) {
		size_t some = n - i < SHARED_CALL_MOST ? n - i : SHARED_CALL_MOST;

		err = send_some(&call, s, sent + i, some, store_why());
		if (call.at_fault)
			err = send_apart(&call, s, sent + i, some, store_why());
	}
	redis_call_end(&call);
	crash_point("sent_done");
	return err;
}
