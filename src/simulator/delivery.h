/* delivery.h - posts events to the registered webhooks, with the vendor's retry habits.
 *
 * First attempts of one client go out one after the other, in order; retries (after 10 s, 5 min and 2 h, by
 * the simulator's clock, repeating body and timestamp) keep no order. Anything but 2xx is a failure. After
 * the fourth failure the event is gone; a webhook without a success for 5 h is switched off. */
#ifndef SIMULATOR_DELIVERY_H
#define SIMULATOR_DELIVERY_H

#include "simulator/payload.h"
#include "simulator/world.h"

/* What is undelivered may take so many bytes; see sim_delivery_has_room(). */
enum { SIM_UNDELIVERED_BYTES = 16 << 20 };

struct sim_event {
	const char *name;   /* "inbox": what webhooks subscribe to */
	int64_t message_id; /* of the customer's message whose fate is shown; 0: not shown */
	int64_t event_s;    /* X-Timestamp */
	json_t *payload;    /* taken over */
};

/* Posts to every webhook that wants it. With no room left an event is dropped (and shown as such). */
void sim_deliver(struct simulator *sim, struct sim_customer *customer, const struct sim_event *event);
bool sim_delivery_has_room(const struct simulator *sim);
/* With sim->stopping set: forgets what waits for its turn. */
void sim_delivery_stop(struct simulator *sim);

#endif
