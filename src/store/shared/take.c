/* take.c - turns: from Redis what is due, from PostgreSQL what Redis does not know of their clients. */
#include "base/clock.h"
#include "base/crash.h"
#include "base/metrics.h"
#include "store/shared/disown.h"
#include "store/shared/fail.h"
#include "store/shared/held.h"
#include "store/shared/job.h"
#include "store/shared/lane.h"
#include "store/shared/owner.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/finish.h"
#include "store/shared/redis/waker.h"

enum { WINDOW_LEAST = 64, WINDOW_MOST = 1024, GATHER = 64 };
/* Elements of the script's answer, of a turn in it and of a turn's job. */
enum { ANSWER_NOW, ANSWER_WHY, ANSWER_NEXT_DUE, ANSWER_TURNS };
enum {
	TURN_CLIENT,
	TURN_ID,
	TURN_V,
	TURN_B,
	TURN_DI,
	TURN_P,
	TURN_SH,
	TURN_ATTEMPTS,
	TURN_ALONE,
	TURN_EXPIRED,
	TURN_HELD_TO,
	TURN_JOBS
};
enum { JOB_ID, JOB_TIMESTAMP, JOB_DATA, JOB_C, JOB_F };

/* A turn on its way to the worker. */
struct taken {
	struct store_turn turn;
	struct slice *job_ids; /* of its messages */
	bool knows_row;        /* the lane stands on a version */
	int64_t version;
	bool lost; /* not for the worker: given back, recorded, or all of its messages are dead */
};

struct take {
	struct shared *s;
	struct store_turns *ret;
	struct taken *all;
	size_t n, size;
	int64_t next_due_ms; /* on Redis' clock; 0: none */
	int64_t redis_ms;    /* its time at the last answer */
	enum wake_how how;   /* whether what stands in the list could be taken */
};

/* ---- what the script gave ---- */

/* What script fail is asked for one turn. Where that can't be done now it is made up for before the next take. */
static void end_turn(struct take *t, struct taken *one, const char *kind, struct slice reason)
{
	struct redis_call call;

	redis_call_begin(&call, t->s, SCRIPT_FAIL);
	fail_put_head(&call, t->s);
	fail_put_turn(&call, one->turn.client_id, slice_of(one->turn.turn_id), kind, reason);
	if (redis_call_run(&call, NULL) != ERR_OK) {
		disown_one(t->s, one->turn.lease.counter);
		one->lost = true;
	}
	redis_call_end(&call);
}

/* One job can't be read: it is dead, its log row is the keeper's, and the turn goes on without it. */
static void bury_broken(struct take *t, struct taken *one, struct slice job_id)
{
	struct buf broken = { 0 };

	buf_char(&broken, '[');
	buf_json(&broken, job_id);
	buf_text(&broken, ",\"the job's data is not a message\"]");
	end_turn(t, one, "X", buf_as_slice(&broken));
	buf_free(&broken);
}

static void read_jobs(struct take *t, struct taken *one, const struct redisReply *jobs)
{
	struct arena *a = &t->ret->arena;
	struct store_turn *turn = &one->turn;
	size_t n = redis_n(jobs);

	turn->messages = arena_alloc(a, (n + 1) * sizeof *turn->messages);
	one->job_ids = arena_alloc(a, (n + 1) * sizeof *one->job_ids);
	for (size_t i = 0; i < n; i++) {
		const struct redisReply *r = redis_at(jobs, i);
		struct job_hash job = { redis_text(redis_at(r, JOB_ID)), redis_text(redis_at(r, JOB_DATA)),
			redis_text(redis_at(r, JOB_C)), redis_text(redis_at(r, JOB_F)),
			redis_int(redis_at(r, JOB_TIMESTAMP)) };
		struct store_message *m = &turn->messages[turn->n_messages];
		struct job_c c;

		if (!job_read_message(&job, a, m)) {
			bury_broken(t, one, job.id);
			continue;
		}
		if (m->said_ms > t->redis_ms)
			m->said_ms = t->redis_ms;
		if (turn->n_messages == 0 && job_read_message_c(job.c, &c))
			turn->oldest_arrived_us = job_arrived_us(t->s, &c);
		one->job_ids[turn->n_messages++] = slice_copy(a, job.id);
	}
	one->lost = one->lost || (n > 0 && turn->n_messages == 0);
}

static void read_lane(struct take *t, struct taken *one, const struct redisReply *r)
{
	struct arena *a = &t->ret->arena;
	struct slice v = redis_text(redis_at(r, TURN_V));
	struct lane_state lane;

	one->knows_row = slice_to_int64(v, &one->version);
	if (!lane_read(redis_text(redis_at(r, TURN_B)), &lane))
		lane = (struct lane_state){ 0 };
	one->turn.dialog = slice_copy(a, lane.dialog);
	one->turn.last_event_ms = lane.last_event_ms;
	one->turn.order_number = lane.order_id;
	one->turn.dialog_id = slice_copy(a, redis_text(redis_at(r, TURN_DI)));
	one->turn.profile = slice_copy(a, redis_text(redis_at(r, TURN_P)));
	one->turn.shown_ms = redis_int(redis_at(r, TURN_SH));
}

