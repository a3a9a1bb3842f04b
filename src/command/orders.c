/* orders.c - `orders`: its verbs, and what they share. */
#include "command/orders.h"

#include "command/commands.h"
#include "command/jsonout.h"

enum { PAGE = 200 };

int orders_filter(const struct options *o, struct store_order_filter *ret)
{
	const char *status = NULL;
	int code = options_choice(o, "status", STORE_ORDER_STATUSES, &status);

	if (code == OPTIONS_GO_ON)
		code = options_time(o, "since", &ret->since_ms);
	if (code == OPTIONS_GO_ON)
		code = options_time(o, "until", &ret->until_ms);
	ret->status = slice_of(status);
	ret->client_id = slice_of(options_value(o, "client"));
	ret->phone = slice_of(options_value(o, "phone"));
	return code;
}

enum err orders_walk(
    struct store *store, const struct store_order_filter *filter, int64_t limit, orders_each *each, void *context)
{
	struct arena arena = { 0 };
	struct store_order *orders;
	int64_t before = 0, left = limit > 0 ? limit : INT64_MAX;
	size_t n = 0;
	enum err e;

	do {
		size_t most = left < PAGE ? (size_t)left : PAGE;

		arena_reset(&arena);
		e = store_order_list(store, filter, before, most, &arena, &orders, &n);
		for (size_t i = 0; e == ERR_OK && i < n; i++) {
			each(context, &orders[i]);
			before = orders[i].id;
		}
		left -= (int64_t)n;
	} while (e == ERR_OK && n > 0 && left > 0);
	arena_free(&arena);
	return e;
}

json_t *orders_json(const struct store_order *order)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "id", (json_int_t)order->id,
	    "status", json_from_slice(order->status), "created_at", json_from_time(order->created_ms), "updated_at",
	    json_from_time(order->updated_ms), "client_phone", json_from_slice(order->client_phone), "delivery_address",
	    json_from_slice(order->delivery_address), "quantity", (json_int_t)order->quantity, "source",
	    json_from_slice(order->source), "chat2desk_client_id", json_from_slice(order->client_id), "dialog_id",
	    json_from_slice(order->dialog_id), "fields", json_from_text(order->fields));
}

int orders_number(const struct options *o, void *request)
{
	struct slice text = slice_of(o->operand[0]);
	int64_t *number = request;

	if (text.n > 1 && text.p[0] == '#')
		text = (struct slice){ text.p + 1, text.n - 1 };
	if (slice_to_int64(text, number) && *number > 0)
		return OPTIONS_GO_ON;
	return options_mistake(o->help, "\"%s\" is no order number; `chat2order orders` lists them", o->operand[0]);
}

int command_orders(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "list", "the newest orders (also without a word)", orders_list },
		{ "show", "one order with all its fields", orders_show },
		{ "status", "set an order's status: " STORE_ORDER_STATUSES, orders_status },
		{ "csv", "orders as a CSV file for Excel and others", orders_csv },
	};
	static const struct verb_set set = {
		.name = "orders",
		.about = "Lists, shows and exports orders, and sets their status.\n",
		.verbs = verbs,
		.n = COUNT_OF(verbs),
		.standard = "list",
		.examples = "chat2order orders\n"
			    "chat2order orders list --status new --since 24h\n"
			    "chat2order orders show 17\n"
			    "chat2order orders status 17 completed\n"
			    "chat2order orders csv --delimiter ';' --output orders.csv\n",
	};

	return verbs_run(&set, argc, argv);
}
