/* sender_report.c - outcomes go to the store, all that have gathered at once. */
#include "service/sender_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <poll.h>
#include <stdlib.h>

enum { REPORT_MOST = 256, STORE_PAUSE_MS = 200, LONG_MS = 60 * 60 * 1000 };

/* What a suspicion asks of this thread while nothing has ended; how long it may sleep then. */
static int64_t look_after_suspicion(struct sender *s)
{
	int64_t now_ms = clock_mono_ms(), left_ms;

	if (!s->breaker.suspecting || s->stopping)
		return LONG_MS;
	left_ms = sender_suspect_until(s) - now_ms;
	if (left_ms <= 0) {
		breaker_unsuspect(&s->breaker);
		sender_settle_suspect(s);
		return 0;
	}
	if (sender_may_ask_info(s, now_ms)) {
		pthread_mutex_unlock(&s->lock);
		sender_ask_info(s);
		pthread_mutex_lock(&s->lock);
		return 0;
	}
	return left_ms < STORE_PAUSE_MS ? left_ms : STORE_PAUSE_MS;
}

/* Waits for outcomes; 0: all is reported and the sender is at its end. */
static size_t take_ended(struct sender *s, struct posting **ret)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (s->ended.first == NULL && !(s->draining && s->held == 0)) {
		int64_t sleep_ms = look_after_suspicion(s);

		if (s->ended.first == NULL && sleep_ms > 0)
			sender_wait(&s->work, &s->lock, sleep_ms);
	}
	while (n < REPORT_MOST && s->ended.first != NULL)
		ret[n++] = postings_take(&s->ended);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static bool too_late(struct sender *s)
{
	bool late;

	pthread_mutex_lock(&s->lock);
	late = s->draining && clock_mono_ms() >= s->stop_ms;
	pthread_mutex_unlock(&s->lock);
	return late;
}

/* An outcome must not be lost, or its reply is posted again: tries until the store takes it. */
static bool store_outcomes(struct sender *s, struct store_sent *sent, size_t n)
{
	enum err e, logged = ERR_OK;

	while ((e = store_sent(s->store, sent, n)) != ERR_OK) {
		if (too_late(s)) {
			log_error("outcomes of replies not stored, they may be sent again",
			    log_word("reason", store_said(e)), log_number("replies", (int64_t)n));
			return false;
		}
		if (e != logged)
			log_warn("outcomes of replies wait for the store", log_word("reason", store_said(e)));
		logged = e;
		poll(NULL, 0, STORE_PAUSE_MS);
	}
	return true;
}

/* What Chat2Desk said comes last, where it said something: it may repeat the customer's words. */
static void log_outcome(enum log_level level, const char *event, const struct posting *p)
{
	const struct store_reply *r = p->reply;
	const struct log_field fields[] = { log_word("turn", r->reply_id), log_slice("message", r->message_id),
		log_slice("client", r->client_id), log_number("attempt", r->attempt),
		log_word("reason", p->judged.cause), log_text("answer", slice_of(p->judged.reason)) };
	bool more = p->judged.reason[0] != '\0' && strcmp(p->judged.reason, p->judged.cause) != 0;

	if (log_wants(level))
		log_event(level, event, fields, COUNT_OF(fields) - !more);
}

static void note(const struct store_sent *sent, const struct posting *p)
{
	static const struct {
		const char *event;
		enum log_level level;
		enum metric metric;
	} notes[] = {
		[STORE_SENT_ACCEPTED] = { "reply accepted", LOG_DEBUG, METRIC_REPLIES_SENT },
		[STORE_SENT_RETRY] = { "reply failed, will be retried", LOG_WARN, METRIC_REPLIES_RETRIED },
		[STORE_SENT_DEAD] = { "reply is a dead letter", LOG_WARN, METRIC_REPLIES_DEAD },
		[STORE_SENT_BACK] = { "reply given back", LOG_DEBUG, METRIC_COUNT },
	};
	enum metric m = notes[sent->how].metric;
	bool stale = sent->err == ERR_STALE_LEASE;

	if (m != METRIC_COUNT && !stale)
		metric_add(m, 1);
	log_outcome(stale ? LOG_WARN : notes[sent->how].level,
	    stale ? "reply's lease was lost before its outcome" : notes[sent->how].event, p);
}

static void release(struct posting *p)
{
	struct batch *batch = p->batch;

	if (--batch->left > 0)
		return;
	store_replies_free(&batch->replies);
	free(batch);
}

static void report(struct sender *s, struct posting **postings, size_t n)
{
	struct store_sent sent[REPORT_MOST];

	for (size_t i = 0; i < n; i++)
		sent[i] = postings[i]->sent;
	if (store_outcomes(s, sent, n))
		for (size_t i = 0; i < n; i++)
			note(&sent[i], postings[i]);
	for (size_t i = 0; i < n; i++)
		release(postings[i]);
	pthread_mutex_lock(&s->lock);
	s->held -= n;
	s->reported_ms = clock_mono_ms();
	pthread_cond_signal(&s->room);
	pthread_mutex_unlock(&s->lock);
}

void *sender_reporter(void *context)
{
	struct sender *s = context;
	struct posting *postings[REPORT_MOST];
	size_t n;

	pthread_setname_np(pthread_self(), "sender reports");
	while ((n = take_ended(s, postings)) > 0)
		report(s, postings, n);
	return NULL;
}
