/* routes.h - which path of which listener is answered by whom.
 *
 * Public: POST /webhook/chat2desk[/<secret>], GET /health, GET /. Admin: GET /metrics, GET /health.
 * HEAD works wherever GET does; anything else is 404 or 405, as JSON. */
#ifndef SERVICE_ROUTES_H
#define SERVICE_ROUTES_H

#include "http/server.h"
#include "service/health.h"
#include "service/intake.h"

struct routes {
	struct intake *intake;
	struct health *health;
};

/* Fit for http_options.handler and .caught_up; context is a struct routes. */
void routes_public(void *context, struct http_request *request);
void routes_public_caught_up(void *context);
void routes_admin(void *context, struct http_request *request);

#endif
