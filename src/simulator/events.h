/* events.h - what happened lately, for the page, tests and chat: a ring, and those who wait for the next.
 *
 * An event is a JSON object with "n" (its number, ascending by 1), "kind" and more (docs/simulator.md). The
 * caller locks; timers call back with the lock not held. */
#ifndef SIMULATOR_EVENTS_H
#define SIMULATOR_EVENTS_H

#include "http/server.h"
#include "simulator/ring.h"

#include <jansson.h>

enum { SIM_EVENTS_MAX = 8192, SIM_WATCHERS_MAX = 64, SIM_EVENTS_AT_ONCE = 500 };

struct sim_watch {
	struct http_request *request;
	uint64_t number; /* of the watch, for the one who ends it */
	int64_t after;
	int64_t client_id; /* 0: events of all */
};

struct sim_events {
	struct sim_ring ring;
	struct sim_watch watches[SIM_WATCHERS_MAX];
	size_t n_watches;
	uint64_t watched;
};

void sim_events_open(struct sim_events *events);
/* Takes over json, an object without "n"; answers those who wait for it. client_id 0: concerns all. */
void sim_events_add(struct sim_events *events, int64_t client_id, json_t *json);
/* Answers at once with what there is after `after`, or keeps the request until something comes; then returns
 * the number of the watch, else 0. */
uint64_t sim_events_watch(struct sim_events *events, const struct sim_watch *watch);
/* Answers a watch with nothing; one that is gone already is fine. */
void sim_events_end_watch(struct sim_events *events, uint64_t number);
void sim_events_end_all(struct sim_events *events);
void sim_events_close(struct sim_events *events);

#endif
