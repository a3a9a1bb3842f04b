/* service.c - puts the stages together, and takes them apart in the order in which nothing is lost. */
#include "service/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "dialog/dialog.h"
#include "service/health.h"
#include "service/intake.h"
#include "service/keeper.h"
#include "service/refusal.h"
#include "service/routes.h"
#include "service/sender.h"
#include "service/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CLOCK_TOLD_MS = 300000, /* how long health tells of a clock that was set back */
	ADMIN_CONNECTIONS = 32,
	ADMIN_BODY_BYTES = 4096
};

struct service {
	const struct settings *settings;
	enum store_role role;
	struct dialog_form *form;
	struct store *store;
	struct health *health;
	struct sender *sender;
	struct workers *workers;
	struct intake *intake;
	struct keeper *keeper;
	struct routes routes;
	struct http_server *public_listener, *admin_listener;
	pthread_mutex_t sender_lock; /* the keeper looks at the sender until it is stopped */
	int64_t clock_told_until;    /* monotonic; the keeper's own */
	enum err writable;           /* the same */
};

static bool works(const struct service *s)
{
	return s->role != STORE_INTAKE;
}

static bool takes_in(const struct service *s)
{
	return s->role != STORE_WORKER;
}

static size_t sender_has_room(void *context)
{
	return sender_room(((struct service *)context)->sender);
}

static void send_replies(void *context, struct store_replies *replies)
{
	sender_take(((struct service *)context)->sender, replies);
}

static void store_reported(void *context, enum worker_verb verb, bool ok, const char *reason)
{
	health_set(
	    ((struct service *)context)->health, verb == WORKER_TAKES ? HEALTH_BY_TAKE : HEALTH_BY_FINISH, ok, reason);
}

static void api_reported(void *context, bool ok, const char *reason)
{
	health_set(((struct service *)context)->health, HEALTH_BY_API, ok, reason);
}

static void tell_clock(struct service *s, int64_t jump_ms)
{
	char reason[160];

	if (jump_ms != 0) {
		(void)snprintf(reason, sizeof reason,
		    "the machine's clock was set back by %lld s; stored times were mended (keep it right with NTP)",
		    (long long)(jump_ms / 1000));
		log_warn("clock was set back", log_number("ms", jump_ms));
		health_set(s->health, HEALTH_BY_CLOCK, false, reason);
		s->clock_told_until = clock_mono_ms() + CLOCK_TOLD_MS;
	} else if (s->clock_told_until != 0 && clock_mono_ms() > s->clock_told_until) {
		health_set(s->health, HEALTH_BY_CLOCK, true, "");
		s->clock_told_until = 0;
	}
}

static void tell_space(struct service *s, const struct store_kept *kept)
{
	if (kept->writable == s->writable)
		return;
	if (kept->writable == ERR_OK)
		log_info("intake goes on");
	else
		log_error("webhooks are answered 503", log_word("reason", kept->why.text));
	s->writable = kept->writable;
	health_set(s->health, HEALTH_BY_SPACE, kept->writable == ERR_OK, kept->why.text);
	if (s->intake != NULL)
		intake_set_writable(s->intake, kept->writable, kept->why.text);
}

static void tell_sender(struct service *s)
{
	int64_t stalled_ms = 0;

	(void)pthread_mutex_lock(&s->sender_lock);
	if (s->sender != NULL)
		stalled_ms = sender_stalled_ms(s->sender);
	(void)pthread_mutex_unlock(&s->sender_lock);
	health_set(s->health, HEALTH_BY_SENDER, stalled_ms < HEALTH_STALLED_MS,
	    "Replies are due and the API is well, but nothing is sent: look for errors of the sender in the log, or "
	    "restart");
}

static void stop_sender(struct service *s)
{
	struct sender *sender;

	(void)pthread_mutex_lock(&s->sender_lock);
	sender = s->sender;
	s->sender = NULL;
	(void)pthread_mutex_unlock(&s->sender_lock);
	sender_stop(&sender);
}

static void round_reported(void *context, enum err e, const struct store_kept *kept)
{
	struct service *s = context;

	health_set(s->health, HEALTH_BY_KEEP, e == ERR_OK, store_said(e));
	health_note(s->health, kept);
	if (works(s))
		tell_sender(s);
	tell_clock(s, kept->clock_jump_ms);
	tell_space(s, kept);
}

