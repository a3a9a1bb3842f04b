/* run.c - `chat2order run`: serves; without a token, together with a simulated Chat2Desk to chat in. */
#include "base/random.h"
#include "command/commands.h"
#include "command/options.h"
#include "command/process.h"
#include "service/service.h"
#include "simulator/simulator.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct option_row rows[] = {
	{ "demo", NULL, "with the simulated Chat2Desk, even where a token is set" },
};

static const struct command_help help = {
	.name = "run",
	.about = "Serves: takes Chat2Desk's webhooks, leads the dialogs, stores orders, sends replies.\n"
		 "Without CHAT2DESK_API_TOKEN it is a demo: Chat2Desk is simulated beside it, with a page to\n"
		 "chat on, and its data stays apart in DATA_DIR/demo. Ctrl-C finishes what is under way and stops.\n",
	.rows = rows,
	.n_rows = COUNT_OF(rows),
	.settings = true,
	.examples =
	    "chat2order run                                     # the demo\n"
	    "CHAT2DESK_API_TOKEN_FILE=/etc/chat2order/token PUBLIC_URL=https://orders.example.com chat2order run\n"
	    "chat2order run --config /etc/chat2order/chat2order.conf --log-format json\n",
};

struct demo {
	char token[40], api_url[96], webhook_url[96], data_dir[1024], simulator_dir[1060];
	struct simulator *simulator;
};

static bool is_default(const struct options *o, const char *name)
{
	size_t i = (size_t)(setting_find(slice_of(name)) - setting_at(0));

	return strcmp(o->sources[i].text, "default") == 0;
}

/* The demo's service talks to the simulator through its real API and webhooks; only addresses differ. */
static enum err start_demo(struct demo *demo, struct options *o, struct why *why)
{
	struct settings *s = &o->settings;
	struct simulator_options options = {
		.host = s->simulator_host,
		.port = (uint16_t)s->simulator_port,
		.token = demo->token,
		.folder = demo->simulator_dir,
	};
	enum err e;

	(void)snprintf(demo->token, sizeof demo->token, "%016" PRIx64 "%014" PRIx64, random_u64(), random_u64() >> 8);
	(void)snprintf(demo->data_dir, sizeof demo->data_dir, "%s/demo", s->data_dir);
	(void)snprintf(demo->simulator_dir, sizeof demo->simulator_dir, "%s/simulator", demo->data_dir);
	if ((e = simulator_start(&options, &demo->simulator, why)) != ERR_OK)
		return e;
	(void)snprintf(demo->api_url, sizeof demo->api_url, "http://%s:%u/v1", s->simulator_host,
	    (unsigned)simulator_port(demo->simulator));
	s->api_token = demo->token;
	s->api_url = demo->api_url;
	s->data_dir = demo->data_dir;
	s->redis_url = s->redis_host = s->redis_sentinels = s->database_url = s->database_host =
	    ""; /* nobody's real store */
	if (is_default(o, "HOST"))
		s->host = "127.0.0.1";
	return ERR_OK;
}

static enum err join_demo(struct demo *demo, const struct settings *s, const struct service *service, struct why *why)
{
	(void)snprintf(demo->webhook_url, sizeof demo->webhook_url, "http://%s:%u/webhook/chat2desk%s%s", s->host,
	    (unsigned)service_port(service), s->path_secret[0] != '\0' ? "/" : "", s->path_secret);
	return simulator_register(demo->simulator, demo->webhook_url, why);
}

/* The words with which this very program is called from here. */
static void own_name(char name[1024])
{
	char here[1024];
	ssize_t n = readlink("/proc/self/exe", name, 1023);

	name[n > 0 ? n : 0] = '\0';
	if (n > 0 && getcwd(here, sizeof here) != NULL && strncmp(name, here, strlen(here)) == 0 &&
	    name[strlen(here)] == '/')
		memmove(name, name + strlen(here) + 1, strlen(name) - strlen(here));
}

static void greet_demo(const struct demo *demo, const struct settings *s, const struct service *service)
{
	char name[1024];

	own_name(name);
	(void)printf("chat2order " VERSION ", the demo: no CHAT2DESK_API_TOKEN is set, so Chat2Desk is simulated.\n\n"
		     "  Chat as a customer   http://%s:%u/\n"
		     "  See the orders       %s orders\n"
		     "  Health               http://%s:%u/health\n"
		     "  Metrics              http://%s:%u/metrics\n"
		     "  Data                 %s\n\n"
		     "Ctrl-C stops.\n",
	    s->simulator_host, (unsigned)simulator_port(demo->simulator), name, s->host,
	    (unsigned)service_port(service), s->admin_host, (unsigned)service_admin_port(service), demo->data_dir);
	(void)fflush(stdout);
}

static void greet_shop(const struct settings *s, const struct service *service)
{
	const char *secret = s->path_secret[0] != '\0' ? "/<WEBHOOK_PATH_SECRET>" : "";

	if (s->public_url[0] != '\0')
		(void)printf("chat2order " VERSION " serves. Register this webhook in Chat2Desk (event: inbox):\n\n"
			     "  %s/webhook/chat2desk%s\n\n",
		    s->public_url, secret);
	else
		(void)printf("chat2order " VERSION
			     " serves. Register this webhook in Chat2Desk (event: inbox), with the name\n"
			     "under which the internet reaches this machine (set PUBLIC_URL to see it whole):\n\n"
			     "  https://YOUR-HOST/webhook/chat2desk%s\n\n",
		    secret);
	(void)printf("  Listening   %s:%u (public), %s:%u (admin)\n  Data        %s\n\nCtrl-C stops.\n", s->host,
	    (unsigned)service_port(service), s->admin_host, (unsigned)service_admin_port(service),
	    settings_name_redis(s) ? "in Redis and PostgreSQL" : s->data_dir);
	(void)fflush(stdout);
}

static enum err serve(struct options *o, struct demo *demo, bool is_demo, struct why *why)
{
	struct service *service = NULL;
	sigset_t signals;
	enum err e = ERR_OK;

	process_block_signals(&signals);
	if (is_demo && (e = start_demo(demo, o, why)) != ERR_OK)
		return e;
	if ((e = service_start(&o->settings, STORE_SERVICE, &service, why)) != ERR_OK)
		return e;
	if (is_demo && (e = join_demo(demo, &o->settings, service, why)) == ERR_OK)
		greet_demo(demo, &o->settings, service);
	else if (e == ERR_OK)
		greet_shop(&o->settings, service);
	if (e == ERR_OK)
		e = process_live(service, &signals, why);
	service_stop(&service);
	return e;
}

int command_run(int argc, char **argv)
{
	struct demo demo = { 0 };
	struct why why = { 0 };
	struct options o;
	int code = options_parse(&o, &help, argc, argv);
	enum err e;

	if (code != OPTIONS_GO_ON)
		return code;
	process_setup_log(&o.settings);
	e = serve(&o, &demo, o.settings.api_token[0] == '\0' || options_flag(&o, "demo"), &why);
	simulator_stop(&demo.simulator);
	code = e == ERR_OK ? EXIT_DONE : command_failed(e, &why);
	options_free(&o);
	return code;
}
