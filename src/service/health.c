/* health.c - the checks as they stand, and the thread that watches store and progress. */
#include "service/health.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WATCH_EVERY_MS = 1000 };

struct health {
	struct store *store;
	bool watches_turns;
	pthread_t watcher;
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t wake;
	bool stop;
	struct health_state source[HEALTH_SOURCES]; /* as they reported */
	struct health_note notes[STORE_NOTES_MAX];
	size_t n_notes;
	const char *durability;
	struct store_counts counts;
	enum err counts_err;
	struct why counts_why;
	int64_t counted_ms; /* monotonic, the last answer of the store */
	int64_t turns;      /* turns taken so far, and */
	int64_t moved_ms;   /* monotonic, when that last changed or nothing waited */
};

static const struct {
	const char *name;
	bool grave;
} checks[HEALTH_CHECKS] = {
#define X(name, shown, grave) [HEALTH_##name] = { shown, grave },
	HEALTH_LIST(X)
#undef X
};

static const struct {
	enum health_check check;
	const char *name;
} sources[HEALTH_SOURCES] = {
#define X(name, check, shown) [HEALTH_BY_##name] = { HEALTH_##check, shown },
	HEALTH_SOURCE_LIST(X)
#undef X
};

const char *health_check_name(enum health_check check)
{
	return checks[check].name;
}

bool health_is_grave(enum health_check check)
{
	return checks[check].grave;
}

void health_set(struct health *h, enum health_source source, bool ok, const char *reason)
{
	struct health_state *state = &h->source[source];
	const char *check = checks[sources[source].check].name;
	bool changed;

	(void)pthread_mutex_lock(&h->mutex);
	changed = state->ok != ok;
	state->ok = ok;
	if (changed)
		state->since_ms = ok ? 0 : clock_wall_ms();
	if (changed || !ok)
		(void)snprintf(state->reason, sizeof state->reason, "%s", ok || reason == NULL ? "" : reason);
	(void)pthread_mutex_unlock(&h->mutex);
	if (changed && ok)
		log_info("health is good again", log_word("check", check), log_word("source", sources[source].name));
	else if (changed)
		log_error("health is bad", log_word("check", check), log_word("source", sources[source].name),
		    log_word("reason", reason));
}

/* Since when this check fails; with the mutex held. */
static int64_t failing_since(const struct health *h, const struct store_note *note)
{
	if (note->ok)
		return 0;
	for (size_t i = 0; i < h->n_notes; i++)
		if (strcmp(h->notes[i].said.check, note->check) == 0 && !h->notes[i].said.ok)
			return h->notes[i].since_ms;
	log_error("health is bad", log_word("check", note->check), log_word("reason", note->text));
	return clock_wall_ms();
}

void health_note(struct health *h, const struct store_kept *kept)
{
	struct health_note now[STORE_NOTES_MAX];

	(void)pthread_mutex_lock(&h->mutex);
	for (size_t i = 0; i < kept->n_notes; i++)
		now[i] = (struct health_note){ kept->notes[i], failing_since(h, &kept->notes[i]) };
	for (size_t i = 0; i < kept->n_notes; i++)
		h->notes[i] = now[i];
	h->n_notes = kept->n_notes;
	if (kept->durability != NULL)
		h->durability = kept->durability;
	(void)pthread_mutex_unlock(&h->mutex);
}

/* ---- a look; with the mutex held ---------------------------------------------------------------------- */

static void join_sources(const struct health *h, struct health_view *view)
{
	for (size_t i = 0; i < HEALTH_CHECKS; i++)
		view->check[i] = (struct health_state){ .ok = true };
	for (size_t i = 0; i < HEALTH_SOURCES; i++) {
		const struct health_state *source = &h->source[i];
		struct health_state *check = &view->check[sources[i].check];

		if (!source->ok && (check->ok || source->since_ms < check->since_ms))
			*check = *source;
	}
}

/* ---- what the watcher adds; called with the mutex held ------------------------------------------------ */

static void fail(struct health_state *state, int64_t for_ms, const char *reason)
{
	if (!state->ok)
		return;
	state->ok = false;
	state->since_ms = clock_wall_ms() - for_ms;
	(void)snprintf(state->reason, sizeof state->reason, "%s", reason);
}

