/* sender_post.c - from a claimed reply to the outcome of its POST. */
#include "service/sender_inside.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "service/backoff.h"

#include <stdio.h>

void postings_add(struct postings *list, struct posting *p)
{
	p->next = NULL;
	*list->end = p;
	list->end = &p->next;
}

struct posting *postings_take(struct postings *list)
{
	struct posting *p = list->first;

	if (p == NULL)
		return NULL;
	list->first = p->next;
	if (list->first == NULL)
		list->end = &list->first;
	return p;
}

static void end(struct sender *s, struct posting *p)
{
	p->sent.reply = p->reply;
	postings_add(&s->ended, p);
	pthread_cond_broadcast(&s->work);
}

static void give_back_unposted(struct sender *s, struct posting *p, const char *reason)
{
	snprintf(p->judged.cause, sizeof p->judged.cause, "%s", reason);
	p->sent = (struct store_sent){
		.how = STORE_SENT_BACK, .doubtful = p->reply->doubtful, .unused = true, .reason = p->judged.cause
	};
	end(s, p);
}

/* The surroundings failed: nothing is spent. What never reached Chat2Desk used no call either. */
static void give_back(struct sender *s, struct posting *p)
{
	p->sent = (struct store_sent){ .how = STORE_SENT_BACK,
		.doubtful = p->reply->doubtful || p->judged.maybe_sent,
		.unused = p->judged.verdict == C2D_AWAY,
		.reason = p->judged.reason };
	end(s, p);
}

static void own_outcome(struct sender *s, struct posting *p)
{
	const struct store_reply *reply = p->reply;
	struct store_sent *sent = &p->sent;

	*sent = (struct store_sent){ .reason = p->judged.reason, .doubtful = reply->doubtful || p->judged.maybe_sent };
	if (p->judged.verdict == C2D_ACCEPTED) {
		sent->how = STORE_SENT_ACCEPTED;
		sent->posted_ms = p->posted_ms;
		if (reply->arrived_us != 0)
			metric_observe(METRIC_REPLY_LATENCY, clock_mono_us() - reply->arrived_us);
	} else if (p->judged.verdict == C2D_REJECTED || reply->attempt >= (uint64_t)s->settings->send_attempts) {
		sent->how = STORE_SENT_DEAD;
	} else {
		sent->how = STORE_SENT_RETRY;
		sent->delay_ms = random_jitter(backoff_ms(reply->attempt));
	}
	end(s, p);
}

/* A suspicion that has ended decides on the reply that raised it. */
void sender_settle_suspect(struct sender *s)
{
	struct posting *p = s->suspect;

	if (p == NULL || (s->breaker.suspecting && !s->stopping))
		return;
	s->suspect = NULL;
	if (s->stopping || s->breaker.state != BREAKER_WORKING)
		give_back(s, p);
	else
		own_outcome(s, p);
}

static void settle(struct sender *s, struct posting *p)
{
	if (s->stopping && breaker_blames_surroundings(p->judged.verdict)) {
		give_back(s, p);
		return;
	}
	switch (breaker_judged(&s->breaker, &p->judged, p->reply->client_id, p->probe, clock_mono_ms())) {
	case BREAKER_OWN:
		own_outcome(s, p);
		break;
	case BREAKER_HELD:
		s->suspect = p;
		s->confirm_at_ms = 0;
		pthread_cond_broadcast(&s->work);
		break;
	case BREAKER_BACK:
		give_back(s, p);
		break;
	}
}

/* What has become of the breaker, to be told once the lock is free. */
struct change {
	bool changed, ok, away;
	char reason[sizeof((struct breaker *)0)->reason];
};

static struct change change_since(struct sender *s, enum breaker_state before)
{
	struct change c = { .changed = s->breaker.state != before,
		.ok = s->breaker.state == BREAKER_WORKING,
		.away = s->breaker.state == BREAKER_AWAY };

