/* control.c - the control API: what the page, tests and chat ask of the simulator. */
#include "simulator/delivery.h"
#include "simulator/routes.h"

#include "base/clock.h"

#include <stdio.h>

enum { WATCH_MS = 25000, TEXT_MAX = 65536 };

/* ---- customers -------------------------------------------------------------------------------------- */

static void announce(struct simulator *sim, struct sim_customer *customer)
{
	struct sim_message now = { 0 };

	sim_message_stamp(&now);
	sim_events_add(&sim->events, customer->id,
	    json_pack("{s:s,s:o}", "kind", "customer", "customer", sim_customer_json(customer)));
	sim_deliver(sim, customer,
	    &(struct sim_event){ "new_client", 0, now.event_s, sim_payload_new_client(customer, now.event_time) });
}

void sim_control_customer(struct simulator *sim, struct sim_call *call)
{
	struct sim_customer_wish wish = {
		.name = sim_param_text(call, "name"),
		.transport = sim_param_text(call, "transport"),
		.phone = sim_param_text(call, "phone"),
	};
	struct sim_customer *customer;
	bool is_new;
	struct why why;
	enum err e;

	if (wish.name == NULL)
		wish.name = "";
	if (wish.transport == NULL)
		wish.transport = "telegram";
	e = sim_ids_ensure(&sim->ids, 3, &why);
	if (e == ERR_OK)
		e = sim_customers_get(&sim->customers, &sim->ids, &wish, &customer, &is_new, &why);
	if (e != ERR_OK) {
		sim_reply_problem(call, e == ERR_INVALID ? 400 : 503, why.text);
		return;
	}
	if (is_new)
		announce(sim, customer);
	sim_reply(call, is_new ? 201 : 200, json_pack("{s:o}", "customer", sim_customer_json(customer)));
}

/* ---- what they write -------------------------------------------------------------------------------- */

/* The time a test wants the message to bear; false: unreadable. */
static bool set_event_time(struct sim_message *m, const char *wanted)
{
	int64_t wall_ms;

	sim_message_stamp(m);
	if (wanted == NULL)
		return true;
	if (strlen(wanted) >= sizeof m->event_time || !clock_parse(slice_of(wanted), &wall_ms))
		return false;
	(void)snprintf(m->event_time, sizeof m->event_time, "%s", wanted);
	m->event_s = wall_ms / 1000;
	return true;
}

static bool read_message(
    struct simulator *sim, struct sim_call *call, struct sim_message *m, struct sim_customer **ret_customer)
{
	int64_t id = sim_param_id(call, "customer");

	m->type = "from_client";
	m->text = sim_param_text(call, "text");
	m->photo = sim_param_text(call, "photo");
	m->video = sim_param_text(call, "video");
	m->audio = sim_param_text(call, "voice");
	m->pdf = sim_param_text(call, "file");
	m->coordinates = sim_param_text(call, "location");
	*ret_customer = id > 0 ? sim_customers_find(&sim->customers, id) : NULL;
	if (*ret_customer == NULL)
		sim_reply_problem(call, 404, "There is no such customer. Make one with POST /sim/customers.");
	else if (m->text != NULL && strlen(m->text) > TEXT_MAX)
		sim_reply_problem(call, 400, "A text has at most 65536 bytes.");
	else if (!set_event_time(m, sim_param_text(call, "event_time")))
		sim_reply_problem(call, 400, "event_time is a time as 2025-04-03T11:50:06.984494Z.");
	else
		return true;
	return false;
}

static void show_written(struct simulator *sim, const struct sim_message *m, const struct sim_customer *customer)
{
	sim_events_add(&sim->events, customer->id,
	    json_pack("{s:s,s:I,s:I,s:s?,s:s?,s:s?,s:s?,s:s?,s:s?,s:s}", "kind", "inbox", "client_id",
		(json_int_t)customer->id, "message_id", (json_int_t)m->id, "text", m->text, "photo", m->photo, "video",
		m->video, "voice", m->audio, "file", m->pdf, "location", m->coordinates, "time", m->event_time));
}

static void deliver_written(struct simulator *sim, const struct sim_message *m, struct sim_customer *customer)
{
	sim_deliver(sim, customer,
	    &(struct sim_event){ "inbox", m->id, m->event_s, sim_payload_message(m, customer, "inbox") });
	if (m->first)
		sim_deliver(sim, customer,
		    &(struct sim_event){
			"new_request", 0, m->event_s, sim_payload_new_request(customer, m->event_time) });
}

