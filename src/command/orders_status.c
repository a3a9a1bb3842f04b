/* orders_status.c - `orders status`: sets an order's status. */
#include "command/beside.h"
#include "command/jsonout.h"
#include "command/orders.h"

#include <inttypes.h>
#include <stdio.h>

static int check(const struct options *o, void *request)
{
	static const char *const statuses[] = { "new", "processing", "completed", "cancelled" };

	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		if (strcmp(o->operand[1], statuses[i]) == 0)
			return orders_number(o, request);
	return options_mistake(o->help, "\"%s\" is no status; there are " STORE_ORDER_STATUSES, o->operand[1]);
}

static int set(const struct options *o, struct store *store, void *request)
{
	const int64_t *number = request;
	const char *status = o->operand[1];
	enum err e = store_order_status(store, *number, slice_of(status));

	if (e == ERR_NOT_FOUND)
		return command_not_found("order", *number, "chat2order orders");
	if (e == ERR_OK && o->json)
		json_print(json_pack("{s:I, s:s}", "id", (json_int_t)*number, "status", status));
	else if (e == ERR_OK)
		(void)printf("Order %" PRId64 " is %s.\n", *number, status);
	return command_end(e);
}

int orders_status(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "orders status",
		.operands = "NUMBER STATUS",
		.about = "Sets an order's status: " STORE_ORDER_STATUSES ".\n"
			 "The customer is not written to.\n",
		.operands_least = 2,
		.operands_most = 2,
		.settings = true,
		.json = true,
		.examples = "chat2order orders status 17 processing\nchat2order orders status 17 completed\n",
	};
	static const struct beside command = { &help, check, set };
	int64_t number = 0;

	return beside_run(&command, argc, argv, &number);
}
