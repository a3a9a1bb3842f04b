/* customers.h - the people who write: Chat2Desk's clients, one a transport and phone. The caller locks. */
#ifndef SIMULATOR_CUSTOMERS_H
#define SIMULATOR_CUSTOMERS_H

#include "base/err.h"
#include "simulator/ids.h"

#include <jansson.h>
#include <stdbool.h>

enum { SIM_CUSTOMERS_MAX = 10000 };

struct sim_notice;

struct sim_customer {
	int64_t id, dialog_id, request_id;
	int64_t channel_id;
	char *name;
	char *transport;
	char *phone;   /* what he gave as his number; NULL: none */
	char *address; /* what Chat2Desk calls phone: "[tg] 807892" */
	bool has_written;
	/* webhooks whose first attempt waits for the one before, oldest first (delivery.c) */
	struct sim_notice *first, *last;
};

struct sim_customers {
	struct sim_customer **list; /* ids ascend */
	size_t n, size;
	int file; /* appended to; -1: nothing is kept */
};

/* Reads those of folder/customers.jsonl; folder NULL: begins with none. */
MUST_CHECK enum err sim_customers_open(struct sim_customers *customers, const char *folder, struct why *why);
struct sim_customer *sim_customers_find(const struct sim_customers *customers, int64_t id);

struct sim_customer_wish {
	const char *name;
	const char *transport;
	const char *phone; /* NULL or "": none */
};
/* The one with this transport and phone (without a phone: this transport and name), made when missing;
 * ret_new tells. Takes up to three ids that the caller has ensured. ERR_INVALID: unknown transport, text too
 * long. */
MUST_CHECK enum err sim_customers_get(struct sim_customers *customers, struct sim_ids *ids,
    const struct sim_customer_wish *wish, struct sim_customer **ret, bool *ret_new, struct why *why);
/* As the control API shows him: a new reference. */
json_t *sim_customer_json(const struct sim_customer *customer);
void sim_customers_close(struct sim_customers *customers);

/* The channel of a transport; 0: unknown transport. */
int64_t sim_transport_channel(const char *transport);

#endif
