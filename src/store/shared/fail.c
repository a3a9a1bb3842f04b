/* fail.c - turns that did not finish: given back unspent, or failed by their own fault. */
#include "store/shared/fail.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/shared/grave.h"
#include "store/shared/held.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/finish.h"
#include "store/shared/redis/waker.h"

/* One of the call, as far as it is ours. */
struct failing {
	struct store_failure *failure;
	struct held_turn held;
	bool recorded; /* another turn's row was made true in its place */
	bool refused;  /* the script fails with it alone: it is left as it is, until it counts as hung */
};

struct fail {
	struct shared *s;
	struct arena arena;
	struct failing *all;
	size_t n;
};

static void begin(struct fail *f, struct store_failure *failures, size_t n)
{
	f->all = arena_alloc(&f->arena, (n + 1) * sizeof *f->all);
	for (size_t i = 0; i < n; i++) {
		struct failing *one = &f->all[f->n];

		failures[i].buried = false;
		failures[i].err = ERR_STALE_LEASE;
		if (!held_begin(f->s->held, failures[i].turn->lease.counter, &f->arena, &one->held))
			continue;
		one->failure = &failures[i];
		f->n++;
	}
}

/* Its message would be dead now. */
static bool is_last(const struct fail *f, const struct store_failure *failure)
{
	const struct store_turn *t = failure->turn;

	return !failure->give_back && t->n_messages == 1 && (int64_t)t->attempt >= f->s->settings.turn_attempts;
}

static enum err refuse(struct failing *one, const struct why *why)
{
	one->refused = true;
	log_error("Redis refuses to fail a turn", log_word("turn", one->failure->turn->turn_id),
	    log_slice("client", one->failure->turn->client_id), log_word("reason", why != NULL ? why->text : ""));
	return ERR_OK;
}

/* Nothing that PostgreSQL has applied is buried: a row ahead of the turn is made true instead. */
static enum err record_if_ahead(struct fail *f, struct failing *one, struct why *why)
{
	bool rolled_back;
	enum redis_recorded how;
	struct client_row row;
	enum err err = pg_rows(f->s, &one->held.client_id, 1, &f->arena, &row, why);

	if (err != ERR_OK || row.version <= one->held.version)
		return err;
	rolled_back = row.version > one->held.version + 1;
	err = redis_record(f->s, &row, slice_of(one->failure->turn->turn_id), rolled_back, &how, why);
	if (err == ERR_FAILED)
		return refuse(one, why);
	one->recorded = how != REDIS_REFUSED;
	rolled_back = rolled_back || how == REDIS_ROLLED_BACK;
	if (one->recorded)
		metric_add(rolled_back ? METRIC_ROLLED_BACK_REDIS : METRIC_TURNS_RECORDED, 1);
	return err;
}

static enum err look_before_burying(struct fail *f, struct why *why)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < f->n && err == ERR_OK; i++)
		if (is_last(f, f->all[i].failure))
			err = record_if_ahead(f, &f->all[i], why);
	return err;
}

void fail_put_head(struct redis_call *call, const struct shared *s)
{
	redis_call_text(call, s->owner);
	redis_call_int(call, s->settings.turn_backoff_ms);
	redis_call_int(call, s->settings.turn_attempts);
}

void fail_put_turn(
    struct redis_call *call, struct slice client_id, struct slice turn_id, const char *how, struct slice reason)
{
	redis_call_slice(call, client_id);
	redis_call_slice(call, turn_id);
	redis_call_text(call, how);
	redis_call_slice(call, reason);
}

static bool goes_out(const struct failing *one)
{
	return !one->recorded && !one->refused;
}

static size_t put_some(struct fail *f, struct redis_call *call, size_t from, size_t most)
{
	size_t i, n = 0;

	redis_call_reset(call, SCRIPT_FAIL);
	fail_put_head(call, f->s);
	for (i = from; i < f->n && n < most; i++) {
		const struct store_failure *failure = f->all[i].failure;
		struct slice reason = slice_cut(slice_of(failure->reason), STORE_REASON_MAX);

		if (!goes_out(&f->all[i]))
			continue;
		fail_put_turn(call, failure->turn->client_id, slice_of(failure->turn->turn_id),
		    failure->give_back ? "B" : "F", reason);
		n++;
	}
	return i - from;
}

static void read_some(struct fail *f, const struct redis_call *call, size_t from, size_t some)
{
	const struct redisReply *all = redis_at(redis_answer(call), 1);
	size_t n = 0;

	for (size_t i = from; i < from + some; i++) {
		struct store_failure *failure = f->all[i].failure;
		const struct redisReply *one;

		if (!goes_out(&f->all[i]))
			continue;
		one = redis_at(all, n++);
		failure->buried = grave_is(one);
		failure->err = failure->buried || redis_int(one) == 1 ? ERR_OK : ERR_STALE_LEASE;
	}
	crash_point("failed");
	graves_log(f->s, all);
}

static enum err fail_some(
    struct fail *f, struct redis_call *call, size_t from, size_t most, size_t *some, struct why *why)
{
	enum err err;

	*some = put_some(f, call, from, most);
	err = redis_call_run(call, why);
	if (err == ERR_OK)
		read_some(f, call, from, *some);
	return err;
}

/* The script failed with one of them: each alone, so that the others go on. */
static enum err fail_apart(struct fail *f, struct redis_call *call, size_t from, size_t n, struct why *why)
{
	enum err err = ERR_OK;
	size_t some;

	for (size_t i = from; i < from + n && err == ERR_OK; i += some) {
		err = fail_some(f, call, i, 1, &some, why);
		if (call->at_fault)
			err = refuse(&f->all[i + some - 1], why);
	}
	return err;
}

static enum err fail_all(struct fail *f, struct why *why)
{
	struct redis_call call;
	enum err err = look_before_burying(f, why);
	size_t some;

	redis_call_begin(&call, f->s, SCRIPT_FAIL);
	for (size_t done = 0; done < f->n && err == ERR_OK; done += some) {
		err = fail_some(f, &call, done, SHARED_CALL_MOST, &some, why);
		if (call.at_fault)
			err = fail_apart(f, &call, done, some, why);
	}
	redis_call_end(&call);
	return err;
}

enum err shared_fail(struct store *store, struct store_failure *failures, size_t n)
{
	struct fail f = { .s = shared_of(store) };
	enum err err;

	begin(&f, failures, n);
	err = fail_all(&f, store_why());
	for (size_t i = 0; i < f.n; i++)
		held_end(f.s->held, f.all[i].held.counter, err == ERR_OK ? HELD_GONE : HELD_WAITING);
	if (err == ERR_OK && f.n > 0)
		waker_wake(f.s->wakers, WAKE_MESSAGES);
	arena_free(&f.arena);
	return err;
}
