/* api.c - the API's messages, clients and company. */
#include "simulator/delivery.h"
#include "simulator/routes.h"

enum { LIST_DEFAULT = 20, LIST_MAX = 200 };

static json_t *meta_of(size_t total, int64_t limit)
{
	return json_pack("{s:I,s:I,s:i}", "total", (json_int_t)total, "limit", (json_int_t)limit, "offset", 0);
}

static int64_t limit_of(struct sim_call *call)
{
	int64_t limit = sim_param_id(call, "limit");

	return limit <= 0 ? LIST_DEFAULT : limit > LIST_MAX ? LIST_MAX : limit;
}

static bool is_type(const char *type)
{
	static const char *const types[] = { "to_client", "autoreply", "system", "comment" };

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* Reads and checks what was sent. False: refused, the reply says why. */
static bool read_message(
    struct simulator *sim, struct sim_call *call, struct sim_message *m, struct sim_customer **ret_customer)
{
	int64_t client_id = sim_param_id(call, "client_id");
	const char *attachment = sim_param_text(call, "attachment");

	m->type = sim_param_text(call, "type");
	m->text = sim_param_text(call, "text");
	m->pdf = sim_param_text(call, "pdf");
	m->photo = attachment;
	m->transport = sim_param_text(call, "transport");
	m->channel_id = sim_param_id(call, "channel_id");
	m->operator_id = sim_param_id(call, "operator_id");
	*ret_customer = client_id > 0 ? sim_customers_find(&sim->customers, client_id) : NULL;
	if (client_id == 0)
		sim_reply_invalid(call, "client_id", "Client_id can't be blank");
	else if (*ret_customer == NULL)
		sim_reply_invalid(call, "client", "Client not found");
	else if (m->text == NULL && m->pdf == NULL && m->photo == NULL)
		sim_reply_invalid(call, "text", "Text can't be blank");
	else if (m->type != NULL && !is_type(m->type))
		sim_reply_invalid(call, "type", "Type is invalid");
	else if (m->transport != NULL && sim_transport_channel(m->transport) == 0)
		sim_reply_invalid(call, "transport", "Transport is invalid");
	else if (m->channel_id < 0)
		sim_reply_invalid(call, "channel_id", "Channel_id is invalid");
	else if (m->operator_id < 0)
		sim_reply_invalid(call, "operator_id", "Operator_id is invalid");
	else
		return true;
	return false;
}

static void fill_in(struct sim_message *m, const struct sim_customer *customer)
{
	if (m->type == NULL)
		m->type = "to_client";
	if (m->transport == NULL)
		m->transport = customer->transport;
	if (m->channel_id == 0)
		m->channel_id = customer->channel_id;
	sim_message_stamp(m);
}

static const char *hook_of(const struct sim_message *m)
{
	if (strcmp(m->type, "comment") == 0)
		return "comment";
	return strcmp(m->type, "system") == 0 ? "system_message" : "outbox";
}

static void show_sent(
    struct simulator *sim, struct sim_call *call, const struct sim_message *m, const struct sim_customer *customer)
{
	const char *external_id = sim_param_text(call, "external_id");

	sim_events_add(&sim->events, customer->id,
	    json_pack("{s:s,s:I,s:I,s:s,s:s?,s:s?,s:s?,s:s?,s:s}", "kind", hook_of(m), "client_id",
		(json_int_t)customer->id, "message_id", (json_int_t)m->id, "type", m->type, "text", m->text, "photo",
		m->photo, "pdf", m->pdf, "external_id", external_id, "time", m->event_time));
}

void sim_api_send(struct simulator *sim, struct sim_call *call)
{
	struct sim_message m = { 0 };
	struct sim_customer *customer;
	struct why why;

	if (!read_message(sim, call, &m, &customer))
		return;
	if (sim_ids_ensure(&sim->ids, 1, &why) != ERR_OK) {
		sim_reply_error(call, 503, why.text, NULL);
		return;
	}
	fill_in(&m, customer);
	m.id = sim_ids_take(&sim->ids);
	sim_reply_success(call,
	    json_pack("{s:I,s:I,s:o,s:s,s:s,s:I,s:I,s:I}", "message_id", (json_int_t)m.id, "channel_id",
		(json_int_t)m.channel_id, "operator_id", m.operator_id != 0 ? json_integer(m.operator_id) : json_null(),
		"transport", m.transport, "type", m.type, "client_id", (json_int_t)customer->id, "dialog_id",
		(json_int_t)customer->dialog_id, "request_id", (json_int_t)customer->request_id),
	    NULL);
	sim_history_add(&sim->history, &m, customer);
	show_sent(sim, call, &m, customer);
	sim_deliver(sim, customer,
	    &(struct sim_event){ hook_of(&m), 0, m.event_s, sim_payload_message(&m, customer, hook_of(&m)) });
}

void sim_api_messages(struct simulator *sim, struct sim_call *call)
{
	int64_t limit = limit_of(call);
	size_t total;
	json_t *list = sim_history_list(&sim->history, sim_param_id(call, "client_id"), limit, &total);

	sim_reply_success(call, list, meta_of(total, limit));
}

void sim_api_client(struct simulator *sim, struct sim_call *call)
{
	const struct sim_customer *customer = sim_customers_find(&sim->customers, call->id);

	if (customer == NULL)
		sim_reply_error(call, 404, "Client not found", json_pack("{s:[s]}", "client", "Client not found"));
	else
		sim_reply_success(call, sim_payload_rest_client(customer), NULL);
}

/* Only "phone" filters; other filters are ignored, as there. */
void sim_api_clients(struct simulator *sim, struct sim_call *call)
{
	const char *phone = sim_param_text(call, "phone");
	int64_t limit = limit_of(call);
	json_t *list = json_array();
	size_t total = 0;

	for (size_t i = 0; i < sim->customers.n; i++) {
		const struct sim_customer *c = sim->customers.list[i];
		const char *own = c->phone != NULL ? c->phone : c->address;

		if (phone != NULL && strcmp(own, phone) != 0)
			continue;
		if ((int64_t)total++ < limit)
			(void)json_array_append_new(list, sim_payload_rest_client(c));
	}
	sim_reply_success(call, list, meta_of(total, limit));
}

void sim_api_info(struct simulator *sim, struct sim_call *call)
{
	const char *hook = sim->hooks.n > 0 ? sim->hooks.hook[0].url : NULL;

	sim_reply_success(call,
	    json_pack("{s:s,s:s?,s:i,s:I,s:i,s:s}", "mode", "simulator", "hook", hook, "current_version", 1,
		"requests_this_month", (json_int_t)sim->api_calls, "channels", 9, "company_name", "Simulated company"),
	    NULL);
}
