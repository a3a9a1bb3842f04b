/* events.c - the ring of events and its watchers. */
#include "simulator/events.h"

#include "base/buf.h"

#include <inttypes.h>

void sim_events_open(struct sim_events *events)
{
	*events = (struct sim_events){ 0 };
	sim_ring_open(&events->ring, SIM_EVENTS_MAX);
}

/* Answers with all it may see, SIM_EVENTS_AT_ONCE at most. False, and nothing answered, when there is none
 * and it may wait. */
static bool answer(struct sim_events *events, const struct sim_watch *watch, bool may_wait)
{
	int64_t oldest = sim_ring_oldest(&events->ring), n = watch->after + 1 > oldest ? watch->after + 1 : oldest;
	struct buf body = { 0 };
	unsigned found = 0;

	buf_text(&body, "{\"events\":[");
	for (; n < events->ring.next && found < SIM_EVENTS_AT_ONCE; n++) {
		const struct sim_ring_entry *entry = sim_ring_at(&events->ring, n, watch->client_id);

		if (entry == NULL)
			continue;
		if (found++ > 0)
			buf_char(&body, ',');
		buf_slice(&body, entry->text);
	}
	buf_printf(&body, "],\"last\":%" PRId64 ",\"missed\":%s}", n - 1, watch->after + 1 < oldest ? "true" : "false");
	if (found > 0 || !may_wait)
		http_answer(watch->request, &(struct http_answer){ .status = 200, .body = buf_as_slice(&body) });
	buf_free(&body);
	return found > 0 || !may_wait;
}

static void wake_watches(struct sim_events *events, int64_t client_id)
{
	size_t kept = 0;

	for (size_t i = 0; i < events->n_watches; i++) {
		struct sim_watch *w = &events->watches[i];
		bool concerned = client_id == 0 || w->client_id == 0 || w->client_id == client_id;

		if (!concerned || !answer(events, w, true))
			events->watches[kept++] = *w;
	}
	events->n_watches = kept;
}

void sim_events_add(struct sim_events *events, int64_t client_id, json_t *json)
{
	(void)json_object_set_new(json, "n", json_integer(events->ring.next));
	sim_ring_add(&events->ring, client_id, json_dumps(json, JSON_COMPACT));
	json_decref(json);
	wake_watches(events, client_id);
}

uint64_t sim_events_watch(struct sim_events *events, const struct sim_watch *watch)
{
	struct sim_watch *kept;

	if (answer(events, watch, events->n_watches < SIM_WATCHERS_MAX))
		return 0;
	kept = &events->watches[events->n_watches++];
	*kept = *watch;
	kept->number = ++events->watched;
	return kept->number;
}

void sim_events_end_watch(struct sim_events *events, uint64_t number)
{
	for (size_t i = 0; i < events->n_watches; i++) {
		if (events->watches[i].number != number)
			continue;
		(void)answer(events, &events->watches[i], false);
		events->watches[i] = events->watches[--events->n_watches];
		return;
	}
}

void sim_events_end_all(struct sim_events *events)
{
	while (events->n_watches > 0)
		sim_events_end_watch(events, events->watches[0].number);
}

void sim_events_close(struct sim_events *events)
{
	sim_ring_close(&events->ring);
}