static void read_turn(struct take *t, struct taken *one, const struct redisReply *r)
{
	struct slice id = redis_text(redis_at(r, TURN_ID));

	*one = (struct taken){
		.turn = {
			.client_id = slice_copy(&t->ret->arena, redis_text(redis_at(r, TURN_CLIENT))),
			.attempt = (unsigned)redis_int(redis_at(r, TURN_ATTEMPTS)) + 1,
			.alone = redis_int(redis_at(r, TURN_ALONE)) != 0,
			.expired = redis_int(redis_at(r, TURN_EXPIRED)) != 0,
			.held_to = redis_int(redis_at(r, TURN_HELD_TO)),
			.taken_ms = t->redis_ms,
		},
	};
	(void)slice_to_buffer(id, one->turn.turn_id, sizeof one->turn.turn_id);
	(void)owner_lease_read(id, &one->turn.lease);
	read_lane(t, one, r);
	read_jobs(t, one, redis_at(r, TURN_JOBS));
}

/* ---- the script ---- */

static void put_arguments(struct redis_call *call, struct shared *s, size_t most, uint64_t first)
{
	size_t window = most * 4;

	window = window < WINDOW_LEAST ? WINDOW_LEAST : window > WINDOW_MOST ? WINDOW_MOST : window;
	redis_call_reset(call, SCRIPT_TAKE);
	redis_call_int(call, (int64_t)most);
	redis_call_text(call, s->owner);
	redis_call_int(call, (int64_t)first);
	redis_call_int(call, (int64_t)window);
	redis_call_int(call, GATHER);
	redis_call_int(call, s->settings.dialog_ttl_s * 1000);
	redis_call_int(call, s->settings.dedup_days * SHARED_DAY_MS);
	redis_call_int(call, s->settings.keep_completed);
}

static enum err take_some(struct take *t, struct redis_call *call, size_t most, size_t *got, struct why *why)
{
	uint64_t first = owner_counters(t->s, most);
	const struct redisReply *turns;
	enum err err;

	put_arguments(call, t->s, most, first);
	*got = 0;
	if ((err = redis_call_run(call, why)) != ERR_OK) {
		disown_note(t->s, call, first, most);
		return err;
	}
	turns = redis_at(redis_answer(call), ANSWER_TURNS);
	t->redis_ms = redis_int(redis_at(redis_answer(call), ANSWER_NOW));
	t->next_due_ms = redis_int(redis_at(redis_answer(call), ANSWER_NEXT_DUE));
	for (*got = 0; *got < redis_n(turns); ++*got)
		read_turn(t, &t->all[t->n++], redis_at(turns, *got));
	return ERR_OK;
}

static bool said(const struct redis_call *call, const char *word)
{
	return slice_eq(redis_text(redis_at(redis_answer(call), ANSWER_WHY)), slice_of(word));
}

/* Calls until one gives less than it was asked for. What was taken before an error is taken. */
static enum err take_all(struct take *t, struct why *why)
{
	struct redis_call call;
	bool beaten = false;
	enum err err = ERR_OK;

	redis_call_begin(&call, t->s, SCRIPT_TAKE);
	while (t->n < t->size && !atomic_load(&t->s->stopping)) {
		size_t most = t->size - t->n, got;

		most = most < SHARED_CALL_MOST ? most : SHARED_CALL_MOST;
		if ((err = take_some(t, &call, most, &got, why)) != ERR_OK)
			break;
		if (said(&call, "unknown") && !beaten && owner_beat(t->s, why) == ERR_OK) {
			beaten = true;
			continue;
		}
		t->how = said(&call, "empty") ? WAKE_BY_LIST : WAKE_BY_TIME;
		if (got < most && !said(&call, "more"))
			break;
	}
	redis_call_end(&call);
	return t->n > 0 ? ERR_OK : err;
}

/* ---- what PostgreSQL knows ---- */

static void give_back(struct take *t, struct taken *one)
{
	end_turn(t, one, "B", SLICE(""));
	one->lost = true;
}

/* A lane that stands on no version: the client was never here, or his lane went by idling, or Redis has lost it. */
static void know_row(struct take *t, struct taken *one, const struct client_row *row)
{
	enum redis_recorded how;

	if (row->open) {
		if (redis_record(t->s, row, slice_of(one->turn.turn_id), true, &how, NULL) != ERR_OK)
			give_back(t, one); /* where it was recorded all the same this is refused */
		else if (how != REDIS_REFUSED)
			metric_add(how == REDIS_ROLLED_BACK ? METRIC_ROLLED_BACK_REDIS : METRIC_TURNS_RECORDED, 1);
		one->lost = true;
		return;
	}
	one->version = row->version;
	one->turn.profile = row->profile;
}

