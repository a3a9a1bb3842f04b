/* model.c - the promises, and the checks whether they are kept. */
#include "model.h"

#include "base/clock.h"
#include "given.h"

#include <stdlib.h>

enum { LEASE_MARGIN_MS = 500 /* a claim that has more left than this cannot lose its lease before the POST */ };

/* A client's dialog as text: how many messages were applied, the next fresh one, replies, orders, dialogs. */
struct story {
	int applied, next, replies, orders, dialog;
};

uint64_t dice(struct actor *a, uint64_t sides)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random % sides;
}

void model_begin(struct model *m, struct fixture *f)
{
	fixture_close(f);
	f->settings.turn_backoff_ms = 1;
	f->settings.lease_ms = f->subject->crash_lease_ms;
	*m = (struct model){ 0 };
	(void)pthread_mutex_init(&m->lock, NULL);
}

void model_after_crash(struct model *m, const struct fixture *f)
{
	(void)pthread_mutex_init(&m->lock, NULL);
	m->turns_held = 0;
	m->alone_held = false;
	for (int i = 0; i < MODEL_CLIENTS; i++) {
		struct model_client *c = &m->client[i];

		c->outstanding = 0;
		if (f->subject->records && c->applied_most > c->applied_least)
			c->in_doubt = c->applied_most;
	}
}

static void lock(struct actor *a)
{
	(void)pthread_mutex_lock(&a->m->lock);
	a->m->steps++;
}

static void unlock(struct actor *a)
{
	(void)pthread_mutex_unlock(&a->m->lock);
}

