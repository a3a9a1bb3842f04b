/* call.c - parameters as Chat2Desk takes them (JSON, form or query), replies in its envelope. */
#include "simulator/call.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>

static bool starts_with(struct slice s, const char *start)
{
	size_t n = strlen(start);

	return s.n >= n && strncasecmp(s.p, start, n) == 0;
}

/* Sets one field of a form; '+' is a blank, and %xx is decoded. Text that is not UTF-8 is left out. */
static void set_form_field(json_t *object, struct slice name, struct slice value)
{
	char *text = mem_alloc(value.n + 1);
	char *key = mem_alloc(name.n + 1), *decoded;
	int n = 0;

	memcpy(key, name.p, name.n);
	for (size_t i = 0; i < value.n; i++)
		text[i] = value.p[i] == '+' ? ' ' : value.p[i];
	decoded = value.n > 0 && value.n < INT_MAX ? curl_easy_unescape(NULL, text, (int)value.n, &n) : NULL;
	if (decoded != NULL)
		(void)json_object_set_new(object, key, json_stringn(decoded, (size_t)n));
	curl_free(decoded);
	free(key);
	free(text);
}

static json_t *read_form(struct slice body)
{
	json_t *object = json_object();

	while (body.n > 0) {
		const char *amp = memchr(body.p, '&', body.n);
		size_t n = amp != NULL ? (size_t)(amp - body.p) : body.n;
		const char *equals = memchr(body.p, '=', n);

		if (equals != NULL) {
			size_t name = (size_t)(equals - body.p);

			set_form_field(
			    object, (struct slice){ body.p, name }, (struct slice){ equals + 1, n - name - 1 });
		}
		n += amp != NULL;
		body.p += n;
		body.n -= n;
	}
	return object;
}

bool sim_call_read(struct sim_call *call, const char **ret_error)
{
	struct slice body = http_body(call->request);

	if (body.n == 0)
		call->params = json_object();
	else if (starts_with(http_header(call->request, "Content-Type"), "application/x-www-form-urlencoded"))
		call->params = read_form(body);
	else
		call->params = json_loadb(body.p, body.n, 0, NULL);
	if (json_is_object(call->params))
		return true;
	*ret_error = "The body is neither a JSON object nor a form";
	return false;
}

void sim_call_free(struct sim_call *call)
{
	json_decref(call->params);
	buf_free(&call->body);
}

const json_t *sim_param(struct sim_call *call, const char *name)
{
	const json_t *value = json_object_get(call->params, name);

	if (value == NULL) {
		struct slice text = http_query(call->request, name);

		if (text.n == 0)
			return NULL;
		(void)json_object_set_new(call->params, name, json_stringn(text.p, text.n));
		value = json_object_get(call->params, name);
	}
	if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
		return NULL;
	return value;
}

const char *sim_param_text(struct sim_call *call, const char *name)
{
	return json_string_value(sim_param(call, name));
}

int64_t sim_param_id(struct sim_call *call, const char *name)
{
	const json_t *value = sim_param(call, name);
	int64_t id = -1;

	if (value == NULL)
		return 0;
	if (json_is_integer(value))
		id = json_integer_value(value);
	else if (json_is_string(value))
		(void)slice_to_int64((struct slice){ json_string_value(value), json_string_length(value) }, &id);
	return id > 0 ? id : -1;
}

void sim_reply(struct sim_call *call, int status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	call->status = status;
	buf_reset(&call->body);
	buf_text(&call->body, text);
	free(text);
	json_decref(json);
}

void sim_reply_problem(struct sim_call *call, int status, const char *text)
{
	sim_reply(call, status, json_pack("{s:s}", "error", text));
}

void sim_reply_success(struct sim_call *call, json_t *data, json_t *meta)
{
	json_t *envelope = json_pack("{s:s,s:s,s:o}", "status", "success", "message", "OK", "data", data);

	if (meta != NULL)
		(void)json_object_set_new(envelope, "meta", meta);
	sim_reply(call, 200, envelope);
}

void sim_reply_error(struct sim_call *call, int status, const char *message, json_t *errors)
{
	json_t *envelope = json_pack("{s:s,s:s}", "status", "error", "message", message);

	if (errors != NULL)
		(void)json_object_set_new(envelope, "errors", errors);
	sim_reply(call, status, envelope);
}

void sim_reply_invalid(struct sim_call *call, const char *field, const char *text)
{
	sim_reply_error(call, 400, text, json_pack("{s:[s]}", field, text));
}
