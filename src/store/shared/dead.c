/* dead.c - dead letters: looked at, put back, removed. Their numbers are Redis' own, in the order of death. */
#include "store/shared/job.h"
#include "store/shared/redis/call.h"

#include <ctype.h>

enum { PAGE = 200, STEP = 50 };
enum {
	DEAD_NUMBER,
	DEAD_KIND,
	DEAD_JOB,
	DEAD_DATA,
	DEAD_C,
	DEAD_REASON,
	DEAD_DIED,
	DEAD_ATTEMPTS,
	DEAD_DIALOG,
	DEAD_TIMESTAMP
};

/* ---- looked at ---- */

static enum err index_queue(struct redis_call *call, const char *queue, bool *nothing, struct why *why)
{
	int64_t from = 0, more = 1;
	enum err err = ERR_OK;

	for (; err == ERR_OK && more == 1; from += 500) {
		redis_call_reset(call, SCRIPT_DEAD_INDEX);
		redis_call_text(call, queue);
		redis_call_int(call, from);
		if ((err = redis_call_run(call, why)) == ERR_OK)
			more = redis_int(redis_at(redis_answer(call), 1));
	}
	*nothing = more < 0;
	return err;
}

/* Those that did not die by us get their numbers. */
static enum err index_all(struct redis_call *call, struct why *why)
{
	bool nothing = false;
	enum err err = index_queue(call, "m", &nothing, why);

	return err != ERR_OK || nothing ? err : index_queue(call, "r", &nothing, why);
}

static void read_message(const struct redisReply *r, struct arena *a, struct store_dead *ret)
{
	struct job_hash job = { .id = redis_text(redis_at(r, DEAD_JOB)),
		.data = redis_text(redis_at(r, DEAD_DATA)),
		.c = redis_text(redis_at(r, DEAD_C)),
		.timestamp = ret->created_ms };
	struct store_message m;
	struct job_c c = { 0 };

	if (job_read_message(&job, a, &m)) {
		ret->client_id = m.client_id;
		ret->ref = m.message_id;
		ret->text = m.text;
		ret->transport = m.transport;
		ret->channel_id = m.channel_id;
		return;
	}
	(void)job_read_message_c(job.c, &c);
	ret->client_id = slice_copy(a, c.client_id);
	ret->ref = slice_copy(a, job_message_id(job.id, job.id));
	ret->text = slice_copy(a, job.data);
}

static void read_reply(const struct redisReply *r, struct arena *a, struct store_dead *ret)
{
	struct job_reply job = { 0 };
	struct job_c c = { 0 };

	ret->ref = slice_copy(a, redis_text(redis_at(r, DEAD_JOB)));
	if (!job_read_reply(redis_text(redis_at(r, DEAD_DATA)), a, &job))
		job.text = slice_copy(a, redis_text(redis_at(r, DEAD_DATA)));
	ret->client_id = job.client_id;
	if (job_read_reply_c(redis_text(redis_at(r, DEAD_C)), &c))
		ret->client_id = slice_copy(a, c.client_id);
	ret->text = job.text;
	ret->transport = job.transport;
	ret->channel_id = job.channel_id;
}

static struct store_dead read_dead(const struct redisReply *r, struct arena *a)
{
	struct store_dead ret = {
		.id = redis_int(redis_at(r, DEAD_NUMBER)),
		.kind = slice_eq(redis_text(redis_at(r, DEAD_KIND)), SLICE("m")) ? STORE_DEAD_MESSAGE
										 : STORE_DEAD_REPLY,
		.reason = slice_copy(a, redis_text(redis_at(r, DEAD_REASON))),
		.dialog_id = slice_copy(a, redis_text(redis_at(r, DEAD_DIALOG))),
		.died_ms = redis_int(redis_at(r, DEAD_DIED)),
		.created_ms = redis_int(redis_at(r, DEAD_TIMESTAMP)),
		.attempts = (unsigned)redis_int(redis_at(r, DEAD_ATTEMPTS)),
	};

	if (ret.kind == STORE_DEAD_MESSAGE)
		read_message(r, a, &ret);
	else
		read_reply(r, a, &ret);
	return ret;
}

/* ASCII letters of either case are the same, as in the embedded store. */
static bool contains(struct slice text, struct slice part)
{
	for (size_t i = 0; part.n <= text.n && i + part.n <= text.n; i++) {
		size_t k = 0;

		while (k < part.n && tolower((unsigned char)text.p[i + k]) == tolower((unsigned char)part.p[k]))
			k++;
		if (k == part.n)
			return true;
	}
	return false;
}

