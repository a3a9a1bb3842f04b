/* payload.h - the vendor's shapes: webhook bodies and the REST form of a message. Pure; any thread. */
#ifndef SIMULATOR_PAYLOAD_H
#define SIMULATOR_PAYLOAD_H

#include "simulator/customers.h"

struct sim_message {
	int64_t id;
	const char *type; /* "from_client", "to_client", "autoreply", "system", "comment" */
	const char *text, *photo, *video, *audio, *pdf, *coordinates; /* NULL: none */
	const char *transport;
	int64_t channel_id;
	int64_t operator_id; /* 0: none */
	bool first;          /* of this customer */
	char event_time[40]; /* as in the body */
	int64_t event_s;     /* its second: X-Timestamp */
};

/* Fills event_time and event_s: now, to the microsecond. */
void sim_message_stamp(struct sim_message *message);
/* hook_type "inbox", "outbox", "comment" or "system_message". New references. */
json_t *sim_payload_message(
    const struct sim_message *message, const struct sim_customer *customer, const char *hook_type);
json_t *sim_payload_new_client(const struct sim_customer *customer, const char *event_time);
json_t *sim_payload_new_request(const struct sim_customer *customer, const char *event_time);
json_t *sim_payload_rest_message(const struct sim_message *message, const struct sim_customer *customer);
json_t *sim_payload_rest_client(const struct sim_customer *customer);

#endif
