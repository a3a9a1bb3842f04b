/* simulator.c - puts the parts together, and takes them apart in the right order. */
#include "base/file.h"
#include "simulator/delivery.h"
#include "simulator/routes.h"

#include <stdlib.h>

enum {
	DELIVERIES_AT_ONCE = 64,
	BODY_MAX = 1 << 20,
	CONNECTIONS_MAX = 1024,
	REQUEST_TIMEOUT_MS = 30000, /* longer than an event poll waits */
	DELIVERY_TIMEOUT_MS = 10000
};

static enum err set_faults(struct simulator *sim, const char *text, struct why *why)
{
	json_t *json;
	enum err e;

	sim_faults_clear(&sim->faults);
	if (text == NULL)
		return ERR_OK;
	json = json_loads(text, 0, NULL);
	e = sim_faults_set(&sim->faults, json, why);
	json_decref(json);
	return e;
}

static struct simulator *simulator_new(const struct simulator_options *options)
{
	struct simulator *sim = mem_alloc(sizeof *sim);

	pthread_mutex_init(&sim->lock, NULL);
	sim->token = mem_text(options->token);
	c2d_keys_make(&sim->keys, options->token, NULL);
	sim->clock_factor = options->clock_factor > 0 ? options->clock_factor : 1;
	sim->delivery_timeout_ms = options->delivery_timeout_ms > 0 ? options->delivery_timeout_ms
								    : DELIVERY_TIMEOUT_MS;
	sim->customers.file = -1;
	sim_events_open(&sim->events);
	sim_ring_open(&sim->history, SIM_HISTORY_MAX);
	return sim;
}

static enum err listen_on(struct simulator *sim, const struct simulator_options *options, struct why *why)
{
	return http_listen(
	    &(struct http_options){
		.host = options->host,
		.port = options->port,
		.body_max = BODY_MAX,
		.connections_max = CONNECTIONS_MAX,
		.timeout_ms = REQUEST_TIMEOUT_MS,
		.handler = sim_handle,
		.context = sim,
	    },
	    &sim->server, why);
}

enum err simulator_start(const struct simulator_options *options, struct simulator **ret, struct why *why)
{
	struct simulator *sim = simulator_new(options);
	enum err e;

	if ((e = set_faults(sim, options->faults, why)) != ERR_OK)
		goto fail;
	if ((e = options->folder != NULL ? folder_make(options->folder, why) : ERR_OK) != ERR_OK)
		goto fail;
	if ((e = sim_ids_open(&sim->ids, options->folder, why)) != ERR_OK)
		goto fail;
	if ((e = sim_customers_open(&sim->customers, options->folder, why)) != ERR_OK)
		goto fail;
	if ((e = sim_timers_open(&sim->timers, why)) != ERR_OK)
		goto fail;
	if ((e = transfer_open(DELIVERIES_AT_ONCE, &sim->pool, why)) != ERR_OK)
		goto fail;
	if ((e = listen_on(sim, options, why)) != ERR_OK)
		goto fail;
	*ret = sim;
	return ERR_OK;
fail:
	simulator_stop(&sim);
	return e;
}

uint16_t simulator_port(const struct simulator *sim)
{
	return http_port(sim->server);
}

enum err simulator_register(struct simulator *sim, const char *url, struct why *why)
{
	struct sim_hook *hook;
	json_t *errors = NULL;
	char *text;
	enum err e;

	pthread_mutex_lock(&sim->lock);
	e = sim_ids_ensure(&sim->ids, 1, why);
	if (e == ERR_OK)
		e = sim_hooks_add(&sim->hooks, sim_ids_take(&sim->ids),
		    &(struct sim_hook_wish){ .url = url, .name = "registered at start" }, &hook, &errors);
	pthread_mutex_unlock(&sim->lock);
	if (errors == NULL)
		return e;
	text = json_dumps(errors, JSON_COMPACT);
	e = why_fail(why, ERR_INVALID, "The webhook %.200s can't be registered: %s", url, text);
	free(text);
	json_decref(errors);
	return e;
}

/* Answers all who wait, now and from now on, so that the listener can close. */
static void begin_stop(struct simulator *sim)
{
	pthread_mutex_lock(&sim->lock);
	sim->stopping = true;
	sim_events_end_all(&sim->events);
	sim_delivery_stop(sim);
	pthread_mutex_unlock(&sim->lock);
}

void simulator_stop(struct simulator **ret)
{
	struct simulator *sim = *ret;

	if (sim == NULL)
		return;
	if (sim->server != NULL)
		http_quiesce(sim->server);
	begin_stop(sim);
	if (sim->timers != NULL)
		sim_timers_stop(sim->timers);
	http_close(&sim->server);
	transfer_close(&sim->pool);
	sim_timers_close(&sim->timers);
	sim_events_close(&sim->events);
	sim_ring_close(&sim->history);
	sim_hooks_close(&sim->hooks);
	sim_customers_close(&sim->customers);
	sim_ids_close(&sim->ids);
	pthread_mutex_destroy(&sim->lock);
	free(sim->token);
	free(sim);
	*ret = NULL;
}
