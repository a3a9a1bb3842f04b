/* finish.c - the order of the two servers in a finish, and nothing else: docs/store-protocol.md, 5.
 *
 * The local fence and the pre-check keep out what is stale for sure. PostgreSQL decides; what it moved is made true in
 * Redis; what stands there otherwise is finished as recorded. Until all of a call has its outcome nothing is let go, so that
 * it may be repeated whatever failed: PostgreSQL then answers "the row names this turn", Redis "done before". */
#include "store/shared/redis/finish.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/shared/held.h"
#include "store/shared/job.h"
#include "store/shared/lane.h"
#include "store/shared/owner.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"

#include <stdio.h>

/* A result on its way through both servers. */
struct going {
	struct store_result *result;
	struct held_turn held;
	struct slice question; /* digest */
	bool is_out;           /* its outcome is known, it goes no further */
	struct pg_turn *pg;
	struct redis_turn *redis;
};

struct finish {
	struct shared *s;
	struct going *going;
	size_t n;
	struct pg_turn *pg;       /* n of them, those that went to PostgreSQL first */
	struct redis_turn *redis; /* the same for Redis */
	size_t n_pg, n_redis;
	struct arena *arena;
	struct why *why;
};

static struct slice copy_out(struct buf *b, struct arena *a)
{
	struct slice text = slice_copy(a, buf_as_slice(b));

	buf_free(b);
	return text;
}

static struct slice turn_id_of(const struct going *g)
{
	return slice_of(g->result->turn->turn_id);
}

static void is_stale(struct going *g)
{
	g->result->err = ERR_STALE_LEASE;
	g->result->order_number = 0;
	g->is_out = true;
}

/* The script failed with this one alone: it is failed as a turn that can't be run, and the others go on. */
static enum err has_failed(const struct finish *f, struct going *g)
{
	g->result->err = ERR_FAILED;
	g->result->order_number = 0;
	g->is_out = true;
	log_error("Redis refuses a turn", log_word("turn", g->result->turn->turn_id),
	    log_slice("client", g->result->turn->client_id), log_word("reason", f->why->text));
	return ERR_OK;
}

/* ---- the local fence, and the pre-check ---- */

static void begin(struct finish *f, struct store_result *results, size_t n)
{
	f->going = arena_alloc(f->arena, (n + 1) * sizeof *f->going);
	for (size_t i = 0; i < n; i++) {
		struct going *g = &f->going[f->n];
		const struct store_lease *lease = &results[i].turn->lease;

		results[i].err = ERR_STALE_LEASE;
		results[i].order_number = 0;
		if (lease->owner != f->s->owner_number || !held_begin(f->s->held, lease->counter, f->arena, &g->held))
			continue;
		results[i].err = ERR_OK;
		g->result = &results[i];
		f->n++;
	}
}

static void end(struct finish *f, enum err err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct store_result *r = f->going[i].result;

		held_end(f->s->held, r->turn->lease.counter,
		    err != ERR_OK || r->err == ERR_FAILED ? HELD_WAITING : HELD_GONE);
	}
}

/* Not in its turn any more: unless PostgreSQL says that it was this very turn that an earlier call finished. */
static enum err doubt(struct finish *f, struct going *g)
{
	struct client_row row;
	enum err err = pg_rows(f->s, &g->result->turn->client_id, 1, f->arena, &row, f->why);

	if (err == ERR_OK && !slice_eq(row.turn_id, turn_id_of(g)))
		is_stale(g);
	return err;
}

static enum err read_fence(struct finish *f, struct going *const *asked, size_t n, struct redis_call *call)
{
	const struct redisReply *states;
	enum err err = redis_call_run(call, f->why);

	states = err == ERR_OK ? redis_at(redis_answer(call), 1) : NULL;
	for (size_t i = 0; i < n && err == ERR_OK; i++) {
		struct slice state = redis_text(redis_at(states, i));
		char in_turn[STORE_TURN_ID_SIZE + 2];

		(void)snprintf(in_turn, sizeof in_turn, "1 %s", asked[i]->result->turn->turn_id);
		if (!slice_eq(state, slice_of(in_turn)))
			err = doubt(f, asked[i]);
	}
	return err;
}

