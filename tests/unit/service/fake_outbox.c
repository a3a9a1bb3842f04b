/* fake_outbox.c - keeps each client's replies in order, as the store's lanes do. */
#include "fake_outbox.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void outbox_open(struct store *s)
{
	pthread_condattr_t monotonic;

	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void outbox_close(struct store *s)
{
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

void outbox_put(struct store *s, const char *client_id, const char *text)
{
	struct outbox_row *row;

	pthread_mutex_lock(&s->lock);
	assert_true(s->n < OUTBOX_MAX);
	row = &s->row[s->n];
	snprintf(row->reply_id, sizeof row->reply_id, "t-%zu", s->n);
	snprintf(row->client_id, sizeof row->client_id, "%s", client_id);
	snprintf(row->text, sizeof row->text, "%s", text);
	snprintf(row->message_id, sizeof row->message_id, "m-%zu", s->n);
	row->attempt = 1;
	row->order = s->next_order++;
	s->n++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static bool wait_until(struct store *s, int64_t end_us)
{
	struct timespec until = { end_us / 1000000, end_us % 1000000 * 1000 };

	return pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0;
}

static bool all_settled(const struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->row[i].state < OUTBOX_ACCEPTED)
			return false;
	return true;
}

void outbox_wait_settled(struct store *s)
{
	int64_t end_us = clock_mono_us() + 20 * 1000000;
	bool settled;

	pthread_mutex_lock(&s->lock);
	while (!(settled = all_settled(s)) && clock_mono_us() < end_us)
		wait_until(s, end_us);
	pthread_mutex_unlock(&s->lock);
	if (!settled)
		fail_msg("replies are neither accepted nor dead after 20 s");
}

struct outbox_row outbox_row(struct store *s, size_t i)
{
	struct outbox_row row;

	pthread_mutex_lock(&s->lock);
	row = s->row[i];
	pthread_mutex_unlock(&s->lock);
	return row;
}

/* Is an older reply of its client not through yet? */
static bool lane_is_busy(const struct store *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (s->row[k].state < OUTBOX_ACCEPTED && strcmp(s->row[k].client_id, s->row[i].client_id) == 0)
			return true;
	return false;
}

static struct outbox_row *next_due(struct store *s)
{
	struct outbox_row *first = NULL;
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < s->n; i++) {
		struct outbox_row *row = &s->row[i];

		if (row->state == OUTBOX_WAITING && row->due_ms <= now && !lane_is_busy(s, i) &&
		    (first == NULL || row->order < first->order))
			first = row;
	}
	return first;
}

static void claim(struct outbox_row *row, struct store_replies *ret)
{
	struct store_reply *r = &ret->reply[ret->n++];

	row->state = OUTBOX_CLAIMED;
	snprintf(r->reply_id, sizeof r->reply_id, "%s", row->reply_id);
	r->client_id = slice_copy(&ret->arena, slice_of(row->client_id));
	r->text = slice_copy(&ret->arena, slice_of(row->text));
	r->message_id = slice_copy(&ret->arena, slice_of(row->message_id));
	r->attempt = row->attempt;
	r->doubtful = row->doubtful;
	r->arrived_us = clock_mono_us();
}

enum err store_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret)
{
	int64_t end_us = clock_mono_us() + wait_ms * 1000;
	struct outbox_row *row;
	enum err e;

	ret->reply = arena_alloc(&ret->arena, most * sizeof *ret->reply);
	pthread_mutex_lock(&s->lock);
	s->claims++;
	s->claimed_most = most > s->claimed_most ? (unsigned)most : s->claimed_most;
	while (!s->stopped && next_due(s) == NULL && clock_mono_us() < end_us)
		wait_until(s, end_us < clock_mono_us() + 10000 ? end_us : clock_mono_us() + 10000);
	e = s->stopped ? ERR_STOPPED : s->claim;
	while (e == ERR_OK && ret->n < most && (row = next_due(s)) != NULL)
		claim(row, ret);
	pthread_mutex_unlock(&s->lock);
	return e;
}

void store_replies_free(struct store_replies *replies)
{
	arena_free(&replies->arena);
	*replies = (struct store_replies){ 0 };
}

static void apply(struct store *s, struct outbox_row *row, const struct store_sent *sent)
{
	assert_int_equal(row->state, OUTBOX_CLAIMED);
	snprintf(row->reason, sizeof row->reason, "%s", sent->reason != NULL ? sent->reason : "");
	row->last_delay_ms = sent->delay_ms;
	row->doubtful = sent->doubtful;
	row->state = OUTBOX_WAITING;
	switch (sent->how) {
	case STORE_SENT_ACCEPTED:
		row->state = OUTBOX_ACCEPTED;
		row->posted_ms = sent->posted_ms;
		row->accepted++;
		break;
	case STORE_SENT_DEAD:
		row->state = OUTBOX_DEAD;
		break;
	case STORE_SENT_RETRY:
		row->attempt++;
		row->retried++;
		row->due_ms = clock_mono_ms() + sent->delay_ms;
		break;
	case STORE_SENT_BACK:
		row->back++;
		row->back_unused += sent->unused;
		row->due_ms = clock_mono_ms() + sent->delay_ms;
		row->order = s->next_order++;
		break;
	}
}

enum err store_sent(struct store *s, struct store_sent *sent, size_t n)
{
	bool fail;

	pthread_mutex_lock(&s->lock);
	s->sent_calls++;
	fail = s->fail_sent > 0;
	s->fail_sent -= fail;
	for (size_t i = 0; i < n && !fail; i++)
		for (size_t k = 0; k < s->n; k++)
			if (strcmp(s->row[k].reply_id, sent[i].reply->reply_id) == 0)
				apply(s, &s->row[k], &sent[i]);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return fail ? ERR_IO : ERR_OK;
}

enum err store_rate(struct store *s)
{
	enum err e;

	pthread_mutex_lock(&s->lock);
	s->rate_calls++;
	e = s->rate;
	pthread_mutex_unlock(&s->lock);
	return e;
}

const char *store_said(enum err e)
{
	return err_text(e);
}
