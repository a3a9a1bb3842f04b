/* call.h - one request on its way through the simulator: its parameters and its reply. */
#ifndef SIMULATOR_CALL_H
#define SIMULATOR_CALL_H

#include "base/buf.h"
#include "http/server.h"

#include <jansson.h>

struct sim_call {
	struct http_request *request;
	int64_t id;     /* the number in the path, if it has one */
	json_t *params; /* object: the body's, JSON or form; the query is asked beside it */
	bool later;     /* the request is kept and answered by somebody else */

	int status;
	const char *content_type; /* NULL: application/json */
	const char *extra_name;   /* literal; NULL: none */
	char extra_value[160];
	struct buf body;
	struct slice bytes; /* instead of body: something that lives as long as the program */
	bool cut;           /* the connection is broken instead of an answer */
};

/* Reads the body: a JSON object, a form, or nothing. False: it is none of these; error says why. */
bool sim_call_read(struct sim_call *call, const char **ret_error);
void sim_call_free(struct sim_call *call);

/* A parameter of body or query, borrowed; NULL when it is absent, null or empty. */
const json_t *sim_param(struct sim_call *call, const char *name);
const char *sim_param_text(struct sim_call *call, const char *name); /* NULL also when it is no text */
/* A number or a text of digits; 0 when it is absent, -1 when it is something else. */
int64_t sim_param_id(struct sim_call *call, const char *name);

/* Replies in the control API's way; json is taken over. */
void sim_reply(struct sim_call *call, int status, json_t *json);
void sim_reply_problem(struct sim_call *call, int status, const char *text); /* {"error":text} */
/* Replies in the vendor's envelope; data, meta and errors are taken over. */
void sim_reply_success(struct sim_call *call, json_t *data, json_t *meta);
void sim_reply_error(struct sim_call *call, int status, const char *message, json_t *errors);
void sim_reply_invalid(struct sim_call *call, const char *field, const char *text); /* 400 */

#endif
