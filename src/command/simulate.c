/* simulate.c - `simulate`: a Chat2Desk to develop against, until it is interrupted. */
#include "command/commands.h"
#include "command/options.h"

#include "simulator/simulator.h"

#include "base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { FACTOR_MAX = 1000000, DELIVERY_TIMEOUT_MAX = 600000 };
static const char standard_token[] = "simulator";

static const struct option_row rows[] = {
	{ "webhook", "URL", "where events go; up to 5; without: to the service on this machine (PORT)" },
	{ "no-webhook", NULL, "registers none; the service does it through the API" },
	{ "folder", "DIR", "where ids and customers are kept; without: DATA_DIR/simulator" },
	{ "clock-factor", "N", "the waits between a webhook's retries pass N times faster" },
	{ "delivery-timeout", "MS", "after which a webhook without an answer has failed; without: 10000" },
	{ "faults", "JSON", "what goes wrong from the start, as {\"latency_ms\":200}" },
};

static const struct command_help help = {
	.name = "simulate",
	.about = "Runs a simulated Chat2Desk: its API, its webhooks with their retries, faults on demand,\n"
		 "and a page on which you write as several customers. Ends with Ctrl-C.\n",
	.rows = rows,
	.n_rows = COUNT_OF(rows),
	.settings = true,
	.json = true,
	.examples = "chat2order simulate                       # beside `chat2order run` with\n"
		    "    CHAT2DESK_API_URL=http://127.0.0.1:3002/v1 CHAT2DESK_API_TOKEN=simulator\n"
		    "chat2order simulate --webhook http://127.0.0.1:8080/hook --simulator-port 4000\n"
		    "chat2order simulate --clock-factor 3600   # the retry after 2 hours comes after 2 seconds\n"
		    "chat2order simulate --faults '{\"status\":500,\"probability\":0.1}'\n",
};

static char *folder_of(const struct options *o)
{
	const char *given = options_value(o, "folder");
	struct buf path = { 0 };

	if (given != NULL)
		buf_text(&path, given);
	else
		buf_printf(&path, "%s/simulator", o->settings.data_dir);
	return path.p;
}

static enum err register_standard(struct simulator *sim, const struct settings *settings, struct why *why)
{
	bool secret = settings->path_secret[0] != '\0';
	struct buf url = { 0 };
	enum err e;

	buf_printf(&url, "http://127.0.0.1:%" PRId64 "/webhook/chat2desk%s%s", settings->port, secret ? "/" : "",
	    settings->path_secret);
	e = simulator_register(sim, url.p, why);
	buf_free(&url);
	return e;
}

static enum err register_all(struct simulator *sim, const struct options *o, struct why *why)
{
	enum err e = ERR_OK;
	const char *url;

	if (options_flag(o, "no-webhook"))
		return ERR_OK;
	if (options_value(o, "webhook") == NULL)
		return register_standard(sim, &o->settings, why);
	for (size_t i = 0; e == ERR_OK && (url = options_value_at(o, "webhook", i)) != NULL; i++)
		e = simulator_register(sim, url, why);
	return e;
}

/* A token that was set is a secret; only the simulator's own is shown. */
static void announce(const struct options *o, const struct simulator *sim)
{
	const char *host = o->settings.simulator_host;
	const char *token = o->settings.api_token[0] == '\0' ? standard_token : "(the one that is set)";
	unsigned port = simulator_port(sim);

	if (o->json)
		(void)printf("{\"port\":%u,\"token\":\"%s\"}\n", port, token);
	else
		(void)printf("The simulated Chat2Desk is up.\n"
			     "  chat in the browser     http://%s:%u/\n"
			     "  the service's settings  CHAT2DESK_API_URL=http://%s:%u/v1 CHAT2DESK_API_TOKEN=%s\n"
			     "Ctrl-C ends it.\n",
		    host, port, host, port, token);
	(void)fflush(stdout);
}

static void wait_for_signal(const sigset_t *signals)
{
	int number;

	(void)sigwait(signals, &number);
}

struct waits {
	int64_t factor, delivery_timeout_ms;
};

static enum err simulate(const struct options *o, const struct waits *waits, struct why *why)
{
	const char *token = o->settings.api_token[0] != '\0' ? o->settings.api_token : standard_token;
	struct simulator *sim = NULL;
	char *folder = folder_of(o);
	sigset_t signals;
	enum err e;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	e = simulator_start(
	    &(struct simulator_options){
		.host = o->settings.simulator_host,
		.port = (uint16_t)o->settings.simulator_port,
		.token = token,
		.folder = folder,
		.clock_factor = (double)waits->factor,
		.delivery_timeout_ms = (unsigned)waits->delivery_timeout_ms,
		.faults = options_value(o, "faults"),
	    },
	    &sim, why);
	if (e == ERR_OK)
		e = register_all(sim, o, why);
	if (e == ERR_OK) {
		announce(o, sim);
		wait_for_signal(&signals);
	}
	simulator_stop(&sim);
	free(folder);
	return e;
}

int command_simulate(int argc, char **argv)
{
	struct options o;
	struct why why = { "" };
	struct waits waits = { .factor = 1, .delivery_timeout_ms = 10000 };
	int code = options_parse(&o, &help, argc, argv);
	enum err e;

	if (code != OPTIONS_GO_ON)
		return code;
	code = options_number(&o, "clock-factor", 1, FACTOR_MAX, &waits.factor);
	if (code == OPTIONS_GO_ON)
		code = options_number(&o, "delivery-timeout", 1, DELIVERY_TIMEOUT_MAX, &waits.delivery_timeout_ms);
	if (code == OPTIONS_GO_ON) {
		e = simulate(&o, &waits, &why);
		code = e == ERR_OK ? EXIT_DONE : command_failed(e, &why);
	}
	options_free(&o);
	return code;
}
