/* routes.c - from a request to its handler, and from the handler's reply to the answer, with the faults of
 * the moment in between. */
#include "simulator/routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* {id} stands for a number and is the last part of a path. */
static const struct route {
	const char *method, *path;
	sim_handler *handler;
} routes[] = {
	{ "POST", "/v1/messages", sim_api_send },
	{ "GET", "/v1/messages", sim_api_messages },
	{ "GET", "/v1/clients", sim_api_clients },
	{ "GET", "/v1/clients/{id}", sim_api_client },
	{ "GET", "/v1/companies/api_info", sim_api_info },
	{ "POST", "/v1/webhooks", sim_api_hook_create },
	{ "GET", "/v1/webhooks", sim_api_hook_list },
	{ "GET", "/v1/webhooks/{id}", sim_api_hook_show },
	{ "PUT", "/v1/webhooks/{id}", sim_api_hook_change },
	{ "DELETE", "/v1/webhooks/{id}", sim_api_hook_delete },
	{ "POST", "/sim/customers", sim_control_customer },
	{ "POST", "/sim/messages", sim_control_message },
	{ "GET", "/sim/events", sim_control_events },
	{ "GET", "/sim/state", sim_control_state },
	{ "GET", "/sim/faults", sim_control_faults },
	{ "POST", "/sim/faults", sim_control_set_faults },
	{ "DELETE", "/sim/faults", sim_control_clear_faults },
	{ "GET", "/", sim_page_html },
	{ "GET", "/style.css", sim_page_css },
	{ "GET", "/app.js", sim_page_js },
	{ "GET", "/icon.svg", sim_page_icon },
	{ "GET", "/photo.svg", sim_page_photo },
	{ "GET", "/voice.wav", sim_page_voice },
};

static bool path_matches(const char *pattern, struct slice path, int64_t *ret_id)
{
	const char *brace = strchr(pattern, '{');
	size_t n = brace != NULL ? (size_t)(brace - pattern) : strlen(pattern);

	if (path.n < n || memcmp(path.p, pattern, n) != 0)
		return false;
	if (brace == NULL)
		return path.n == n;
	return slice_to_int64((struct slice){ path.p + n, path.n - n }, ret_id) && *ret_id > 0;
}

/* The route; without one, ret_path_known tells whether another method would have had one. */
static const struct route *find_route(struct sim_call *call, bool *ret_path_known)
{
	struct slice method = http_method(call->request), path = http_path(call->request);

	*ret_path_known = false;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!path_matches(routes[i].path, path, &call->id))
			continue;
		if (slice_eq(method, slice_of(routes[i].method)))
			return &routes[i];
		*ret_path_known = true;
	}
	return NULL;
}

static bool is_under(struct slice path, const char *folder)
{
	return path.n >= strlen(folder) && memcmp(path.p, folder, strlen(folder)) == 0;
}

/* The raw token, no Bearer. None at all is 401, a wrong one 403: the vendor's code is not known for sure, and
 * a client must take both. */
static bool may_use_api(const struct simulator *sim, struct sim_call *call)
{
	struct slice given = http_header(call->request, "Authorization");

	if (given.n == 0)
		sim_reply_error(
		    call, 401, "You have to specify your token. See API manual on info@chat2desk.com", NULL);
	else if (!slice_eq(given, slice_of(sim->token)))
		sim_reply_error(call, 403, "You need to auth", NULL);
	else
		return true;
	return false;
}

/* A foreign page in the same browser can't send this type without asking first, and we never allow it. */
static bool may_control(struct sim_call *call)
{
	struct slice type = http_header(call->request, "Content-Type");

	if (!slice_eq(http_method(call->request), SLICE("POST")) || is_under(type, "application/json"))
		return true;
	sim_reply_problem(call, 415, "Send JSON, with Content-Type: application/json.");
	return false;
}

static const char *text_of_status(int64_t status)
{
	switch (status) {
	case 401:
	case 403:
		return "You need to auth";
	case 404:
		return "Page not found";
	case 429:
		return "Number of API requests exceeded";
	default:
		return status < 500 ? "Bad request" : "Internal server error";
	}
}

static void reply_with_fault(struct sim_call *call, const struct sim_fault *fault)
{
	sim_reply_error(
	    call, (int)fault->status, fault->message[0] != '\0' ? fault->message : text_of_status(fault->status), NULL);
	if (fault->retry_after_s == 0)
		return;
	call->extra_name = "Retry-After";
	(void)snprintf(call->extra_value, sizeof call->extra_value, "%" PRId64, fault->retry_after_s);
}

static void run_api(struct simulator *sim, struct sim_call *call, sim_handler *handler, struct sim_fault *ret_fault)
{
	const char *error;

	if (!may_use_api(sim, call))
		return;
	sim->api_calls++;
	if (!sim_call_read(call, &error)) {
		sim_reply_error(call, 400, error, NULL);
		return;
	}
	*ret_fault = sim_faults_pick(&sim->faults, sim_param_id(call, "client_id"));
	if (ret_fault->carried_out)
		handler(sim, call);
	if (ret_fault->status != 0)
		reply_with_fault(call, ret_fault);
	call->cut = ret_fault->cut || ret_fault->hang;
}

static void run_control(struct simulator *sim, struct sim_call *call, sim_handler *handler)
{
	const char *error;

	if (!may_control(call))
		return;
	if (sim_call_read(call, &error))
		handler(sim, call);
	else
		sim_reply_problem(call, 400, error);
}

static void run_unknown(struct sim_call *call, bool path_known)
{
	if (is_under(http_path(call->request), "/v1/"))
		sim_reply_error(call, 404, "Page not found", NULL);
	else if (path_known)
		sim_reply_problem(call, 405, "This method is not served here.");
	else
		sim_reply_problem(call, 404, "Nothing is served here.");
}

static void run(struct simulator *sim, struct sim_call *call, struct sim_fault *ret_fault)
{
	bool path_known;
	const struct route *route = find_route(call, &path_known);

	if (route == NULL)
		run_unknown(call, path_known);
	else if (is_under(slice_of(route->path), "/v1/"))
		run_api(sim, call, route->handler, ret_fault);
	else
		run_control(sim, call, route->handler);
}

static void answer(struct sim_call *call)
{
	http_answer(call->request, &(struct http_answer){
				       .status = call->status,
				       .content_type = call->content_type,
				       .body = call->bytes.p != NULL ? call->bytes : buf_as_slice(&call->body),
				       .extra_name = call->extra_name,
				       .extra_value = call->extra_value,
				       .cut = call->cut,
				   });
	sim_call_free(call);
}

static void answer_held(void *context, bool cancelled)
{
	struct sim_call *held = context;

	(void)cancelled; /* a simulator that stops answers all it holds */
	answer(held);
	free(held);
}

static void hold(struct simulator *sim, const struct sim_call *call, int64_t ms)
{
	struct sim_call *held = mem_alloc(sizeof *held);

	*held = *call;
	sim_timers_add(sim->timers, ms, answer_held, held);
}

void sim_handle(void *context, struct http_request *request)
{
	struct simulator *sim = context;
	struct sim_call call = { .request = request };
	struct sim_fault fault = { 0 };
	int64_t wait_ms;

	pthread_mutex_lock(&sim->lock);
	run(sim, &call, &fault);
	wait_ms = sim->stopping ? 0 : fault.latency_ms + (fault.hang ? SIM_HANG_MS : 0);
	if (wait_ms > 0)
		hold(sim, &call, wait_ms);
	pthread_mutex_unlock(&sim->lock);
	if (call.later)
		sim_call_free(&call);
	else if (wait_ms == 0)
		answer(&call);
}
