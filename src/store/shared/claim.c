/* claim.c - replies that are due, each with a slot of the rate window. */
#include "base/clock.h"
#include "store/shared/disown.h"
#include "store/shared/held.h"
#include "store/shared/job.h"
#include "store/shared/owner.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/waker.h"

enum { ANSWER_NOW, ANSWER_WHY, ANSWER_WAIT, ANSWER_REPLIES };
enum { REPLY_ID, REPLY_LEASE, REPLY_DATA, REPLY_C, REPLY_ATTEMPTS, REPLY_DOUBTFUL, REPLY_TIMESTAMP };

struct claim {
	struct shared *s;
	struct store_replies *ret;
	size_t most;
	int64_t wait_ms; /* until the next may be claimed; 0: not known */
	enum wake_how how;
};

/* A reply whose words people have made unreadable is dead, and its lane goes on. */
static void bury_broken(struct claim *c, const struct store_reply *reply)
{
	struct store_sent sent = { .reply = reply, .how = STORE_SENT_DEAD, .reason = "the job's data is not a reply" };

	(void)!shared_sent(&c->s->store, &sent, 1); /* else its claim ends, and it is claimed again */
}

static void read_reply(struct claim *c, const struct redisReply *r, int64_t post_before_ms)
{
	struct arena *a = &c->ret->arena;
	struct store_reply *reply = &c->ret->reply[c->ret->n];
	struct job_reply job;
	struct job_c from = { 0 };

	(void)job_read_reply_c(redis_text(redis_at(r, REPLY_C)), &from);
	*reply = (struct store_reply){
		.client_id = slice_copy(a, from.client_id),
		.attempt = (unsigned)redis_int(redis_at(r, REPLY_ATTEMPTS)) + 1,
		.doubtful = redis_int(redis_at(r, REPLY_DOUBTFUL)) != 0,
		.created_ms = redis_int(redis_at(r, REPLY_TIMESTAMP)),
		.arrived_us = job_arrived_us(c->s, &from),
		.post_before_ms = post_before_ms,
	};
	(void)slice_to_buffer(redis_text(redis_at(r, REPLY_ID)), reply->reply_id, sizeof reply->reply_id);
	(void)owner_lease_read(redis_text(redis_at(r, REPLY_LEASE)), &reply->lease);
	held_put(c->s->claims, &(struct held_turn){ .counter = reply->lease.counter, .client_id = reply->client_id });
	if (!job_read_reply(redis_text(redis_at(r, REPLY_DATA)), a, &job)) {
		bury_broken(c, reply);
		return;
	}
	reply->text = job.text;
	reply->transport = job.transport;
	reply->question = job.question;
	reply->message_id = job.message_id;
	reply->channel_id = job.channel_id;
	c->ret->n++;
}

static enum err claim_some(struct claim *c, struct redis_call *call, size_t most, size_t *got, struct why *why)
{
	uint64_t first = owner_counters(c->s, most);
	int64_t began = clock_mono_ms();
	const struct redisReply *replies;
	enum err err;

	redis_call_reset(call, SCRIPT_CLAIM);
	redis_call_int(call, (int64_t)most);
	redis_call_text(call, c->s->owner);
	redis_call_int(call, (int64_t)first);
	redis_call_int(call, c->s->settings.rate_limit);
	redis_call_int(call, c->s->settings.send_timeout_ms + c->s->settings.lease_ms);
	*got = 0;
	if ((err = redis_call_run(call, why)) != ERR_OK) {
		disown_note(c->s, call, first, most);
		return err;
	}
	replies = redis_at(redis_answer(call), ANSWER_REPLIES);
	c->wait_ms = redis_int(redis_at(redis_answer(call), ANSWER_WAIT));
	for (*got = 0; *got < redis_n(replies); ++*got)
		read_reply(c, redis_at(replies, *got), began + c->s->settings.lease_ms);
	return ERR_OK;
}

static bool said(const struct redis_call *call, const char *word)
{
	return slice_eq(redis_text(redis_at(redis_answer(call), ANSWER_WHY)), slice_of(word));
}

static enum err claim_all(struct claim *c, struct why *why)
{
	struct redis_call call;
	size_t claimed = 0;
	bool beaten = false;
	enum err err = ERR_OK;

	redis_call_begin(&call, c->s, SCRIPT_CLAIM);
	while (claimed < c->most && !atomic_load(&c->s->stopping)) {
		size_t most = c->most - claimed, got;

		most = most < SHARED_CALL_MOST ? most : SHARED_CALL_MOST;
		if ((err = claim_some(c, &call, most, &got, why)) != ERR_OK)
			break;
		claimed += got;
		if (said(&call, "unknown") && !beaten && owner_beat(c->s, why) == ERR_OK) {
			beaten = true;
			continue;
		}
		c->how = said(&call, "empty") ? WAKE_BY_LIST : WAKE_BY_TIME;
		if (got < most && !said(&call, "more"))
			break;
	}
	redis_call_end(&call);
	return c->ret->n > 0 ? ERR_OK : err;
}

static enum err look(struct claim *c, struct why *why)
{
	struct disown_watch watch;
	enum err err;

	arena_reset(&c->ret->arena);
	c->ret->n = 0;
	c->ret->reply = arena_alloc(&c->ret->arena, (c->most + 1) * sizeof *c->ret->reply);
	c->wait_ms = 0;
	if ((err = disown_lost(c->s, why)) != ERR_OK)
		return err;
	disown_watch(c->s, &watch);
	err = claim_all(c, why);
	disown_unwatch(c->s, &watch);
	return err;
}

enum err shared_claim(struct store *store, size_t most, int64_t wait_ms, struct store_replies *ret)
{
	struct shared *s = shared_of(store);
	struct claim c = { .s = s, .ret = ret, .most = most };
	int64_t deadline_ms = clock_mono_ms() + wait_ms, until_ms;
	struct waking waking;
	enum err err;

	ret->n = 0;
	if (most == 0)
		return ERR_OK;
	waker_begin(s->wakers, &waking, WAKE_REPLIES);
	for (;;) {
		err = atomic_load(&s->stopping) ? ERR_STOPPED : look(&c, store_why());
		if (err != ERR_OK || ret->n > 0 || clock_mono_ms() >= deadline_ms)
			break;
		until_ms = c.wait_ms != 0 ? clock_mono_ms() + c.wait_ms : deadline_ms;
		if ((err = waker_wait(s->wakers, &waking, c.how, until_ms < deadline_ms ? until_ms : deadline_ms)) !=
		    ERR_OK)
			break;
	}
	waker_end(s->wakers, &waking);
	return err;
}