static char *text(struct actor *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static char *text(struct actor *a, const char *fmt, ...)
{
	struct given *h = given_new(a->f);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(h->text, sizeof h->text, fmt, ap);
	va_end(ap);
	return h->text;
}

static int number_at(struct slice s, int which)
{
	const char *p = s.p;

	for (int i = 0; i < which; i++)
		p = strchr(p, ' ') + 1;
	return atoi(p);
}

static struct story read_story(struct slice s)
{
	if (s.n == 0)
		return (struct story){ 0 };
	return (struct story){ number_at(s, 0), number_at(s, 1), number_at(s, 2), number_at(s, 3), number_at(s, 4) };
}

static int client_of(struct slice client_id)
{
	CHECK(client_id.n == 2 && client_id.p[0] == 'c');
	return client_id.p[1] - '0';
}

/* ---- intake ---- */

static struct store_message numbered(struct actor *a, int client, int number)
{
	return message(text(a, "c%d", client), text(a, "%d-%d", client, number), text(a, "%d", number));
}

void actor_add(struct actor *a, int client)
{
	struct model_client *c = &a->m->client[client];
	struct store_message batch[4];
	enum store_added ret[4];
	size_t n = 1 + dice(a, 3);

	CHECK(c->added + 4 <= MODEL_MESSAGES);
	lock(a);
	c->adding = true;
	unlock(a);
	for (size_t i = 0; i < n; i++)
		batch[i] = numbered(a, client, c->added + (int)i);
	batch[n] = batch[dice(a, n)];
	CHECK_INT(store_add(a->f->s, batch, n + 1, ret), ERR_OK);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(ret[i], STORE_ADDED);
	CHECK_INT(ret[n], STORE_DUPLICATE);
	lock(a);
	c->added += (int)n;
	c->adding = false;
	unlock(a);
}

/* Chat2Desk delivers again what was not answered: all of the batch, that is three at most. */
void actor_add_again(struct actor *a)
{
	for (int i = 0; i < MODEL_CLIENTS; i++) {
		struct model_client *c = &a->m->client[i];
		struct store_message batch[3];
		enum store_added ret[3];

		for (int k = 0; k < 3; k++)
			batch[k] = numbered(a, i, c->added + k);
		if (c->adding) {
			CHECK_INT(store_add(a->f->s, batch, 3, ret), ERR_OK);
			c->added += 3;
			c->adding = false;
		}
		if (c->added > 0) {
			struct store_message old = numbered(a, i, (int)dice(a, (uint64_t)c->added));

			CHECK_INT(store_add(a->f->s, &old, 1, ret), ERR_OK);
			CHECK_INT(ret[0], STORE_DUPLICATE);
		}
	}
}

/* ---- worker ---- */

/* A fresh message is the next one, apart from the dead; one that was dead comes when it may. */
static void check_message(struct model_client *c, struct story *story, const struct store_message *m)
{
	int number = number_at(m->text, 0);

	CHECK(number >= 0 && number < c->added + 3);
	CHECK(c->fate[number] != MESSAGE_APPLIED);
	c->fate[number] = MESSAGE_UNSURE;
	if (m->late || m->forced)
		return;
	CHECK(number >= story->next);
	for (int i = story->next; i < number; i++)
		CHECK(c->fate[i] == MESSAGE_DEAD || c->fate[i] == MESSAGE_UNSURE);
	story->next = number + 1;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static void check_turn(struct actor *a, const struct store_turn *turn)
{
	struct model_client *c = &a->m->client[client_of(turn->client_id)];
	struct story story = read_story(turn->dialog);

	CHECK(turn->n_messages > 0 && turn->n_messages <= STORE_TURN_MESSAGES_MAX);
	CHECK(!turn->expired);
	CHECK(story.applied >= c->applied_least && story.applied <= c->applied_most);
	if (c->in_doubt <= story.applied)
		c->in_doubt = 0;
	c->applied_least = story.applied;
	c->applied_most = larger(story.applied, c->in_doubt);
	CHECK(!a->m->alone_held);
	CHECK(!turn->alone || a->m->turns_held == 0);
	for (size_t i = 0; i < turn->n_messages; i++)
		check_message(c, &story, &turn->messages[i]);
	a->m->alone_held = turn->alone;
	a->m->turns_held++;
	a->m->turns++;
}

void actor_take(struct actor *a)
{
	struct store_turns *turns;

	if (a->turns == ACTOR_HOLDS)
		return;
	turns = take(a->f, 1 + dice(a, ACTOR_HOLDS - a->turns), 0);
	lock(a);
	for (size_t i = 0; i < turns->n; i++) {
		check_turn(a, &turns->turn[i]);
		a->turn[a->turns++] = (struct actor_turn){ &turns->turn[i], turns };
	}
	unlock(a);
}

/* The turn is on its way out of our hands: from here on another may get it. */
static void let_go(struct actor *a, const struct store_turn *turn)
{
	a->m->turns_held--;
	if (turn->alone)
		a->m->alone_held = false;
}

static const struct store_turn *pick_turn(struct actor *a)
{
	size_t i = dice(a, a->turns);
	const struct store_turn *turn = a->turn[i].turn;

	a->turn[i] = a->turn[--a->turns];
	return turn;
}

static struct story told(const struct store_turn *turn)
{
	struct story story = read_story(turn->dialog);

	for (size_t i = 0; i < turn->n_messages; i++) {
		const struct store_message *m = &turn->messages[i];

		story.applied++;
		if (!m->late && !m->forced)
			story.next = number_at(m->text, 0) + 1;
	}
	return story;
}

/* Sometimes an order, sometimes again in the same dialog; sometimes a new dialog begins. */
static const struct store_order_new *maybe_order(struct actor *a, const struct store_turn *turn, struct story *story)
{
	struct given *h;

	if (turn->order_number != 0 && dice(a, 3) == 0)
		story->dialog++;
	else if (dice(a, 4) != 0)
		return NULL;
	else if (turn->order_number == 0)
		story->orders++;
	else
		CHECK(story->orders > 0);
	if (story->dialog != read_story(turn->dialog).dialog)
		return NULL;
	h = given_new(a->f);
	h->order = (struct store_order_new){
		.dialog_id = slice_of(text(a, "dialog %d %d", client_of(turn->client_id), story->dialog)),
		.phone = SLICE("+49"),
		.address = SLICE("here"),
		.quantity = 1,
	};
	return &h->order;
}

static struct store_result make_result(struct actor *a, const struct store_turn *turn)
{
	struct story story = told(turn);
	int client = client_of(turn->client_id);
	const struct store_order_new *order = maybe_order(a, turn, &story);
	struct given *h = given_new(a->f);
	struct finish_with with = { .order = order, .dialog = h->text };

	with.dialog_id = text(a, "dialog %d %d", client, story.dialog);
	if (dice(a, 4) != 0) {
		with.reply = text(a, "%d %d", client, ++story.replies);
		CHECK(story.replies < MODEL_REPLIES);
	}
	with.question = dice(a, 2) == 0 ? "q" : "";
	(void)snprintf(h->text, sizeof h->text, "%d %d %d %d %d", story.applied, story.next, story.replies,
	    story.orders, story.dialog);
	return result_of(a->f, turn, &with);
}

/* From here on the messages may be applied; until the finish has returned they may also come again. */
static void intend(struct actor *a, const struct store_result *r)
{
	struct model_client *c = &a->m->client[client_of(r->turn->client_id)];

	let_go(a, r->turn);
	c->applied_most = larger(read_story(r->dialog).applied, c->in_doubt);
}

static void hold_reply(struct actor *a, const struct store_reply *reply);

static void finished(struct actor *a, const struct store_result *r)
{
	struct model_client *c = &a->m->client[client_of(r->turn->client_id)];
	int applied = read_story(r->dialog).applied;

	if (r->err == ERR_STALE_LEASE && c->in_doubt != 0) {
		c->in_doubt = 0; /* the next turn shows what is true */
		return;
	}
	CHECK_INT(r->err, ERR_OK);
	c->in_doubt = 0;
	CHECK((r->order != NULL) == (r->order_number != 0));
	CHECK(r->order == NULL || r->turn->order_number == 0 || r->turn->order_number == r->order_number);
	if (c->applied_least < applied)
		c->applied_least = applied;
	for (size_t i = 0; i < r->turn->n_messages; i++)
		c->fate[number_at(r->turn->messages[i].text, 0)] = MESSAGE_APPLIED;
	a->m->orders += r->order != NULL && r->turn->order_number == 0;
}

void actor_finish(struct actor *a)
{
	struct given *h = given_new(a->f);
	struct store_result results[ACTOR_HOLDS];
	size_t n = a->turns == 0 ? 0 : 1 + dice(a, a->turns), room = ACTOR_HOLDS - a->replies;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		results[i] = make_result(a, pick_turn(a));
	lock(a);
	for (size_t i = 0; i < n; i++)
		intend(a, &results[i]);
	unlock(a);
	CHECK_INT(store_finish(a->f->s, results, n, dice(a, room + 1), &h->replies), ERR_OK);
	lock(a);
	for (size_t i = 0; i < n; i++)
		finished(a, &results[i]);
	for (size_t i = 0; i < h->replies.n; i++)
		hold_reply(a, &h->replies.reply[i]);
	unlock(a);
	if (dice(a, 8) == 0) {
		CHECK_INT(store_finish(a->f->s, results, 1, 0, NULL), ERR_OK);
		CHECK_INT(results[0].err, ERR_STALE_LEASE);
	}
}

void actor_fail(struct actor *a)
{
	struct store_failure failure = { .reason = "the dice said so" };
	struct model_client *c;

	if (a->turns == 0)
		return;
	failure.turn = pick_turn(a);
	failure.give_back = dice(a, 2) == 0;
	c = &a->m->client[client_of(failure.turn->client_id)];
	lock(a);
	let_go(a, failure.turn);
	unlock(a);
	CHECK_INT(store_fail(a->f->s, &failure, 1), ERR_OK);
	CHECK_INT(failure.err, ERR_OK);
	CHECK(!failure.buried || (failure.turn->n_messages == 1 && failure.turn->attempt == 3));
	lock(a);
	if (failure.buried && c->fate[number_at(failure.turn->messages[0].text, 0)] == MESSAGE_UNSURE)
		c->fate[number_at(failure.turn->messages[0].text, 0)] = MESSAGE_DEAD;
	unlock(a);
}

/* ---- sender ---- */

static void hold_reply(struct actor *a, const struct store_reply *reply)
{
	struct model_client *c = &a->m->client[client_of(reply->client_id)];

	CHECK(a->replies < ACTOR_HOLDS);
	CHECK(c->outstanding == 0 || reply->doubtful);
	c->outstanding++;
	a->reply[a->replies++] = (struct actor_reply){ reply, clock_mono_ms() };
}

void actor_claim(struct actor *a)
{
	struct store_replies *replies;

	if (a->replies == ACTOR_HOLDS)
		return;
	replies = claim(a->f, 1 + dice(a, ACTOR_HOLDS - a->replies), 0);
	lock(a);
	for (size_t i = 0; i < replies->n; i++)
		hold_reply(a, &replies->reply[i]);
	unlock(a);
}

/* The API takes a reply: the next one, apart from the dead; the same again only where that was to be feared. */
static void post(struct actor *a, const struct store_reply *reply)
{
	struct model_client *c = &a->m->client[client_of(reply->client_id)];
	int number = number_at(reply->text, 1);

	CHECK(number > 0 && number < MODEL_REPLIES);
	CHECK(c->posted[number] == 0 || reply->doubtful);
	a->m->doubles += c->posted[number];
	CHECK(
	    number >= c->last_posted || c->reply_fate[number] == REPLY_AGAIN || c->reply_fate[number] == REPLY_UNSURE);
	for (int i = c->last_posted + 1; i < number; i++)
		CHECK(c->reply_fate[i] != REPLY_WAITING);
	c->posted[number] = 1;
	if (number > c->last_posted)
		c->last_posted = number;
}

static struct store_sent roll_outcome(struct actor *a, const struct store_reply *reply)
{
	static const enum store_sent_how hows[] = { STORE_SENT_ACCEPTED, STORE_SENT_ACCEPTED, STORE_SENT_ACCEPTED,
		STORE_SENT_ACCEPTED, STORE_SENT_ACCEPTED, STORE_SENT_RETRY, STORE_SENT_BACK, STORE_SENT_DEAD };
	struct store_sent sent = { .reply = reply, .how = hows[dice(a, COUNT_OF(hows))], .reason = "the dice said so" };

	sent.posted_ms = clock_wall_ms();
	sent.delay_ms = (int64_t)dice(a, 4);
	if (sent.how == STORE_SENT_RETRY)
		sent.doubtful = dice(a, 2) == 0;
	if (sent.how == STORE_SENT_BACK)
		sent.unused = dice(a, 2) == 0;
	return sent;
}

static bool is_safe(const struct actor *a, const struct actor_reply *held)
{
	return clock_mono_ms() - held->claimed_ms < a->f->settings.lease_ms - LEASE_MARGIN_MS;
}

void actor_send(struct actor *a)
{
	struct actor_reply held;
	struct model_client *c;
	struct store_sent sent;
	uint8_t *fate, before;
	size_t i;

	if (a->replies == 0)
		return;
	i = dice(a, a->replies);
	held = a->reply[i];
	a->reply[i] = a->reply[--a->replies];
	sent = roll_outcome(a, held.reply);
	if (!is_safe(a, &held))
		sent = (struct store_sent){ .reply = held.reply, .how = STORE_SENT_BACK, .reason = "too late to post" };
	lock(a);
	c = &a->m->client[client_of(held.reply->client_id)];
	c->outstanding--;
	fate = &c->reply_fate[number_at(held.reply->text, 1)];
	before = *fate;
	if (sent.how == STORE_SENT_ACCEPTED || sent.doubtful)
		post(a, held.reply);
	if (sent.how == STORE_SENT_DEAD)
		*fate = REPLY_UNSURE;
	unlock(a);
	CHECK_INT(store_sent(a->f->s, &sent, 1), ERR_OK);
	CHECK(sent.err == ERR_OK || !is_safe(a, &held));
	lock(a);
	if (sent.how == STORE_SENT_DEAD && *fate == REPLY_UNSURE)
		*fate = sent.err == ERR_OK ? REPLY_DEAD : before;
	unlock(a);
}

/* ---- people and keeper ---- */

static void retried(struct actor *a, const struct store_dead *dead)
{
	struct model_client *c = &a->m->client[client_of(dead->client_id)];

	if (dead->kind == STORE_DEAD_REPLY)
		c->reply_fate[number_at(dead->text, 1)] = REPLY_AGAIN;
	else if (c->fate[number_at(dead->text, 0)] != MESSAGE_APPLIED)
		c->fate[number_at(dead->text, 0)] = MESSAGE_UNSURE;
}

void actor_retry_dead(struct actor *a)
{
	struct store_dead_filter all = { 0 };
	struct arena arena = { 0 };
	enum store_dead_retried ret;
	struct store_dead *dead;
	size_t n;

	CHECK_INT(store_dead_list(a->f->s, &all, 0, 20, &arena, &dead, &n), ERR_OK);
	if (n > 0) {
		const struct store_dead *one = &dead[dice(a, n)];

		lock(a);
		retried(a, one);
		unlock(a);
		CHECK_INT(store_dead_retry(a->f->s, &one->id, 1, dice(a, 2) == 0, &ret), ERR_OK);
	}
	arena_free(&arena);
}

void actor_keep(struct actor *a)
{
	struct store_kept kept;

	CHECK_INT(store_keep(a->f->s, &kept), ERR_OK);
	CHECK_INT(kept.writable, ERR_OK);
	CHECK_INT(kept.clock_jump_ms, 0);
}

void actor_release(struct actor *a)
{
	while (a->turns > 0) {
		struct store_failure failure = { .turn = pick_turn(a), .give_back = true };

		lock(a);
		let_go(a, failure.turn);
		unlock(a);
		CHECK_INT(store_fail(a->f->s, &failure, 1), ERR_OK);
		CHECK_INT(failure.err, ERR_OK);
	}
	while (a->replies > 0)
		actor_send(a);
}

/* ---- the end ---- */

static bool all_done(const struct store_counts *c)
{
	return c->waiting + c->in_lanes + c->active + c->lanes_in_turn + c->lanes_speaking + c->lanes_backing_off +
		   c->replies_waiting + c->replies_claimed ==
	       0;
}

static void retry_all_dead(struct actor *a)
{
	struct store_dead_filter all = { 0 };
	struct arena arena = { 0 };
	enum store_dead_retried ret;
	struct store_dead *dead;
	size_t n;

	CHECK_INT(store_dead_list(a->f->s, &all, 0, 1000, &arena, &dead, &n), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		retried(a, &dead[i]);
		CHECK_INT(store_dead_retry(a->f->s, &dead[i].id, 1, true, &ret), ERR_OK);
		CHECK_INT(ret, STORE_DEAD_RETRIED);
	}
	arena_free(&arena);
}

void model_drain(struct actor *a)
{
	int64_t until = clock_mono_ms() + 60000;
	struct store_counts c;

	for (;;) {
		actor_take(a);
		actor_finish(a);
		actor_claim(a);
		actor_send(a);
		c = counts(a->f);
		if (all_done(&c) && a->turns + a->replies == 0) {
			if (c.dead_messages + c.dead_replies == 0)
				return;
			retry_all_dead(a);
		}
		CHECK(clock_mono_ms() < until);
	}
}

static void check_logs(struct model_client *c, struct fixture *f, int client)
{
	struct arena arena = { 0 };
	struct store_log_row *rows;
	char id[16];
	int64_t before = 0;
	int seen = 0;
	size_t n;

	(void)snprintf(id, sizeof id, "c%d", client);
	do {
		CHECK_INT(store_logs(f->s, slice_of(id), before, 500, &arena, &rows, &n), ERR_OK);
		for (size_t i = 0; i < n; i++) {
			CHECK(rows[i].success);
			before = rows[i].id;
		}
		seen += (int)n;
	} while (n > 0);
	CHECK_INT(seen, c->added);
	arena_free(&arena);
}

static void check_orders(struct fixture *f, int client, int wanted)
{
	struct store_order_filter filter = { 0 };
	struct arena arena = { 0 };
	struct store_order *orders;
	char id[16];
	size_t n;

	(void)snprintf(id, sizeof id, "c%d", client);
	filter.client_id = slice_of(id);
	CHECK_INT(store_order_list(f->s, &filter, 0, 100000, &arena, &orders, &n), ERR_OK);
	CHECK_INT(n, wanted);
	arena_free(&arena);
}

static void check_client(struct model *m, struct fixture *f, int client)
{
	struct model_client *c = &m->client[client];
	struct actor last = { .f = f, .m = m, .random = 1 };
	const struct store_turn *turn;
	struct story story;

	actor_add(&last, client);
	turn = take_one(f);
	CHECK_INT(client_of(turn->client_id), client);
	story = read_story(turn->dialog);
	CHECK_INT(story.applied, c->added - (int)turn->n_messages);
	for (int i = 1; i <= story.replies; i++)
		CHECK(c->posted[i] != 0);
	check_orders(f, client, story.orders);
	FINISH(f, turn, .dialog = "0 0 0 0 0");
	check_logs(c, f, client);
}

void model_check_end(struct model *m, struct fixture *f)
{
	for (int i = 0; i < MODEL_CLIENTS; i++)
		check_client(m, f, i);
}