static enum err listen_public(struct service *s, struct why *why)
{
	const struct http_options options = {
		.host = s->settings->host,
		.port = (uint16_t)s->settings->port,
		.body_max = (size_t)s->settings->body_max,
		.connections_max = (unsigned)s->settings->connections_max,
		.timeout_ms = (unsigned)s->settings->http_timeout_ms,
		.handler = routes_public,
		.caught_up = routes_public_caught_up,
		.context = &s->routes,
		.refused = refusal_by_listener,
	};

	return http_listen(&options, &s->public_listener, why);
}

static enum err listen_admin(struct service *s, struct why *why)
{
	const struct http_options options = {
		.host = s->settings->admin_host,
		.port = (uint16_t)s->settings->admin_port,
		.body_max = ADMIN_BODY_BYTES,
		.connections_max = ADMIN_CONNECTIONS,
		.timeout_ms = (unsigned)s->settings->http_timeout_ms,
		.handler = routes_admin,
		.context = &s->routes,
	};

	return http_listen(&options, &s->admin_listener, why);
}

static struct workers *start_workers(struct service *s)
{
	return workers_start(s->settings, &(struct worker_links){
					      .store = s->store,
					      .form = s->form,
					      .context = s,
					      .sender_room = sender_has_room,
					      .send = send_replies,
					      .report = store_reported,
					  });
}

/* Each part stands on those before it. */
static enum err start_parts(struct service *s, struct why *why)
{
	enum err e;

	if (works(s) && (e = dialog_form_load(s->settings->dialog, &s->form, why)) != ERR_OK)
		return e;
	if (works(s))
		dialog_phone_warm();
	if ((e = store_open(s->settings, s->role, &s->store, why)) != ERR_OK)
		return e;
	if ((e = health_start(s->store, works(s), &s->health, why)) != ERR_OK)
		return e;
	/* until the store's first round has said it */
	health_note(
	    s->health, &(struct store_kept){ .durability = settings_name_redis(s->settings) ? "unknown" : "fsync" });
	if (takes_in(s) && (e = intake_start(s->settings, s->store, s->health, &s->intake, why)) != ERR_OK)
		return e;
	s->routes = (struct routes){ .intake = s->intake, .health = s->health };
	s->keeper = keeper_start(s->store, round_reported, s);
	if (takes_in(s) && (e = listen_public(s, why)) != ERR_OK)
		return e;
	return listen_admin(s, why);
}

enum err service_start(const struct settings *settings, enum store_role role, struct service **ret, struct why *why)
{
	struct service *s = mem_alloc(sizeof *s);
	enum err e;

	s->settings = settings;
	s->role = role;
	(void)pthread_mutex_init(&s->sender_lock, NULL);
	e = start_parts(s, why);
	if (e == ERR_OK)
		*ret = s;
	else
		service_stop(&s);
	return e;
}

static enum err start_sender(struct service *s, struct why *why)
{
	struct sender *sender = NULL;
	enum err e = sender_start(s->settings, s->store, api_reported, s, &sender, why);

	(void)pthread_mutex_lock(&s->sender_lock);
	s->sender = sender;
	(void)pthread_mutex_unlock(&s->sender_lock);
	return e;
}

enum err service_work(struct service *s, struct why *why)
{
	enum err e = store_wait(s->store, why);

	if (e != ERR_OK || !works(s))
		return e;
	if ((e = start_sender(s, why)) == ERR_OK)
		s->workers = start_workers(s);
	return e;
}

uint16_t service_port(const struct service *service)
{
	return service->public_listener != NULL ? http_port(service->public_listener) : 0;
}

uint16_t service_admin_port(const struct service *service)
{
	return http_port(service->admin_listener);
}

void service_stop(struct service **service)
{
	struct service *s = *service;

	if (s == NULL)
		return;
	if (s->intake != NULL)
		intake_drain(s->intake);
	if (s->public_listener != NULL)
		http_quiesce(s->public_listener);
	if (s->store != NULL)
		store_stop_waiting(s->store);
	workers_stop(&s->workers);
	stop_sender(s);
	http_close(&s->public_listener);
	http_close(&s->admin_listener);
	keeper_stop(&s->keeper);
	intake_stop(&s->intake);
	health_stop(&s->health);
	store_close(&s->store);
	dialog_form_free(&s->form);
	(void)pthread_mutex_destroy(&s->sender_lock);
	free(s);
	*service = NULL;
}
