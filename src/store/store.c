/* store.c - hands each verb to the implementation that the store was opened with. */
#include "store/store.h"

#include "base/settings.h"
#include "store/ops.h"

#include <stdio.h>

static _Thread_local struct why said;

struct why *store_why(void)
{
	return &said;
}

const char *store_said(enum err e)
{
	return said.text[0] != '\0' && e != ERR_STOPPED ? said.text : err_text(e);
}

/* The verbs, for one call of one of them. */
static const struct store_ops *begin(const struct store *s)
{
	said.text[0] = '\0';
	return s->ops;
}

static bool is_shared(const struct settings *settings)
{
	return settings_name_redis(settings) && settings_name_postgres(settings);
}

enum err store_check_settings(const struct settings *settings, struct why *why)
{
	bool redis = settings_name_redis(settings), postgres = settings_name_postgres(settings);

	if (redis != postgres)
		return why_fail(why, ERR_INVALID,
		    "the settings name %s but not %s; the shared store needs both: set %s too, or neither for the embedded store",
		    redis ? "Redis" : "PostgreSQL", redis ? "PostgreSQL" : "Redis",
		    redis ? "DATABASE_URL" : "REDIS_URL");
	return redis ? shared_check_settings(settings, why) : ERR_OK;
}

enum err store_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why)
{
	enum err err = store_check_settings(settings, why);

	if (err != ERR_OK)
		return err;
	if (is_shared(settings))
		return shared_open(settings, role, ret, why);
	if (role == STORE_INTAKE || role == STORE_WORKER)
		return why_fail(why, ERR_INVALID,
		    "several processes need the shared store: set REDIS_URL and DATABASE_URL, or use `chat2order run`");
	return embedded_open(settings, role, ret, why);
}

enum err store_wait(struct store *s, struct why *why)
{
	return s->ops->wait != NULL ? s->ops->wait(s, why) : ERR_OK;
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
	return begin(s)->add(s, messages, n, ret);
}

void store_add_begin(struct store *s, struct store_adding *adding)
{
	s->ops->add_begin(s, adding);
}

size_t store_adds_at_once(const struct store *s)
{
	return s->ops->adds_at_once;
}

enum err store_take(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret)
{
	return begin(s)->take(s, most, wait_ms, ret);
}

void store_turns_free(struct store_turns *turns)
{
	arena_free(&turns->arena);
	*turns = (struct store_turns){ 0 };
}

enum err store_finish(
    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed)
{
	return begin(s)->finish(s, results, n, claim_most, claimed);
}

enum err store_fail(struct store *s, struct store_failure *failures, size_t n)
{
	return begin(s)->fail(s, failures, n);
}

enum err store_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret)
{
	return begin(s)->claim(s, most, wait_ms, ret);
}

void store_replies_free(struct store_replies *replies)
{
	arena_free(&replies->arena);
	*replies = (struct store_replies){ 0 };
}

enum err store_sent(struct store *s, struct store_sent *sent, size_t n)
{
	return begin(s)->sent(s, sent, n);
}

enum err store_rate(struct store *s)
{
	return begin(s)->rate(s);
}

enum err store_keep(struct store *s, struct store_kept *ret)
{
	return begin(s)->keep(s, ret);
}

enum err store_counts(struct store *s, struct store_counts *ret)
{
	return begin(s)->counts(s, ret);
}

enum err store_dead_list(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n)
{
	return begin(s)->dead_list(s, filter, after, most, arena, ret, n);
}

enum err store_dead_show(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret)
{
	return begin(s)->dead_show(s, id, arena, ret);
}

enum err store_dead_retry(struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret)
{
	return begin(s)->dead_retry(s, ids, n, force, ret);
}

enum err store_dead_remove(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed)
{
	return begin(s)->dead_remove(s, ids, n, ret_removed);
}

enum err store_order_list(struct store *s, const struct store_order_filter *filter, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n)
{
	return begin(s)->order_list(s, filter, before, most, arena, ret, n);
}

enum err store_order_show(struct store *s, int64_t id, struct arena *arena, struct store_order *ret)
{
	return begin(s)->order_show(s, id, arena, ret);
}

bool store_is_status(struct slice status)
{
	char wanted[32], known[] = "|" STORE_ORDER_STATUSES "|";

	if (status.n == 0 || status.n > sizeof wanted - 3 || memchr(status.p, '|', status.n) != NULL)
		return false;
	(void)snprintf(wanted, sizeof wanted, "|%.*s|", SLICE_PRINT(status));
	return strstr(known, wanted) != NULL;
}

enum err store_order_status(struct store *s, int64_t id, struct slice status)
{
	return begin(s)->order_status(s, id, status);
}

enum err store_logs(struct store *s, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n)
{
	return begin(s)->logs(s, client_id, before, most, arena, ret, n);
}

enum err store_funnel(struct store *s, int64_t since_ms, struct store_funnel *ret)
{
	return begin(s)->funnel(s, since_ms, ret);
}
