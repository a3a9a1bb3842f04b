/* serve.c - `chat2order serve` and `chat2order worker`: a process's part of a shop on the shared store. */
#include "command/commands.h"
#include "command/options.h"
#include "command/process.h"
#include "service/service.h"

#include <stdio.h>

static const struct command_help serve_help = {
	.name = "serve",
	.about =
	    "Takes Chat2Desk's webhooks in, for any number of `chat2order worker` on the same Redis and PostgreSQL.\n"
	    "While Redis is away, messages are kept in DATA_DIR/spool and forwarded later, in their order.\n",
	.settings = true,
	.examples = "REDIS_URL=redis://10.0.0.5 DATABASE_URL=postgresql://shop@10.0.0.6/shop chat2order serve\n"
		    "chat2order serve --config /etc/chat2order/chat2order.conf --port 3000\n",
};

static const struct command_help worker_help = {
	.name = "worker",
	.about =
	    "Leads the dialogs, stores orders and sends replies: as many processes as are needed, on any machines,\n"
	    "on the same Redis and PostgreSQL. A worker that dies is noticed by the others, which take over its turns.\n",
	.settings = true,
	.examples = "REDIS_URL=redis://10.0.0.5 DATABASE_URL=postgresql://shop@10.0.0.6/shop chat2order worker\n"
		    "chat2order worker --config /etc/chat2order/chat2order.conf --worker-concurrency 20\n",
};

static void greet(const struct settings *s, enum store_role role, const struct service *service)
{
	if (role == STORE_INTAKE)
		(void)printf("chat2order " VERSION " serves.\n\n  Listening   %s:%u (public), %s:%u (admin)\n", s->host,
		    (unsigned)service_port(service), s->admin_host, (unsigned)service_admin_port(service));
	else
		(void)printf("chat2order " VERSION
			     " works.\n\n  Working     %lld turns at once\n  Listening   %s:%u (admin)\n",
		    (long long)s->worker_concurrency, s->admin_host, (unsigned)service_admin_port(service));
	(void)printf("\nCtrl-C stops.\n");
	(void)fflush(stdout);
}

static enum err live(const struct settings *settings, enum store_role role, struct why *why)
{
	struct service *service = NULL;
	sigset_t signals;
	enum err e;

	process_block_signals(&signals);
	if ((e = service_start(settings, role, &service, why)) != ERR_OK)
		return e;
	greet(settings, role, service);
	e = process_live(service, &signals, why);
	service_stop(&service);
	return e;
}

/* Only what sends needs the token. */
static enum err check_token(const struct settings *s, enum store_role role, struct why *why)
{
	if (role == STORE_WORKER && s->api_token[0] == '\0')
		return why_fail(why, ERR_INVALID,
		    "CHAT2DESK_API_TOKEN is not set: copy it from Chat2Desk, Settings, API (`chat2order run` without it is the demo)");
	return ERR_OK;
}

static int run_role(const struct command_help *help, enum store_role role, int argc, char **argv)
{
	struct why why = { 0 };
	struct options o;
	int code = options_parse(&o, help, argc, argv);
	enum err e;

	if (code != OPTIONS_GO_ON)
		return code;
	process_setup_log(&o.settings);
	e = check_token(&o.settings, role, &why);
	if (e == ERR_OK)
		e = live(&o.settings, role, &why);
	code = e == ERR_OK ? EXIT_DONE : command_failed(e, &why);
	options_free(&o);
	return code;
}

int command_serve(int argc, char **argv)
{
	return run_role(&serve_help, STORE_INTAKE, argc, argv);
}

int command_worker(int argc, char **argv)
{
	return run_role(&worker_help, STORE_WORKER, argc, argv);
}
