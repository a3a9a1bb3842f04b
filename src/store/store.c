/* store.c - hands each verb to the implementation that the store was opened with. */
#include "store/store.h"

#include "base/settings.h"
#include "store/ops.h"

enum err store_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why)
{
	bool redis = settings_name_redis(settings), postgres = settings_name_postgres(settings);

	if (redis && postgres)
		return shared_open(settings, role, ret, why);
	if (redis || postgres)
		return why_fail(why, ERR_INVALID,
		    "the settings name %s but not %s; the shared store needs both: set %s too, or neither for the embedded store",
		    redis ? "Redis" : "PostgreSQL", redis ? "PostgreSQL" : "Redis",
		    redis ? "DATABASE_URL" : "REDIS_URL");
	if (role == STORE_INTAKE || role == STORE_WORKER)
		return why_fail(why, ERR_INVALID,
		    "several processes need the shared store: set REDIS_URL and DATABASE_URL, or use `chat2order run`");
	return embedded_open(settings, role, ret, why);
}

void store_stop_waiting(struct store *s)
{
	s->ops->stop_waiting(s);
}

void store_close(struct store **s)
{
	if (*s != NULL)
		(*s)->ops->close(*s);
	*s = NULL;
}

enum err store_add(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret)
{
	return s->ops->add(s, messages, n, ret);
}

enum err store_take(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret)
{
	return s->ops->take(s, most, wait_ms, ret);
}

void store_turns_free(struct store_turns *turns)
{
	arena_free(&turns->arena);
	*turns = (struct store_turns){ 0 };
}

enum err store_finish(
    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed)
{
	return s->ops->finish(s, results, n, claim_most, claimed);
}

enum err store_fail(struct store *s, struct store_failure *failures, size_t n)
{
	return s->ops->fail(s, failures, n);
}

enum err store_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret)
{
	return s->ops->claim(s, most, wait_ms, ret);
}

void store_replies_free(struct store_replies *replies)
{
	arena_free(&replies->arena);
	*replies = (struct store_replies){ 0 };
}

enum err store_sent(struct store *s, struct store_sent *sent, size_t n)
{
	return s->ops->sent(s, sent, n);
}

enum err store_rate(struct store *s)
{
	return s->ops->rate(s);
}

enum err store_keep(struct store *s, struct store_kept *ret)
{
	return s->ops->keep(s, ret);
}

enum err store_counts(struct store *s, struct store_counts *ret)
{
	return s->ops->counts(s, ret);
}

enum err store_dead_list(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n)
{
	return s->ops->dead_list(s, filter, after, most, arena, ret, n);
}

enum err store_dead_show(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret)
{
	return s->ops->dead_show(s, id, arena, ret);
}

enum err store_dead_retry(struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret)
{
	return s->ops->dead_retry(s, ids, n, force, ret);
}

enum err store_dead_remove(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed)
{
	return s->ops->dead_remove(s, ids, n, ret_removed);
}

enum err store_order_list(struct store *s, const struct store_order_filter *filter, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n)
{
	return s->ops->order_list(s, filter, before, most, arena, ret, n);
}

enum err store_order_show(struct store *s, int64_t id, struct arena *arena, struct store_order *ret)
{
	return s->ops->order_show(s, id, arena, ret);
}

enum err store_order_status(struct store *s, int64_t id, struct slice status)
{
	return s->ops->order_status(s, id, status);
}

enum err store_logs(struct store *s, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n)
{
	return s->ops->logs(s, client_id, before, most, arena, ret, n);
}

enum err store_funnel(struct store *s, int64_t since_ms, struct store_funnel *ret)
{
	return s->ops->funnel(s, since_ms, ret);
}