/* A process that was stopped or cut off for a while asks Redis before it asks PostgreSQL. */
static enum err pre_check(struct finish *f)
{
	struct going **asked = arena_alloc(f->arena, (f->n + 1) * sizeof(struct going *));
	struct redis_call call;
	enum err err = ERR_OK;
	size_t n = 0;

	redis_call_begin(&call, f->s, SCRIPT_FENCE);
	for (size_t i = 0; i < f->n; i++) {
		if (!owner_was_cut_off(f->s, f->going[i].held.taken_ms))
			continue;
		asked[n++] = &f->going[i];
		redis_call_slice(&call, f->going[i].result->turn->client_id);
	}
	if (n > 0)
		err = read_fence(f, asked, n, &call);
	redis_call_end(&call);
	return err;
}

/* ---- PostgreSQL ---- */

static struct slice covers(const struct held_turn *held, struct arena *a)
{
	struct buf json = { 0 };

	buf_char(&json, '[');
	for (size_t i = 0; i < held->n_jobs; i++) {
		if (i > 0)
			buf_char(&json, ',');
		buf_json(&json, held->job_ids[i]);
	}
	buf_char(&json, ']');
	return copy_out(&json, a);
}

static struct slice newest_message(const struct store_turn *t)
{
	return t->n_messages > 0 ? t->messages[t->n_messages - 1].message_id : SLICE("");
}

/* Of the reply what does not depend on the order's number. */
static struct job_reply reply_of(const struct going *g)
{
	const struct store_result *r = g->result;

	return (struct job_reply){
		.client_id = r->turn->client_id,
		.text = r->reply,
		.question = g->question,
		.dialog_id = r->dialog_id,
		.message_id = newest_message(r->turn),
		.transport = r->reply_transport,
		.channel_id = r->reply_channel_id,
		.arrived_us = r->turn->oldest_arrived_us,
	};
}

static struct slice reply_meta(const struct going *g, struct arena *a)
{
	struct job_reply reply = reply_of(g);
	struct buf meta = { 0 };

	if (g->result->reply.n == 0)
		return SLICE("{}");
	job_put_reply_meta(&meta, &reply);
	return copy_out(&meta, a);
}

/* The order that the open dialog had before this turn, if it is the same dialog. */
static int64_t order_before(const struct store_result *r)
{
	return slice_eq(r->dialog_id, r->turn->dialog_id) ? r->turn->order_number : 0;
}

static void to_postgres(struct finish *f, struct going *g)
{
	char digest[LANE_DIGEST_SIZE];

	g->question = slice_copy(f->arena, slice_of(lane_digest(g->result->question, digest)));
	g->pg = &f->pg[f->n_pg++];
	*g->pg = (struct pg_turn){
		.result = g->result,
		.base = g->held.version,
		.turn_id = turn_id_of(g),
		.covers = covers(&g->held, f->arena),
		.question = g->result->question,
		.reply_meta = reply_meta(g, f->arena),
		.order_id = order_before(g->result),
	};
}

static enum err run_postgres(struct finish *f)
{
	int64_t began = clock_mono_us();
	enum err err;

	f->pg = arena_alloc(f->arena, (f->n + 1) * sizeof *f->pg);
	for (size_t i = 0; i < f->n; i++)
		if (!f->going[i].is_out)
			to_postgres(f, &f->going[i]);
	if (f->n_pg == 0)
		return ERR_OK;
	err = pg_finish(f->s, f->pg, f->n_pg, f->arena, f->why);
	metric_observe(METRIC_POSTGRES_LATENCY, clock_mono_us() - began);
	return err;
}

/* ---- what did not become true by this call ---- */

/* Another turn stands in the row: it was committed by a process that died before Redis heard of it, or Redis was rolled
 * back; so it was for sure where the row is further ahead. What the row says becomes true. Refused: this turn was done long ago. */
static enum err finish_as_recorded(struct finish *f, struct going *g)
{
	bool rolled_back = g->pg->row.version > g->pg->base + 1;
	enum redis_recorded how;
	enum err err = redis_record(f->s, &g->pg->row, turn_id_of(g), rolled_back, &how, f->why);