void sim_control_message(struct simulator *sim, struct sim_call *call)
{
	struct sim_message m = { 0 };
	struct sim_customer *customer;
	struct why why;

	if (!read_message(sim, call, &m, &customer))
		return;
	if (!sim_delivery_has_room(sim)) {
		sim_reply_problem(call, 503, "Too many webhooks wait for their delivery. Is the service running?");
		return;
	}
	if (sim_ids_ensure(&sim->ids, 1, &why) != ERR_OK) {
		sim_reply_problem(call, 503, why.text);
		return;
	}
	m.id = sim_ids_take(&sim->ids);
	m.transport = customer->transport;
	m.channel_id = customer->channel_id;
	m.first = !customer->has_written;
	customer->has_written = true;
	sim_reply(
	    call, 201, json_pack("{s:I,s:I}", "message_id", (json_int_t)m.id, "n", (json_int_t)sim->events.ring.next));
	sim_history_add(&sim->history, &m, customer);
	show_written(sim, &m, customer);
	deliver_written(sim, &m, customer);
}

/* ---- what happened ---------------------------------------------------------------------------------- */

struct watch_end {
	struct simulator *sim;
	uint64_t number;
};

static void end_watch(void *context, bool cancelled)
{
	struct watch_end *end = context;

	(void)cancelled; /* either way the request is answered now */
	pthread_mutex_lock(&end->sim->lock);
	sim_events_end_watch(&end->sim->events, end->number);
	pthread_mutex_unlock(&end->sim->lock);
	free(end);
}

/* after=N: events behind N; customer=ID: his only; wait_ms: at most so long when there is none yet. */
void sim_control_events(struct simulator *sim, struct sim_call *call)
{
	int64_t after = sim_param_id(call, "after"), client_id = sim_param_id(call, "customer");
	int64_t wait_ms = sim_param_text(call, "wait_ms") != NULL ? sim_param_id(call, "wait_ms") : WATCH_MS;
	struct sim_watch watch = { .request = call->request, .after = after > 0 ? after : 0, .client_id = client_id };
	struct watch_end *end;
	uint64_t number;

	call->later = true;
	number = sim_events_watch(&sim->events, &watch);
	if (number == 0)
		return;
	if (wait_ms <= 0 || sim->stopping) {
		sim_events_end_watch(&sim->events, number);
		return;
	}
	end = mem_alloc(sizeof *end);
	*end = (struct watch_end){ sim, number };
	sim_timers_add(sim->timers, wait_ms < WATCH_MS ? wait_ms : WATCH_MS, end_watch, end);
}

/* Beyond what the vendor shows: how many deliveries were accepted and failed. */
static json_t *hook_with_counts(const struct sim_hook *hook)
{
	json_t *json = sim_hook_json(hook);

	(void)json_object_set_new(json, "accepted", json_integer((json_int_t)hook->accepted));
	(void)json_object_set_new(json, "failed", json_integer((json_int_t)hook->failed));
	return json;
}

void sim_control_state(struct simulator *sim, struct sim_call *call)
{
	json_t *customers = json_array(), *hooks = json_array();

	for (size_t i = 0; i < sim->customers.n; i++)
		(void)json_array_append_new(customers, sim_customer_json(sim->customers.list[i]));
	for (size_t i = 0; i < sim->hooks.n; i++)
		(void)json_array_append_new(hooks, hook_with_counts(&sim->hooks.hook[i]));
	sim_reply(call, 200,
	    json_pack("{s:o,s:o,s:o,s:I,s:I,s:f,s:I}", "customers", customers, "webhooks", hooks, "faults",
		sim_faults_json(&sim->faults), "last", (json_int_t)(sim->events.ring.next - 1), "undelivered_bytes",
		(json_int_t)sim->undelivered_bytes, "clock_factor", sim->clock_factor, "api_calls",
		(json_int_t)sim->api_calls));
}

/* ---- what goes wrong -------------------------------------------------------------------------------- */

void sim_control_faults(struct simulator *sim, struct sim_call *call)
{
	sim_reply(call, 200, sim_faults_json(&sim->faults));
}

static void faults_changed(struct simulator *sim, struct sim_call *call)
{
	sim_events_add(
	    &sim->events, 0, json_pack("{s:s,s:o}", "kind", "faults", "faults", sim_faults_json(&sim->faults)));
	sim_control_faults(sim, call);
}

void sim_control_set_faults(struct simulator *sim, struct sim_call *call)
{
	struct why why;

	if (sim_faults_set(&sim->faults, call->params, &why) != ERR_OK)
		sim_reply_problem(call, 400, why.text);
	else
		faults_changed(sim, call);
}

void sim_control_clear_faults(struct simulator *sim, struct sim_call *call)
{
	sim_faults_clear(&sim->faults);
	faults_changed(sim, call);
}
