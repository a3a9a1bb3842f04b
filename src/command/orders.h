/* orders.h - the verbs of `orders`, and what they share. */
#ifndef COMMAND_ORDERS_H
#define COMMAND_ORDERS_H

#include "command/options.h"
#include "store/store.h"

#include <jansson.h>

int orders_list(int argc, char **argv);
int orders_show(int argc, char **argv);
int orders_status(int argc, char **argv);
int orders_csv(int argc, char **argv);

/* Rows for the help of verbs that filter. */
#define ORDERS_FILTER_ROWS                                                                                             \
	{ "status", "STATUS", "only orders in this status: " STORE_ORDER_STATUSES },                                   \
	    { "client", "ID", "only orders of this client of Chat2Desk" },                                             \
	    { "phone", "PHONE", "only orders with this phone, as +996700123456" },                                     \
	    { "since", "TIME", "only orders placed at or after it: 2026-11-23, or 24h, 7d ago" },                      \
	{                                                                                                              \
		"until", "TIME", "only orders placed before it"                                                        \
	}

/* Reads them; OPTIONS_GO_ON or the exit code. */
int orders_filter(const struct options *o, struct store_order_filter *ret);

/* Walks the matching orders, newest first, at most limit of them (0: all). Stops at the first failure. */
typedef void orders_each(void *context, const struct store_order *order);
MUST_CHECK enum err orders_walk(
    struct store *store, const struct store_order_filter *filter, int64_t limit, orders_each *each, void *context);

/* All columns, under the names they have in the database. */
json_t *orders_json(const struct store_order *order);
/* A check for beside_run(): reads the order's number, the first operand, into the request, an int64_t.
 * "#17" is understood as 17. */
int orders_number(const struct options *o, void *request);

#endif