	if (err == ERR_FAILED)
		return has_failed(f, g);
	if (err != ERR_OK)
		return err;
	is_stale(g);
	rolled_back = rolled_back || how == REDIS_ROLLED_BACK;
	if (how != REDIS_REFUSED)
		metric_add(rolled_back ? METRIC_ROLLED_BACK_REDIS : METRIC_TURNS_RECORDED, 1);
	return ERR_OK;
}

static bool is_among(struct slice id, const struct slice *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(ids[i], id))
			return true;
	return false;
}

/* Some of its messages were applied by an older version: the turn is given back without them. */
static enum err give_back_without_dups(struct finish *f, struct going *g)
{
	const struct store_turn *turn = g->result->turn;
	struct slice *jobs = arena_alloc(f->arena, (turn->n_messages + 1) * sizeof *jobs);
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < turn->n_messages && i < g->held.n_jobs; i++)
		if (is_among(turn->messages[i].message_id, g->pg->dups, g->pg->n_dups))
			jobs[n++] = g->held.job_ids[i];
	err = redis_give_back_without(f->s, turn->client_id, turn_id_of(g), jobs, n, f->why);
	if (err != ERR_OK)
		return err;
	is_stale(g);
	metric_add(METRIC_MESSAGES_DUPLICATE, (int64_t)n);
	return ERR_OK;
}

static enum err settle_others(struct finish *f)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < f->n && err == ERR_OK; i++) {
		struct going *g = &f->going[i];

		if (g->is_out)
			continue;
		switch (g->pg->moved) {
		case PG_MOVED:
		case PG_MINE:
			break;
		case PG_AHEAD:
			err = finish_as_recorded(f, g);
			break;
		case PG_DUPS:
			err = give_back_without_dups(f, g);
			break;
		case PG_FAILED:
			g->result->err = ERR_FAILED;
			g->is_out = true;
			break;
		}
	}
	return err;
}

/* ---- Redis ---- */

/* The reply's text with the order's number in its places. */
static struct slice numbered(const struct going *g, struct arena *a)
{
	const struct store_result *r = g->result;
	struct buf text = { 0 };

	if (r->order == NULL || memchr(r->reply.p, STORE_ORDER_MARK, r->reply.n) == NULL)
		return r->reply;
	job_put_numbered(&text, r->reply, g->pg->placed);
	return copy_out(&text, a);
}

static void put_reply(struct finish *f, struct going *g)
{
	struct job_reply reply = reply_of(g);
	struct buf data = { 0 }, c = { 0 };

	reply.text = numbered(g, f->arena);
	reply.created_ms = redis_now_ms(f->s);
	job_put_reply(&data, &reply);
	job_put_reply_c(f->s, &c, reply.arrived_us, reply.client_id);
	g->redis->reply = copy_out(&data, f->arena);
	g->redis->reply_c = copy_out(&c, f->arena);
}

static struct slice lane_of(const struct going *g, struct arena *a)
{
	const struct store_result *r = g->result;
	bool placed_here = r->order != NULL && slice_eq(r->order->dialog_id, r->dialog_id);
	struct lane_state lane = { .last_event_ms = r->last_event_ms,
		.order_id = placed_here ? g->pg->placed : order_before(r),
		.dialog = r->dialog };
	struct buf b = { 0 };

	lane_write(&b, &lane);
	return copy_out(&b, a);
}

static void to_redis(struct finish *f, struct going *g)
{
	const struct store_result *r = g->result;

	g->redis = &f->redis[f->n_redis++];
	*g->redis = (struct redis_turn){
		.client_id = r->turn->client_id,
		.turn_id = turn_id_of(g),
		.version = g->held.version + 1,
		.lane = lane_of(g, f->arena),
		.dialog_id = r->dialog.n > 0 ? r->dialog_id : SLICE(""),
		.question = g->question,
		.profile = r->profile,
		.reply = SLICE(""),
		.reply_c = SLICE(""),
	};
	if (r->reply.n > 0)
		put_reply(f, g);
}

/* The lane was taken from this turn between the two servers: the row is recorded in it if it is in no turn. If it is in
 * one, that one's finish meets the row. */
static enum err record_own(struct finish *f, struct going *g)
{
	enum redis_recorded how = REDIS_REFUSED;
	struct client_row row;
	enum err err = pg_rows(f->s, &g->result->turn->client_id, 1, f->arena, &row, f->why);

