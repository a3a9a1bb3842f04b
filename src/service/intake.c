/* intake.c - what is checked before a webhook's message goes to the store. */
#include "service/intake.h"

#include "base/log.h"
#include "chat2desk/signature.h"
#include "chat2desk/webhook.h"
#include "service/adder.h"
#include "service/refusal.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { PATH_MAX_BYTES = 512 };

struct intake {
	const struct settings *settings;
	struct c2d_keys keys;
	struct adder *adder;
	char path[PATH_MAX_BYTES]; /* with the secret */
	size_t path_n;
	atomic_bool draining, unwritable;
	pthread_mutex_t mutex; /* guards reason */
	struct why reason;
};

/* ---- checks ------------------------------------------------------------------------------------------- */

bool intake_is_path(const struct intake *i, struct slice path)
{
	return path.n == i->path_n && CRYPTO_memcmp(path.p, i->path, path.n) == 0;
}

/* NULL when the signature is as the policy wants it, else what is wrong. */
static const char *signature_fault(const struct intake *i, struct http_request *r)
{
	struct slice signature;

	if (i->settings->signature == SIGNATURE_OFF)
		return NULL;
	signature = http_header(r, "X-Signature");
	if (signature.p == NULL)
		return i->settings->signature == SIGNATURE_REQUIRED ? "The signature is missing" : NULL;
	if (!c2d_signature_valid(&i->keys, http_body(r), http_header(r, "X-Timestamp"), signature))
		return "The signature is wrong";
	return NULL;
}

static bool refused_unwritable(struct intake *i, struct http_request *r)
{
	struct why reason;

	if (!atomic_load(&i->unwritable))
		return false;
	(void)pthread_mutex_lock(&i->mutex);
	reason = i->reason;
	(void)pthread_mutex_unlock(&i->mutex);
	refuse(r, REFUSAL_UNAVAILABLE, reason.text);
	return true;
}

/* ---- handling ----------------------------------------------------------------------------------------- */

static void take_message(struct intake *i, struct http_request *r, const struct c2d_message *m, struct pending *p)
{
	if (refused_unwritable(i, r)) {
		adder_release(i->adder, p);
		return;
	}
	p->request = r;
	p->arrived_us = http_arrived_us(r);
	p->message = (struct store_message){
		.message_id = m->message_id,
		.client_id = m->client_id,
		.kind = m->kind,
		.text = m->text,
		.coordinates = m->coordinates,
		.transport = m->transport,
		.client_phone = m->client_phone,
		.channel_id = m->channel_id,
		.event_ms = m->event_ms,
	};
	if (!adder_put(i->adder, p)) {
		refuse(r, REFUSAL_UNAVAILABLE, "Too many messages are waiting to be stored");
		adder_release(i->adder, p);
	}
}

static void take_body(struct intake *i, struct http_request *r)
{
	struct pending *p = adder_new(i->adder);
	struct c2d_event event;
	struct why why;
	enum err e = c2d_webhook_decode(http_body(r), &p->arena, &event, &why);

	if (e == ERR_OK && event.is_message) {
		take_message(i, r, &event.message, p);
		return;
	}
	adder_release(i->adder, p);
	if (e != ERR_OK) {
		refuse(r, REFUSAL_MALFORMED, why.text);
		return;
	}
	metric_add(event.ignored, 1);
	http_answer(r, &(struct http_answer){ .status = 200, .body = SLICE("{\"success\":true}") });
}

void intake_handle(struct intake *i, struct http_request *r)
{
	const char *fault;

	if (!slice_eq(http_method(r), SLICE("POST")))
		refuse_method(r, "POST");
	else if (atomic_load(&i->draining))
		refuse(r, REFUSAL_DRAINING, "The service is stopping");
	else if ((fault = signature_fault(i, r)) != NULL)
		refuse(r, REFUSAL_SIGNATURE, fault);
	else
		take_body(i, r);
}

void intake_flush(struct intake *i)
{
	adder_flush(i->adder);
}

/* ---- life --------------------------------------------------------------------------------------------- */

void intake_set_writable(struct intake *i, enum err err, const char *reason)
{
	(void)pthread_mutex_lock(&i->mutex);
	why_set(&i->reason, "%s", reason != NULL && reason[0] != '\0' ? reason : err_text(err));
	(void)pthread_mutex_unlock(&i->mutex);
	atomic_store(&i->unwritable, err != ERR_OK);
}

void intake_drain(struct intake *i)
{
	atomic_store(&i->draining, true);
}

static bool make_path(struct intake *i)
{
	const char *secret = i->settings->path_secret;
	bool with_secret = secret != NULL && secret[0] != '\0';
	int n = snprintf(
	    i->path, sizeof i->path, "/webhook/chat2desk%s%s", with_secret ? "/" : "", with_secret ? secret : "");

	i->path_n = (size_t)n;
	return n > 0 && i->path_n < sizeof i->path;
}

enum err intake_start(
    const struct settings *settings, struct store *store, struct health *health, struct intake **ret, struct why *why)
{
	struct intake *i = mem_alloc(sizeof *i);
	enum err e = ERR_OK;

	i->settings = settings;
	c2d_keys_make(&i->keys, settings->api_token, settings->webhook_secret);
	(void)pthread_mutex_init(&i->mutex, NULL);
	if (!make_path(i))
		e = why_fail(why, ERR_INVALID, "WEBHOOK_PATH_SECRET is longer than %d characters: shorten it",
		    PATH_MAX_BYTES / 2);
	else if (settings->signature == SIGNATURE_REQUIRED && i->keys.n == 0)
		e = why_fail(why, ERR_INVALID,
		    "WEBHOOK_SIGNATURE is required, but there is no key: set CHAT2DESK_API_TOKEN or"
		    " CHAT2DESK_WEBHOOK_SECRET");
	else
		e = adder_start(store, health, settings->store_timeout_ms, &i->adder, why);
	if (e != ERR_OK)
		intake_stop(&i);
	else
		*ret = i;
	return e;
}

void intake_stop(struct intake **intake)
{
	struct intake *i = *intake;

	if (i == NULL)
		return;
	adder_stop(&i->adder);
	(void)pthread_mutex_destroy(&i->mutex);
	free(i);
	*intake = NULL;
}
