/* chat.c - `chat`: talk to the bot as a customer, with the running demo, or with a service of its own. */
#include "base/log.h"
#include "base/random.h"
#include "command/commands.h"
#include "command/options.h"
#include "command/talk.h"
#include "service/service.h"
#include "simulator/remote.h"
#include "simulator/simulator.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REPLY_TIMEOUT_MAX = 3600, FILES_OPEN = 8 };

static const struct option_row rows[] = {
	{ "attach", "URL", "talks through this simulator; without: the one that runs here, if any" },
	{ "private", NULL, "with a service of its own in a temporary folder, even beside a running demo" },
	{ "name", "NAME", "of the customer; without: Terminal" },
	{ "transport", "NAME", "his messenger: telegram (without), whatsapp, viber, widget, ..." },
	{ "phone", "PHONE", "his number as the messenger knows it; without: none" },
	{ "reply-timeout", "SECONDS", "to wait for each reply when the input is no terminal; without: 15" },
};

static const struct command_help help = {
	.name = "chat",
	.about = "Talks to the bot as a customer, through a simulated Chat2Desk: the running demo's, or one with a\n"
		 "service of its own whose data is gone afterwards. Ctrl-D ends it. Lines that come from a file or a\n"
		 "pipe are sent one by one, each after the reply to the one before.\n",
	.rows = rows,
	.n_rows = COUNT_OF(rows),
	.settings = true,
	.examples = "chat2order chat\n"
		    "chat2order chat --private --dialog my-shop.yaml   # rehearse a form\n"
		    "printf 'Hello\\n5 Main Street\\n' | chat2order chat --private\n"
		    "chat2order chat --attach http://127.0.0.1:3002 --name Bob --transport whatsapp\n",
};

/* ---- a service and a simulator of its own ------------------------------------------------------------- */

struct rehearsal {
	char folder[512], token[40], url[64], api_url[80], webhook_url[96];
	struct settings settings;
	struct simulator *simulator;
	struct service *service;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static enum err make_folder(struct rehearsal *r, struct why *why)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(r->folder, sizeof r->folder, "%s/chat2order-chat-XXXXXX",
	    parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (mkdtemp(r->folder) != NULL)
		return ERR_OK;
	why_set(why, "No folder for the chat's data can be made in %s: %s. Set TMPDIR to another place.", r->folder,
	    strerror(errno));
	r->folder[0] = '\0';
	return ERR_IO;
}

static enum err start_simulator(struct rehearsal *r, struct why *why)
{
	enum err e;

	(void)snprintf(r->token, sizeof r->token, "%016" PRIx64 "%016" PRIx64, random_u64(), random_u64());
	e = simulator_start(&(struct simulator_options){ .host = "127.0.0.1", .token = r->token }, &r->simulator, why);
	if (e == ERR_OK) {
		(void)snprintf(r->url, sizeof r->url, "http://127.0.0.1:%u", simulator_port(r->simulator));
		(void)snprintf(r->api_url, sizeof r->api_url, "%s/v1", r->url);
	}
	return e;
}

/* The settings as given (form, limits), but everything that leads outside. */
static void keep_inside(struct rehearsal *r, const struct settings *given)
{
	r->settings = *given;
	r->settings.host = r->settings.admin_host = "127.0.0.1";
	r->settings.port = r->settings.admin_port = 0;
	r->settings.data_dir = r->folder;
	r->settings.api_url = r->api_url;
	r->settings.api_token = r->token;
	r->settings.webhook_secret = r->settings.path_secret = r->settings.public_url = "";
	r->settings.signature = SIGNATURE_REQUIRED;
	r->settings.rate_limit = 0;
}

static enum err start_service(struct rehearsal *r, const struct settings *given, struct why *why)
{
	enum err e;

	keep_inside(r, given);
	e = service_start(&r->settings, STORE_SERVICE, &r->service, why);
	if (e == ERR_OK)
		e = service_work(r->service, why);
	if (e != ERR_OK)
		return e;
	(void)snprintf(
	    r->webhook_url, sizeof r->webhook_url, "http://127.0.0.1:%u/webhook/chat2desk", service_port(r->service));
	return simulator_register(r->simulator, r->webhook_url, why);
}

static void rehearsal_end(struct rehearsal *r)
{
	service_stop(&r->service);
	simulator_stop(&r->simulator);
	if (r->folder[0] != '\0')
		(void)nftw(r->folder, remove_one, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
}

/* options say who talks; the address is where. */
static enum err talk_at(const char *url, const struct talk_options *options, struct why *why)
{
	struct talk_options there = *options;

	there.url = url;
	return talk(&there, why);
}

static enum err rehearse(const struct settings *given, const struct talk_options *options, struct why *why)
{
	struct rehearsal r = { .folder = "" };
	enum err e = make_folder(&r, why);

	if (e == ERR_OK)
		e = start_simulator(&r, why);
	if (e == ERR_OK)
		e = start_service(&r, given, why);
	if (e == ERR_OK)
		e = talk_at(r.url, options, why);
	rehearsal_end(&r);
	return e;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static void local_simulator(const struct settings *settings, char *url, size_t size)
{
	const char *host = strcmp(settings->simulator_host, "0.0.0.0") == 0 ? "127.0.0.1" : settings->simulator_host;

	(void)snprintf(url, size, "http://%s:%" PRId64, host, settings->simulator_port);
}

static enum err chat(const struct options *o, const struct talk_options *options, struct why *why)
{
	const char *attach = options_value(o, "attach");
	char local[128];

	if (attach != NULL)
		return talk_at(attach, options, why);
	local_simulator(&o->settings, local, sizeof local);
	if (options_flag(o, "private") || !sim_remote_answers(local))
		return rehearse(&o->settings, options, why);
	(void)fprintf(
	    stderr, "You talk to the bot of the demo that runs at %s (--private: to one of your own).\n", local);
	return talk_at(local, options, why);
}

static const char *given_or(const char *text, const char *standard)
{
	return text != NULL ? text : standard;
}

/* They are read by the chat itself, so that a chat of one's own is cleaned up after Ctrl-C too. */
static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int command_chat(int argc, char **argv)
{
	struct options o;
	struct why why = { "" };
	int64_t timeout_s = 15;
	int code = options_parse(&o, &help, argc, argv);
	enum err e;

	if (code != OPTIONS_GO_ON)
		return code;
	code = options_number(&o, "reply-timeout", 1, REPLY_TIMEOUT_MAX, &timeout_s);
	if (code == OPTIONS_GO_ON) {
		struct talk_options options = {
			.name = given_or(options_value(&o, "name"), "Terminal"),
			.transport = given_or(options_value(&o, "transport"), "telegram"),
			.phone = options_value(&o, "phone"),
			.reply_timeout_ms = timeout_s * 1000,
		};

		block_signals();
		log_setup(o.settings.log_level == LOG_INFO ? LOG_ERROR : (enum log_level)o.settings.log_level,
		    LOG_AS_TEXT, o.settings.log_customer_data != 0);
		e = chat(&o, &options, &why);
		code = e == ERR_OK ? EXIT_DONE : command_failed(e, &why);
	}
	options_free(&o);
	return code;
}