	if (!c.ok)
		memcpy(c.reason, s->breaker.reason, sizeof c.reason);
	if (c.changed || !c.ok)
		pthread_cond_broadcast(&s->room);
	return c;
}

/* On the transfer pool's thread, which alone changes the breaker's state: changes are told in their order. */
static void tell(struct sender *s, const struct change *c)
{
	if (!c->changed)
		return;
	metric_set(METRIC_API_AWAY, c->away);
	if (c->ok)
		log_info("api works again", log_word("api", s->settings->api_url));
	else
		log_warn("api in trouble", log_word("api", s->settings->api_url), log_word("reason", c->reason));
	if (s->report != NULL)
		s->report(s->report_context, c->ok, c->reason);
}

static void count(const struct transfer_result *result, const struct c2d_judgement *judged)
{
	if (result->end == TRANSFER_ANSWERED)
		metric_observe(METRIC_API_LATENCY, result->took_us);
	if (judged->verdict == C2D_LIMITED || judged->verdict == C2D_QUOTA)
		metric_add(METRIC_API_429, 1);
}

static void post_ended(void *context, const struct transfer_result *result)
{
	struct posting *p = context;
	struct sender *s = p->sender;
	enum breaker_state before;
	struct change change;

	c2d_judge(result, &p->judged);
	p->posted_ms = result->started_ms;
	if (p->judged.verdict == C2D_ACCEPTED)
		crash_point("posted");
	count(result, &p->judged);
	if (p->reply->doubtful && (result->end == TRANSFER_ANSWERED || result->end == TRANSFER_MAYBE_SENT))
		metric_add(METRIC_MAYBE_DOUBLED, 1);
	pthread_mutex_lock(&s->lock);
	before = s->breaker.state;
	s->under_way--;
	if (result->end == TRANSFER_CANCELLED)
		give_back_unposted(s, p, "its POST did not begin in time");
	else
		settle(s, p);
	sender_settle_suspect(s);
	sender_post_waiting(s);
	change = change_since(s, before);
	pthread_mutex_unlock(&s->lock);
	tell(s, &change);
}

static void post(struct sender *s, struct posting *p)
{
	const struct store_reply *r = p->reply;
	const char *const headers[] = { s->authorization, "Content-Type: application/json" };
	struct c2d_outgoing message = { .client_id = r->client_id,
		.text = r->text,
		.type = s->settings->message_type == 0 ? "to_client" : "autoreply",
		.transport = r->transport,
		.channel_id = r->channel_id,
		.external_id = slice_of(r->reply_id) };
	struct transfer_request request = { .method = "POST",
		.url = s->message_url,
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.timeout_ms = (unsigned)s->settings->send_timeout_ms,
		.begin_before_ms = r->post_before_ms };

	buf_reset(&s->body);
	c2d_message_body(&s->body, &message);
	request.body = buf_as_slice(&s->body);
	s->under_way++;
	metric_add(METRIC_API_CALLS, 1);
	crash_point("posting");
	transfer_start(s->pool, &request, post_ended, p);
}

/* A claim's lease is SEND_TIMEOUT_MS + LEASE_MS: half of LEASE_MS for waiting here, SEND_TIMEOUT_MS for the POST,
 * a quarter for a suspicion, and the last one for the report. */
static int64_t waits_until(const struct sender *s, const struct posting *p)
{
	return p->batch->claimed_ms + s->settings->lease_ms / 2;
}

/* How long a suspicion may be held: SUSPECT_MS, but never into the time kept for the report. */
int64_t sender_suspect_until(const struct sender *s)
{
	enum { SUSPECT_MS = 10000 };
	int64_t until = s->breaker.suspected_ms + SUSPECT_MS, lease;

	if (s->suspect == NULL)
		return until;
	lease = s->suspect->batch->claimed_ms + s->settings->send_timeout_ms + s->settings->lease_ms * 3 / 4;
	return until < lease ? until : lease;
}

