/* orders_show.c - `orders show`: one order whole. */
#include "command/beside.h"
#include "command/jsonout.h"
#include "command/orders.h"

static int show(const struct options *o, struct store *store, void *request)
{
	const int64_t *number = request;
	struct arena arena = { 0 };
	struct store_order order;
	enum err e = store_order_show(store, *number, &arena, &order);

	if (e == ERR_OK)
		(o->json ? json_print : json_print_lines)(orders_json(&order));
	arena_free(&arena);
	return e == ERR_NOT_FOUND ? command_not_found("order", *number, "chat2order orders") : command_end(e);
}

int orders_show(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "orders show",
		.operands = "NUMBER",
		.about = "Shows one order with all its fields.\n",
		.operands_least = 1,
		.operands_most = 1,
		.settings = true,
		.json = true,
		.examples = "chat2order orders show 17\nchat2order orders show 17 --json\n",
	};
	static const struct beside command = { &help, orders_number, show };
	int64_t number = 0;

	return beside_run(&command, argc, argv, &number);
}