static void judge_store(const struct health *h, struct health_view *view)
{
	int64_t silent_ms = clock_mono_ms() - h->counted_ms;

	if (silent_ms > HEALTH_STORE_SILENT_MS)
		fail(&view->check[HEALTH_STORE], silent_ms,
		    "The store does not answer: look at disk and system load (iostat, dmesg)");
	else if (h->counts_err != ERR_OK)
		fail(&view->check[HEALTH_STORE], 0, h->counts_why.text);
}

static void judge_progress(const struct health *h, struct health_view *view)
{
	int64_t still_ms = clock_mono_ms() - h->moved_ms;

	if (h->watches_turns && still_ms > HEALTH_STALLED_MS && h->counts.oldest_waiting_ms > HEALTH_STALLED_MS)
		fail(&view->check[HEALTH_WORKER], still_ms,
		    "Messages wait, but no turn is taken: look for errors of the worker in the log, or restart");
}

void health_look(struct health *h, struct health_view *ret)
{
	(void)pthread_mutex_lock(&h->mutex);
	join_sources(h, ret);
	ret->counts = h->counts;
	ret->n_notes = h->n_notes;
	memcpy(ret->notes, h->notes, sizeof ret->notes);
	ret->durability = h->durability;
	judge_store(h, ret);
	judge_progress(h, ret);
	(void)pthread_mutex_unlock(&h->mutex);
	ret->healthy = true;
	for (size_t i = 0; i < HEALTH_CHECKS; i++)
		ret->healthy &= ret->check[i].ok || !checks[i].grave;
	for (size_t i = 0; i < ret->n_notes; i++)
		ret->healthy &= ret->notes[i].said.ok || !ret->notes[i].said.grave;
}

/* ---- watching ----------------------------------------------------------------------------------------- */

static void note(struct health *h, enum err e, const struct store_counts *counts)
{
	int64_t turns = metric_value(METRIC_TURNS) + metric_value(METRIC_TURNS_FAILED);
	int64_t now_ms = clock_mono_ms();

	h->counted_ms = now_ms;
	h->counts_err = e;
	why_set(&h->counts_why, "%s", store_said(e));
	if (e == ERR_OK)
		h->counts = *counts;
	if (turns != h->turns || h->counts.waiting == 0)
		h->moved_ms = now_ms;
	h->turns = turns;
}

static void pause_watch(struct health *h)
{
	(void)wait_until(&h->wake, &h->mutex, clock_mono_us() + (int64_t)WATCH_EVERY_MS * 1000);
}

static void *watch(void *context)
{
	struct health *h = context;

	(void)pthread_mutex_lock(&h->mutex);
	while (!h->stop) {
		struct store_counts counts = { 0 };
		enum err e;

		(void)pthread_mutex_unlock(&h->mutex);
		e = store_counts(h->store, &counts);
		(void)pthread_mutex_lock(&h->mutex);
		note(h, e, &counts);
		if (!h->stop)
			pause_watch(h);
	}
	(void)pthread_mutex_unlock(&h->mutex);
	return NULL;
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void free_health(struct health *h)
{
	(void)pthread_cond_destroy(&h->wake);
	(void)pthread_mutex_destroy(&h->mutex);
	free(h);
}

enum err health_start(struct store *store, bool watches_turns, struct health **ret, struct why *why)
{
	struct health *h = mem_alloc(sizeof *h);

	h->store = store;
	h->watches_turns = watches_turns;
	h->durability = "unknown";
	h->counted_ms = h->moved_ms = clock_mono_ms();
	for (size_t i = 0; i < HEALTH_SOURCES; i++)
		h->source[i].ok = true;
	(void)pthread_mutex_init(&h->mutex, NULL);
	wait_init(&h->wake);
	if (pthread_create(&h->watcher, NULL, watch, h) != 0) {
		free_health(h);
		return why_fail(why, ERR_FAILED, "cannot start a thread: raise the limit of processes (ulimit -u)");
	}
	*ret = h;
	return ERR_OK;
}

void health_stop(struct health **health)
{
	struct health *h = *health;

	if (h == NULL)
		return;
	(void)pthread_mutex_lock(&h->mutex);
	h->stop = true;
	(void)pthread_cond_signal(&h->wake);
	(void)pthread_mutex_unlock(&h->mutex);
	(void)pthread_join(h->watcher, NULL);
	free_health(h);
	*health = NULL;
}