	if (err == ERR_OK && slice_eq(row.turn_id, turn_id_of(g)))
		err = redis_record(f->s, &row, SLICE_NONE, false, &how, f->why);
	if (err == ERR_FAILED)
		return has_failed(f, g);
	if (err == ERR_OK && how == REDIS_REFUSED)
		is_stale(g);
	else if (err == ERR_OK && how == REDIS_ROLLED_BACK)
		metric_add(METRIC_ROLLED_BACK_REDIS, 1);
	return err;
}

static void hand_over(const struct finish *f, const struct going *g, struct store_replies *claimed)
{
	const struct store_result *r = g->result;
	struct arena *a = &claimed->arena;
	struct store_reply *reply = &claimed->reply[claimed->n++];

	/* before the turn is let go: see put_held() of disown.c */
	held_put(
	    f->s->claims, &(struct held_turn){ .counter = r->turn->lease.counter, .client_id = r->turn->client_id });
	*reply = (struct store_reply){
		.lease = r->turn->lease,
		.client_id = slice_copy(a, r->turn->client_id),
		.text = slice_copy(a, numbered(g, f->arena)),
		.transport = slice_copy(a, r->reply_transport),
		.channel_id = r->reply_channel_id,
		.attempt = 1,
		.created_ms = g->redis->created_ms,
		.arrived_us = r->turn->oldest_arrived_us,
		.question = slice_copy(a, g->question),
		.message_id = slice_copy(a, newest_message(r->turn)),
		.post_before_ms = g->redis->post_before_ms,
	};
	memcpy(reply->reply_id, r->turn->turn_id, sizeof reply->reply_id);
}

static enum err is_done(struct finish *f, struct going *g, struct store_replies *claimed)
{
	struct store_result *r = g->result;

	r->order_number = r->order != NULL ? g->pg->placed : 0;
	if (g->pg->was_behind)
		metric_add(METRIC_ROLLED_BACK_POSTGRES, 1);
	switch (g->redis->how) {
	case REDIS_STALE:
		return record_own(f, g);
	case REDIS_CLAIMED:
	case REDIS_CLAIMED_BEFORE:
		if (claimed != NULL)
			hand_over(f, g, claimed);
		break;
	case REDIS_FAILED:
		r->order_number = 0;
		r->err = ERR_FAILED;
		break;
	case REDIS_DONE:
	case REDIS_DONE_BEFORE:
		break;
	}
	return ERR_OK;
}

static enum err run_redis(struct finish *f, size_t claim_most, struct store_replies *claimed)
{
	enum err err;

	f->redis = arena_alloc(f->arena, (f->n + 1) * sizeof *f->redis);
	for (size_t i = 0; i < f->n; i++)
		if (!f->going[i].is_out)
			to_redis(f, &f->going[i]);
	if (f->n_redis == 0)
		return ERR_OK;
	err = redis_finish(f->s, f->redis, f->n_redis, claimed != NULL ? claim_most : 0, f->why);
	for (size_t i = 0; i < f->n && err == ERR_OK; i++)
		if (f->going[i].redis != NULL)
			err = is_done(f, &f->going[i], claimed);
	return err;
}

/* ---- all of it ---- */

static void begin_claims(struct store_replies *claimed, size_t n)
{
	arena_reset(&claimed->arena);
	claimed->reply = arena_alloc(&claimed->arena, (n + 1) * sizeof *claimed->reply);
	claimed->n = 0;
}

static enum err run(struct finish *f, size_t claim_most, struct store_replies *claimed)
{
	enum err err = pre_check(f);

	if (err == ERR_OK)
		err = run_postgres(f);
	if (err == ERR_OK)
		err = settle_others(f);
	return err == ERR_OK ? run_redis(f, claim_most, claimed) : err;
}

enum err shared_finish(
    struct store *store, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed)
{
	struct arena arena = { 0 };
	struct finish f = { .s = shared_of(store), .arena = &arena, .why = store_why() };
	enum err err;

	if (claimed != NULL)
		begin_claims(claimed, n);
	begin(&f, results, n);
	err = run(&f, claim_most, claimed);
	end(&f, err);
	if (err != ERR_OK && claimed != NULL)
		claimed->n = 0;
	arena_free(&arena);
	return err;
}
