/* intake.h - the webhook: POST /webhook/chat2desk[/<secret>].
 *
 * Checks path, method, draining and signature, decodes, and has customers' messages stored; the answer is
 * 200 once the message is on stable storage, with "duplicate":true when its id was seen before. Every other
 * event is counted by its kind and answered 200. Answers: docs/chat2desk.md, "Our answers". */
#ifndef SERVICE_INTAKE_H
#define SERVICE_INTAKE_H

#include "base/settings.h"
#include "http/server.h"
#include "service/health.h"
#include "store/store.h"

struct intake;

/* settings, store and health outlive it. */
MUST_CHECK enum err intake_start(
    const struct settings *settings, struct store *store, struct health *health, struct intake **ret, struct why *why);
/* Answers what is under way and ends its threads; no request may come any more. NULL is fine. */
void intake_stop(struct intake **intake);

/* Is this the path of the webhook, secret included where there is one? In constant time. */
bool intake_is_path(const struct intake *intake, struct slice path);
/* Takes a request to that path and answers it, now or later. On the listener's thread. */
void intake_handle(struct intake *intake, struct http_request *request);
/* All requests that are there have been handled: what they brought is stored. After each pass of the listener. */
void intake_flush(struct intake *intake);

/* ERR_OK, or why no message can be taken at the moment: they are then answered 503 at once. Any thread. */
void intake_set_writable(struct intake *intake, enum err err, const char *reason);
/* From now on every webhook is answered 503, those already taken are still stored. Any thread. */
void intake_drain(struct intake *intake);

#endif
