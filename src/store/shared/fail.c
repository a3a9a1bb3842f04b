/* fail.c - turns that did not finish: given back unspent, or failed by their own fault. */
#include "store/shared/fail.h"

#include "base/crash.h"
#include "store/shared/grave.h"
#include "store/shared/held.h"
#include "store/shared/pg.h"
#include "store/shared/redis_call.h"
#include "store/shared/redis_finish.h"
#include "store/shared/waker.h"

/* One of the call, as far as it is ours. */
struct failing {
	struct store_failure *failure;
	struct held_turn held;
	bool recorded; /* another turn's row was made true in its place */
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

/* Nothing that PostgreSQL has applied is buried: a row ahead of the turn is made true instead. */
static enum err record_if_ahead(struct fail *f, struct failing *one, struct why *why)
{
	struct client_row row;
	enum err err = pg_rows(f->s, &one->held.client_id, 1, &f->arena, &row, why);

	if (err != ERR_OK || row.version <= one->held.version)
		return err;
	return redis_record(f->s, &row, slice_of(one->failure->turn->turn_id), row.version > one->held.version + 1,
	    &one->recorded, why);
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

static size_t put_some(struct fail *f, struct redis_call *call, size_t from)
{
	size_t i, n = 0;

	redis_call_reset(call, SCRIPT_FAIL);
	fail_put_head(call, f->s);
	for (i = from; i < f->n && n < SHARED_CALL_MOST; i++) {
		const struct store_failure *failure = f->all[i].failure;
		struct slice reason = slice_cut(slice_of(failure->reason), STORE_REASON_MAX);

		if (f->all[i].recorded)
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

		if (f->all[i].recorded)
			continue;
		one = redis_at(all, n++);
		failure->buried = grave_is(one);
		failure->err = failure->buried || redis_int(one) == 1 ? ERR_OK : ERR_STALE_LEASE;
	}
	crash_point("failed");
	graves_log(f->s, all);
}

static enum err fail_all(struct fail *f, struct why *why)
{
	struct redis_call call;
	enum err err = look_before_burying(f, why);

	redis_call_begin(&call, f->s, SCRIPT_FAIL);
	for (size_t done = 0; done < f->n && err == ERR_OK;) {
		size_t some = put_some(f, &call, done);

		err = redis_call_run(&call, why);
		if (err == ERR_OK)
			read_some(f, &call, done, some);
		done += some;
	}
	redis_call_end(&call);
	return err;
}

enum err shared_fail(struct store *store, struct store_failure *failures, size_t n)
{
	struct fail f = { .s = shared_of(store) };
	struct why why = { 0 };
	enum err err;

	begin(&f, failures, n);
	err = fail_all(&f, &why);
	for (size_t i = 0; i < f.n; i++)
		held_end(f.s->held, f.all[i].held.counter, err == ERR_OK ? HELD_GONE : HELD_WAITING);
	if (err == ERR_OK && f.n > 0)
		waker_wake(f.s->wakers, WAKE_MESSAGES);
	arena_free(&f.arena);
	return err;
}
