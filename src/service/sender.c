/* sender.c - the sender's start and stop, and its claimer. */
#include "service/sender.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/wait.h"
#include "service/sender_inside.h"

#include <stdlib.h>

enum { CLAIM_WAIT_MS = 500, STORE_PAUSE_MS = 1000 };

void sender_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
	(void)wait_until(cond, lock, clock_mono_us() + ms * 1000);
}

static size_t room(const struct sender *s)
{
	size_t most = 2 * (size_t)s->settings->send_concurrency;

	if (s->stopping || s->breaker.state != BREAKER_WORKING || s->held >= most)
		return 0;
	return most - s->held;
}

/* How many to claim now. While the API is in trouble: one, as a probe, when it is time for it. */
static size_t claimable(const struct sender *s, bool *ret_probe)
{
	*ret_probe = s->breaker.state != BREAKER_WORKING;
	if (!*ret_probe)
		return room(s);
	return s->under_way == 0 && breaker_wait_ms(&s->breaker, clock_mono_ms()) == 0 ? 1 : 0;
}

/* Waits until something may be claimed; 0: the sender is stopping. */
static size_t await_room(struct sender *s, bool *ret_probe)
{
	size_t most = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping && (most = claimable(s, ret_probe)) == 0) {
		int64_t wait_ms = breaker_wait_ms(&s->breaker, clock_mono_ms());

		s->claiming_ms = 0;
		sender_wait(&s->room, &s->lock, wait_ms > 0 ? wait_ms : CLAIM_WAIT_MS);
	}
	if (s->stopping)
		most = 0;
	if (s->claiming_ms == 0)
		s->claiming_ms = clock_mono_ms();
	pthread_mutex_unlock(&s->lock);
	return most;
}

static void pause_for_store(struct sender *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->stopping)
		sender_wait(&s->room, &s->lock, STORE_PAUSE_MS);
	pthread_mutex_unlock(&s->lock);
}

static void claimed(struct sender *s)
{
	pthread_mutex_lock(&s->lock);
	s->claiming_ms = 0;
	pthread_mutex_unlock(&s->lock);
}

static void *claimer(void *context)
{
	struct sender *s = context;
	enum err logged = ERR_OK;
	bool probe;
	size_t most;

	pthread_setname_np(pthread_self(), "sender claims");
	while ((most = await_room(s, &probe)) > 0) {
		struct store_replies replies = { 0 };
		enum err e = store_claim(s->store, most, CLAIM_WAIT_MS, &replies);

		if (e != ERR_OK)
			store_replies_free(&replies);
		if (e == ERR_STOPPED)
			return NULL;
		if (e != ERR_OK) {
			if (e != logged)
				log_warn("replies cannot be claimed", log_word("reason", store_said(e)));
			pause_for_store(s);
		} else {
			claimed(s);
			sender_take_as(s, &replies, probe);
		}
		logged = e;
	}
	return NULL;
}

static char *join(const char *a, struct slice b, const char *c)
{
	struct buf text = { 0 };

	buf_text(&text, a);
	buf_slice(&text, b);
	buf_text(&text, c);
	return text.p;
}

static void set_addresses(struct sender *s)
{
	struct slice base = slice_trim(slice_of(s->settings->api_url));

	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	s->message_url = join("", base, "/messages");
	s->info_url = join("", base, "/companies/api_info");
	s->authorization = join("Authorization: ", c2d_token(s->settings->api_token), "");
}

static void set_locks(struct sender *s)
{
	pthread_mutex_init(&s->lock, NULL);
	wait_init(&s->room);
	wait_init(&s->work);
}

static void sender_free(struct sender *s)
{
	transfer_close(&s->pool);
	pthread_cond_destroy(&s->room);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	buf_free(&s->body);
	free(s->message_url);
	free(s->info_url);
	free(s->authorization);
	free(s);
}

/* Ends the reporter, which needs nothing more once all is reported. */
static void end_reporter(struct sender *s)
{
	pthread_mutex_lock(&s->lock);
	s->draining = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->reporter, NULL);
}

static enum err start_threads(struct sender *s, struct why *why)
{
	if (pthread_create(&s->reporter, NULL, sender_reporter, s) != 0)
		return why_fail(why, ERR_AGAIN, "no thread for the sender: raise the limit of processes (ulimit -u)");
	if (pthread_create(&s->claimer, NULL, claimer, s) != 0) {
		end_reporter(s);
		return why_fail(why, ERR_AGAIN, "no thread for the sender: raise the limit of processes (ulimit -u)");
	}
	return ERR_OK;
}

enum err sender_start(const struct settings *settings, struct store *store, sender_report *report, void *context,
    struct sender **ret, struct why *why)
{
	struct sender *s = mem_alloc(sizeof *s);
	enum err e;

	s->settings = settings;
	s->store = store;
	s->report = report;
	s->report_context = context;
	s->waiting.end = &s->waiting.first;
	s->ended.end = &s->ended.first;
	s->reported_ms = clock_mono_ms();
	set_addresses(s);
	set_locks(s);
	metric_set(METRIC_API_AWAY, 0);
	e = transfer_open((unsigned)settings->send_concurrency + 1, &s->pool, why); /* one for api_info */
	if (e == ERR_OK)
		e = start_threads(s, why);
	if (e != ERR_OK) {
		sender_free(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

size_t sender_room(struct sender *sender)
{
	size_t n;

	pthread_mutex_lock(&sender->lock);
	n = room(sender);
	pthread_mutex_unlock(&sender->lock);
	return n;
}

void sender_take(struct sender *sender, struct store_replies *replies)
{
	sender_take_as(sender, replies, false);
}

static void begin_stop(struct sender *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	s->stop_ms = clock_mono_ms() + s->settings->drain_ms;
	sender_post_waiting(s);
	sender_settle_suspect(s);
	pthread_cond_broadcast(&s->room);
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static void let_calls_end(struct sender *s)
{
	int64_t left_ms;

	pthread_mutex_lock(&s->lock);
	while ((s->under_way > 0 || s->confirming) && (left_ms = s->stop_ms - clock_mono_ms()) > 0)
		sender_wait(&s->work, &s->lock, left_ms);
	pthread_mutex_unlock(&s->lock);
	transfer_cut(s->pool);
}

void sender_stop(struct sender **sender)
{
	struct sender *s = *sender;

	if (s == NULL)
		return;
	*sender = NULL;
	begin_stop(s);
	pthread_join(s->claimer, NULL);
	let_calls_end(s);
	end_reporter(s);
	sender_free(s);
}

int64_t sender_stalled_ms(struct sender *sender)
{
	int64_t now_ms = clock_mono_ms(), claim_ms, outcome_ms;

	pthread_mutex_lock(&sender->lock);
	claim_ms = sender->claiming_ms != 0 ? now_ms - sender->claiming_ms - CLAIM_WAIT_MS : 0;
	outcome_ms = sender->breaker.state == BREAKER_WORKING && sender->held > 0
			 ? now_ms - sender->reported_ms - sender->settings->send_timeout_ms
			 : 0;
	pthread_mutex_unlock(&sender->lock);
	if (outcome_ms > claim_ms)
		claim_ms = outcome_ms;
	return claim_ms > 0 ? claim_ms : 0;
}
