/* faults.h - what shall go wrong, and for which calls. Pure but for the dice; the caller locks.
 *
 * A fault hits calls of /v1 (with client_id: only messages to that client), each with the given
 * probability, at most `calls` of them; and, apart from that, every webhook. docs/simulator.md lists them. */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_faults {
	int64_t latency_ms;    /* the answer comes so much later */
	int64_t status;        /* answered instead of the true outcome; 0: none */
	int64_t retry_after_s; /* sent with the status; 0: not sent */
	bool cut;              /* the connection is broken instead of an answer; the call was carried out */
	bool hang;             /* no answer for SIM_HANG_MS, then broken */
	bool accept;           /* the call is carried out although status or hang hide it */
	double probability;
	int64_t calls;     /* that are still hit; 0: no limit */
	int64_t client_id; /* 0: any call */
	char message[200]; /* text of the answer with status; "": the vendor's for that status */

	int64_t duplicates; /* how often each webhook is posted at the same time */
	int64_t delay_ms;   /* before the first attempt of each webhook, order kept */
	int64_t shuffle_ms; /* before it, from 0 to this by chance, order lost */
};

enum { SIM_HANG_MS = 60000 };

/* What becomes of one call. */
struct sim_fault {
	int64_t latency_ms, status, retry_after_s;
	bool cut, hang;
	bool carried_out;
	char message[200]; /* "": the vendor's */
};

void sim_faults_clear(struct sim_faults *faults);
/* Replaces all faults by those of a JSON object; what it does not name is off. ERR_INVALID, and nothing
 * changed: unknown name, wrong type or range. */
MUST_CHECK enum err sim_faults_set(struct sim_faults *faults, const json_t *json, struct why *why);
json_t *sim_faults_json(const struct sim_faults *faults); /* new reference */
/* Decides on a call; client_id 0: it concerns no client. */
struct sim_fault sim_faults_pick(struct sim_faults *faults, int64_t client_id);
int64_t sim_faults_shuffle(const struct sim_faults *faults); /* ms */

#endif