static bool fits(const struct store_dead *d, const struct store_dead_filter *f)
{
	return (f->kind == STORE_DEAD_ANY || f->kind == d->kind) &&
	       (f->client_id.n == 0 || slice_eq(f->client_id, d->client_id)) && contains(d->reason, f->reason) &&
	       (f->since_ms == 0 || d->died_ms >= f->since_ms) && (f->until_ms == 0 || d->died_ms < f->until_ms);
}

static enum err read_page(struct redis_call *call, int64_t after, size_t most, struct why *why)
{
	redis_call_reset(call, SCRIPT_DEAD_PAGE);
	redis_call_int(call, after);
	redis_call_int(call, (int64_t)most);
	return redis_call_run(call, why);
}

enum err shared_dead_list(struct store *store, const struct store_dead_filter *f, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n)
{
	struct redis_call call;
	bool end = most == 0;
	enum err err;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	redis_call_begin(&call, shared_of(store), SCRIPT_DEAD_INDEX);
	err = index_all(&call, store_why());
	while (err == ERR_OK && !end && (err = read_page(&call, after, PAGE, store_why())) == ERR_OK) {
		const struct redisReply *page = redis_at(redis_answer(&call), 2);

		for (size_t i = 0; i < redis_n(page) && *n < most; i++) {
			(*ret)[*n] = read_dead(redis_at(page, i), arena);
			*n += fits(&(*ret)[*n], f);
		}
		after = redis_int(redis_at(redis_answer(&call), 1));
		end = after == 0 || *n == most;
	}
	redis_call_end(&call);
	return err;
}

enum err shared_dead_show(struct store *store, int64_t id, struct arena *arena, struct store_dead *ret)
{
	struct redis_call call;
	enum err err;

	redis_call_begin(&call, shared_of(store), SCRIPT_DEAD_INDEX);
	err = index_all(&call, store_why());
	if (err == ERR_OK)
		err = read_page(&call, id - 1, 1, store_why());
	if (err == ERR_OK) {
		const struct redisReply *page = redis_at(redis_answer(&call), 2);

		if (redis_n(page) == 1 && redis_int(redis_at(redis_at(page, 0), DEAD_NUMBER)) == id)
			*ret = read_dead(redis_at(page, 0), arena);
		else
			err = ERR_NOT_FOUND;
	}
	redis_call_end(&call);
	return err;
}

/* ---- put back, removed ---- */

static enum store_dead_retried retried(int64_t how)
{
	return how == 1 ? STORE_DEAD_RETRIED : how == 2 ? STORE_DEAD_OTHER_DIALOG : STORE_DEAD_GONE;
}

enum err shared_dead_retry(struct store *store, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret)
{
	struct shared *s = shared_of(store);
	struct redis_call call;
	enum err err = ERR_OK;

	redis_call_begin(&call, s, SCRIPT_DEAD_RETRY);
	for (size_t i = 0; i < n && err == ERR_OK; i += STEP) {
		size_t some = n - i < STEP ? n - i : STEP;

		redis_call_reset(&call, SCRIPT_DEAD_RETRY);
		redis_call_text(&call, s->owner);
		redis_call_int(&call, force);
		for (size_t k = i; k < i + some; k++)
			redis_call_int(&call, ids[k]);
		err = redis_call_run(&call, store_why());
		for (size_t k = 0; k < some && err == ERR_OK; k++)
			ret[i + k] = retried(redis_int(redis_at(redis_at(redis_answer(&call), 1), k)));
	}
	redis_call_end(&call);
	return err;
}

enum err shared_dead_remove(struct store *store, const int64_t *ids, size_t n, size_t *ret_removed)
{
	struct redis_call call;
	enum err err = ERR_OK;

	*ret_removed = 0;
	redis_call_begin(&call, shared_of(store), SCRIPT_DEAD_REMOVE);
	for (size_t i = 0; i < n && err == ERR_OK; i += STEP) {
		redis_call_reset(&call, SCRIPT_DEAD_REMOVE);
		for (size_t k = i; k < n && k < i + STEP; k++)
			redis_call_int(&call, ids[k]);
		err = redis_call_run(&call, store_why());
		if (err == ERR_OK)
			*ret_removed += (size_t)redis_int(redis_at(redis_answer(&call), 1));
	}
	redis_call_end(&call);
	return err;
}
