/* simulator.h - a Chat2Desk to develop against: its API, its webhooks with their retry habits, faults on
 * demand, and a page to chat on.
 *
 * One simulator is one company with one token. What it serves, on one listener:
 *
 *   /v1/...    the API, as docs/chat2desk.md says (messages, webhooks, clients, companies/api_info)
 *   /sim/...   the control API: customers, what they write, recent events, faults (docs/simulator.md)
 *   /          the page, a client of the control API
 *
 * The service under development is reached by signed webhooks only, and reaches us by the API only.
 * Memory is bounded: undelivered webhooks, recent events, recent messages and customers each have a limit. */
#ifndef SIMULATOR_SIMULATOR_H
#define SIMULATOR_SIMULATOR_H

#include "base/err.h"

#include <stdint.h>

struct simulator;

struct simulator_options {
	const char *host;  /* numeric address */
	uint16_t port;     /* 0: a free one, see simulator_port() */
	const char *token; /* of the API; signs the webhooks too */
	/* Where ids and customers are kept over restarts, made when missing; NULL: nowhere, ids then start from
	 * the clock. Two simulators may not share a folder. */
	const char *folder;
	double clock_factor;          /* 1 to 1,000,000: how much faster the waits of webhooks pass; 0 means 1 */
	unsigned delivery_timeout_ms; /* of one webhook, not scaled; 0 means 10,000 */
	const char *faults;           /* JSON as of POST /sim/faults; NULL: none */
};

/* Listens and serves until simulator_stop(). Everything in options is copied. */
MUST_CHECK enum err simulator_start(const struct simulator_options *options, struct simulator **ret, struct why *why);
uint16_t simulator_port(const struct simulator *sim);
/* Registers a webhook for all events, as POST /v1/webhooks does. Any thread. */
MUST_CHECK enum err simulator_register(struct simulator *sim, const char *url, struct why *why);
/* Ends waiting requests, lets webhooks under way end (at most the delivery timeout), forgets undelivered
 * ones. NULL is fine; *sim is NULL afterwards. */
void simulator_stop(struct simulator **sim);

#endif
