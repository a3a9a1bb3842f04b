/* refusal.h - how the listener says no: one row for each reason with its status and its counter.
 *
 * A refusal is counted, logged (at most REFUSAL_LOGS_A_SECOND a second; how many were left out is logged
 * too, so that a flood can't fill the disk) and answered {"success":false,"error":"..."}. Any thread. */
#ifndef SERVICE_REFUSAL_H
#define SERVICE_REFUSAL_H

#include "base/metrics.h"
#include "http/server.h"

/*        name     status  answer's extra header and its value, the connection ends */
#define REFUSAL_LIST(X)                                                                                                \
	X(MALFORMED, 400, NULL, NULL, false)                                                                           \
	X(SIGNATURE, 401, NULL, NULL, false)                                                                           \
	X(NOT_FOUND, 404, NULL, NULL, false)                                                                           \
	X(METHOD, 405, "Allow", NULL, false)                                                                           \
	X(TOO_LARGE, 413, NULL, NULL, true)                                                                            \
	X(UNAVAILABLE, 503, "Retry-After", "5", false)                                                                 \
	X(DRAINING, 503, "Retry-After", "5", true)

enum refusal {
#define X(name, status, header, value, close) REFUSAL_##name,
	REFUSAL_LIST(X)
#undef X
	    REFUSAL_COUNT
};

enum { REFUSAL_LOGS_A_SECOND = 10 };

/* Counts, logs and answers. */
void refuse(struct http_request *request, enum refusal refusal, const char *error);
/* 405 with the methods that are allowed, as "GET, HEAD". */
void refuse_method(struct http_request *request, const char *allowed);
/* Counts and logs what the listener refused by itself; fit for http_options.refused. */
void refusal_by_listener(void *unused, int status);

#endif