static enum err know_rows(struct take *t, struct why *why)
{
	struct arena *a = &t->ret->arena;
	struct slice *clients = arena_alloc(a, (t->n + 1) * sizeof *clients);
	size_t *ask = arena_alloc(a, (t->n + 1) * sizeof *ask);
	struct client_row *rows = arena_alloc(a, (t->n + 1) * sizeof *rows);
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i].knows_row || t->all[i].lost)
			continue;
		ask[n] = i;
		clients[n++] = t->all[i].turn.client_id;
	}
	if (n == 0)
		return ERR_OK;
	err = pg_rows(t->s, clients, n, a, rows, why);
	for (size_t i = 0; i < n; i++) {
		if (err != ERR_OK)
			give_back(t, &t->all[ask[i]]);
		else
			know_row(t, &t->all[ask[i]], &rows[i]);
	}
	return err;
}

static enum err know_orders(struct take *t, struct why *why)
{
	struct arena *a = &t->ret->arena;
	int64_t *ids = arena_alloc(a, (t->n + 1) * sizeof *ids);
	size_t *ask = arena_alloc(a, (t->n + 1) * sizeof *ask);
	struct slice *statuses = arena_alloc(a, (t->n + 1) * sizeof *statuses);
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i].turn.order_number == 0 || t->all[i].lost)
			continue;
		ask[n] = i;
		ids[n++] = t->all[i].turn.order_number;
	}
	if (n == 0)
		return ERR_OK;
	err = pg_order_statuses(t->s, ids, n, a, statuses, why);
	for (size_t i = 0; i < n; i++) {
		if (err != ERR_OK)
			give_back(t, &t->all[ask[i]]);
		else
			t->all[ask[i]].turn.order_status = statuses[i];
	}
	return err;
}

/* ---- to the worker ---- */

static void hold(struct take *t, const struct taken *one)
{
	held_put(t->s->held, &(struct held_turn){
				 .counter = one->turn.lease.counter,
				 .client_id = one->turn.client_id,
				 .version = one->version,
				 .job_ids = one->job_ids,
				 .n_jobs = one->turn.n_messages,
				 .taken_ms = clock_boot_ms(),
			     });
}

static void hand_over(struct take *t)
{
	struct store_turns *ret = t->ret;

	ret->turn = arena_alloc(&ret->arena, (t->n + 1) * sizeof *ret->turn);
	for (size_t i = 0; i < t->n; i++) {
		if (t->all[i].lost)
			continue;
		hold(t, &t->all[i]);
		ret->turn[ret->n++] = t->all[i].turn;
	}
}

/* A batch that PostgreSQL could say nothing of is the surroundings' failure; others run. */
static enum err take_and_hold(struct take *t, struct why *why)
{
	enum err err = take_all(t, why), orders;

	if (err != ERR_OK || t->n == 0)
		return err;
	crash_point("taken");
	err = know_rows(t, why);
	orders = know_orders(t, why);
	hand_over(t);
	return t->ret->n > 0 ? ERR_OK : err != ERR_OK ? err : orders;
}

static enum err look(struct take *t, struct why *why)
{
	struct disown_watch watch;
	enum err err;

	arena_reset(&t->ret->arena);
	*t = (struct take){ .s = t->s, .ret = t->ret, .size = t->size };
	t->ret->n = 0;
	t->all = arena_alloc(&t->ret->arena, (t->size + 1) * sizeof *t->all);
	if ((err = disown_lost(t->s, why)) != ERR_OK)
		return err;
	disown_watch(t->s, &watch);
	err = take_and_hold(t, why);
	disown_unwatch(t->s, &watch);
	return err;
}

/* When to look again at the latest, on the monotonic clock. */
static int64_t look_again_ms(const struct take *t, int64_t deadline_ms)
{
	int64_t due_ms = t->next_due_ms - t->redis_ms + clock_mono_ms();

	return t->next_due_ms != 0 && due_ms < deadline_ms ? due_ms : deadline_ms;
}

enum err shared_take(struct store *store, size_t most, int64_t wait_ms, struct store_turns *ret)
{
	struct shared *s = shared_of(store);
	struct take t = { .s = s, .ret = ret, .size = most };
	int64_t deadline_ms = clock_mono_ms() + wait_ms;
	struct waking waking;
	enum err err;

	ret->n = 0;
	if (most == 0)
		return ERR_OK;
	waker_begin(s->wakers, &waking, WAKE_MESSAGES);
	for (;;) {
		err = atomic_load(&s->stopping) ? ERR_STOPPED : look(&t, store_why());
		if (err != ERR_OK || ret->n > 0 || clock_mono_ms() >= deadline_ms)
			break;
		if ((err = waker_wait(s->wakers, &waking, t.how, look_again_ms(&t, deadline_ms))) != ERR_OK)
			break;
	}
	waker_end(s->wakers, &waking);
	return err;
}
