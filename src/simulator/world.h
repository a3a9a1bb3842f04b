/* world.h - the simulator's inside: all parts, one lock. Everything but the parts with threads of their own
 * (server, pool, timers) is guarded by the lock; handlers and callbacks hold it while they work. */
#ifndef SIMULATOR_WORLD_H
#define SIMULATOR_WORLD_H

#include "chat2desk/signature.h"
#include "chat2desk/transfer.h"
#include "http/server.h"
#include "simulator/customers.h"
#include "simulator/events.h"
#include "simulator/faults.h"
#include "simulator/history.h"
#include "simulator/hooks.h"
#include "simulator/simulator.h"
#include "simulator/timers.h"

#include <pthread.h>

struct simulator {
	struct http_server *server;
	struct transfer_pool *pool;
	struct sim_timers *timers;
	char *token;
	struct c2d_keys keys;
	double clock_factor;
	unsigned delivery_timeout_ms;

	pthread_mutex_t lock; /* guards what follows */
	bool stopping;
	struct sim_ids ids;
	struct sim_customers customers;
	struct sim_hooks hooks;
	struct sim_faults faults;
	struct sim_events events;
	struct sim_ring history;
	size_t undelivered_bytes; /* of webhooks under way or waiting for a retry */
	uint64_t api_calls;       /* for api_info */
};

#endif