/* Why a waiting reply must not be posted; NULL: it may. */
static const char *obstacle(const struct sender *s, const struct posting *p, int64_t now_ms)
{
	if (s->stopping)
		return "the sender is stopping";
	if (s->breaker.state != BREAKER_WORKING && !p->probe)
		return s->breaker.reason;
	if (now_ms >= waits_until(s, p))
		return "it waited too long for its lease";
	return NULL;
}

void sender_post_waiting(struct sender *s)
{
	int64_t now_ms = clock_mono_ms();
	struct posting *p;

	while ((p = s->waiting.first) != NULL) {
		const char *reason = obstacle(s, p, now_ms);

		if (reason == NULL && s->under_way >= (uint64_t)s->settings->send_concurrency)
			return;
		postings_take(&s->waiting);
		if (reason != NULL)
			give_back_unposted(s, p, reason);
		else
			post(s, p);
	}
}

void sender_take_as(struct sender *s, struct store_replies *replies, bool probe)
{
	size_t n = replies->n;
	struct batch *batch;

	if (n == 0) {
		store_replies_free(replies);
		return;
	}
	batch = mem_alloc(sizeof *batch + n * sizeof batch->posting[0]);
	batch->replies = *replies;
	batch->left = n;
	batch->claimed_ms = clock_mono_ms();
	*replies = (struct store_replies){ 0 };
	pthread_mutex_lock(&s->lock);
	if (s->held == 0)
		s->reported_ms = batch->claimed_ms;
	s->held += n;
	for (size_t i = 0; i < n; i++) {
		struct posting *p = &batch->posting[i];

		*p = (struct posting){
			.sender = s, .batch = batch, .reply = &batch->replies.reply[i], .probe = probe && i == 0
		};
		postings_add(&s->waiting, p);
	}
	sender_post_waiting(s);
	pthread_mutex_unlock(&s->lock);
}

static void info_ended(void *context, const struct transfer_result *result)
{
	struct sender *s = context;
	struct c2d_judgement judged;
	enum breaker_state before;
	struct change change;

	c2d_judge(result, &judged);
	count(result, &judged);
	pthread_mutex_lock(&s->lock);
	before = s->breaker.state;
	s->confirming = false;
	breaker_confirmed(&s->breaker, &judged, clock_mono_ms());
	sender_settle_suspect(s);
	sender_post_waiting(s);
	change = change_since(s, before);
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	tell(s, &change);
}

bool sender_may_ask_info(const struct sender *s, int64_t now_ms)
{
	return s->breaker.suspecting && !s->stopping && !s->confirming && s->under_way == 0 &&
	       s->waiting.first == NULL && now_ms >= s->confirm_at_ms;
}

/* Its verdict must come before the suspicion ends. */
static int64_t info_timeout(const struct sender *s, int64_t now_ms)
{
	enum { LONGEST_MS = 5000, SHORTEST_MS = 100 };
	int64_t left = sender_suspect_until(s) - now_ms;
	int64_t most = s->settings->send_timeout_ms < LONGEST_MS ? s->settings->send_timeout_ms : LONGEST_MS;

	left = left < most ? left : most;
	return left > SHORTEST_MS ? left : SHORTEST_MS;
}

void sender_ask_info(struct sender *s)
{
	enum { NO_SLOT_MS = 1000 };
	const char *const headers[] = { s->authorization };
	bool slot = store_rate(s->store) == ERR_OK;
	int64_t timeout_ms;

	pthread_mutex_lock(&s->lock);
	timeout_ms = info_timeout(s, clock_mono_ms());
	s->confirming = slot;
	s->confirm_at_ms = slot ? 0 : clock_mono_ms() + NO_SLOT_MS;
	pthread_mutex_unlock(&s->lock);
	if (!slot)
		return;
	metric_add(METRIC_API_CALLS, 1);
	transfer_start(s->pool,
	    &(struct transfer_request){ .method = "GET",
		.url = s->info_url,
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.timeout_ms = (unsigned)timeout_ms },
	    info_ended, s);
}
