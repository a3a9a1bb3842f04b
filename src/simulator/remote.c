/* remote.c - blocking calls on one libcurl handle, and one poll for events that is always under way. */
#include "simulator/remote.h"

#include "base/buf.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>

enum { CALL_MS = 5000, LOOK_MS = 500 };

struct sim_remote {
	struct sim_remote_options options;
	char *url;
	int64_t customer_id, last;
	CURLM *multi;
	CURL *watch; /* the poll */
	struct buf answer;
	char error[CURL_ERROR_SIZE];
};

static size_t collect(char *p, size_t size, size_t n, void *context)
{
	buf_add(context, p, size * n);
	return size * n;
}

static CURL *handle_new(const char *url, const char *path, struct buf *answer, char *error)
{
	CURL *handle = curl_easy_init();
	struct buf whole = { 0 };

	buf_text(&whole, url);
	buf_text(&whole, path);
	(void)curl_easy_setopt(handle, CURLOPT_URL, whole.p);
	(void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, collect);
	(void)curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
	(void)curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error);
	buf_free(&whole);
	return handle;
}

static enum err unreachable(const char *url, const char *error, struct why *why)
{
	return why_fail(why, ERR_UNREACHABLE, "The simulator at %s can't be reached: %s. Is it running?", url, error);
}

/* The answer's JSON, a new reference; ERR_INVALID with the simulator's own words when it refused. */
static enum err read_answer(CURL *handle, const struct buf *answer, const char *url, json_t **ret, struct why *why)
{
	json_t *json = json_loadb(buf_as_slice(answer).p, answer->n, 0, NULL);
	const char *problem = json_string_value(json_object_get(json, "error"));
	long status = 0;
	enum err e = ERR_OK;

	(void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	if (json == NULL || (status >= 300 && problem == NULL))
		e = why_fail(
		    why, ERR_INVALID, "What answers at %s is no chat2order simulator (HTTP %ld).", url, status);
	else if (status >= 300)
		e = why_fail(why, ERR_INVALID, "%s", problem);
	if (e == ERR_OK)
		*ret = json;
	else
		json_decref(json);
	return e;
}

/* POST with a body, which is taken over; GET without. */
static enum err call(const char *url, const char *path, json_t *body, long timeout_ms, json_t **ret, struct why *why)
{
	char error[CURL_ERROR_SIZE] = "";
	struct buf answer = { 0 };
	CURL *handle = handle_new(url, path, &answer, error);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	enum err e;

	(void)curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
	(void)curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	if (text != NULL)
		(void)curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text);
	if (curl_easy_perform(handle) == CURLE_OK)
		e = read_answer(handle, &answer, url, ret, why);
	else
		e = unreachable(url, error, why);
	curl_easy_cleanup(handle);
	curl_slist_free_all(headers);
	buf_free(&answer);
	free(text);
	json_decref(body);
	return e;
}

bool sim_remote_answers(const char *url)
{
	json_t *state = NULL;
	bool answers = call(url, "/sim/state", NULL, LOOK_MS, &state, NULL) == ERR_OK &&
		       json_is_array(json_object_get(state, "customers"));

	json_decref(state);
	return answers;
}

static enum err get_customer(struct sim_remote *r, struct why *why)
{
	json_t *answer = NULL;
	enum err e = call(r->url, "/sim/customers",
	    json_pack("{s:s,s:s,s:s?}", "name", r->options.name, "transport", r->options.transport, "phone",
		r->options.phone),
	    CALL_MS, &answer, why);

	if (e == ERR_OK)
		r->customer_id = json_integer_value(json_object_get(json_object_get(answer, "customer"), "id"));
	json_decref(answer);
	return e;
}

static enum err get_last(struct sim_remote *r, struct why *why)
{
	json_t *state = NULL;
	enum err e = call(r->url, "/sim/state", NULL, CALL_MS, &state, why);

	if (e == ERR_OK)
		r->last = json_integer_value(json_object_get(state, "last"));
	json_decref(state);
	return e;
}

static void begin_watch(struct sim_remote *r)
{
	struct buf path = { 0 };

	buf_reset(&r->answer);
	buf_printf(&path, "/sim/events?customer=%" PRId64 "&after=%" PRId64, r->customer_id, r->last);
	r->watch = handle_new(r->url, path.p, &r->answer, r->error);
	(void)curl_multi_add_handle(r->multi, r->watch);
	buf_free(&path);
}

static void end_watch(struct sim_remote *r)
{
	if (r->watch == NULL)
		return;
	(void)curl_multi_remove_handle(r->multi, r->watch);
	curl_easy_cleanup(r->watch);
	r->watch = NULL;
}

enum err sim_remote_open(const struct sim_remote_options *options, struct sim_remote **ret, struct why *why)
{
	struct sim_remote *r = mem_alloc(sizeof *r);
	size_t n = strlen(options->url);
	enum err e;

	r->options = *options;
	r->url = mem_text(options->url);
	while (n > 0 && r->url[n - 1] == '/')
		r->url[--n] = '\0';
	r->multi = curl_multi_init();
	e = get_customer(r, why);
	if (e == ERR_OK)
		e = get_last(r, why);
	if (e != ERR_OK) {
		sim_remote_close(&r);
		return e;
	}
	begin_watch(r);
	*ret = r;
	return ERR_OK;
}

enum err sim_remote_write(struct sim_remote *r, const char *kind, struct slice value, struct why *why)
{
	json_t *text = json_stringn(value.n > 0 ? value.p : "", value.n), *answer = NULL;
	enum err e;

	if (text == NULL)
		return why_fail(why, ERR_INVALID, "What you wrote is not UTF-8.");
	e = call(r->url, "/sim/messages", json_pack("{s:I,s:o}", "customer", (json_int_t)r->customer_id, kind, text),
	    CALL_MS, &answer, why);
	json_decref(answer);
	return e;
}

static void hand_over(struct sim_remote *r, const json_t *answer)
{
	size_t i;
	json_t *event;

	json_array_foreach (json_object_get(answer, "events"), i, event)
		r->options.event(r->options.context, event);
	r->last = json_integer_value(json_object_get(answer, "last"));
}

/* The poll has ended: its events, and the next poll. */
static enum err take_answer(struct sim_remote *r, CURLcode how, struct why *why)
{
	json_t *answer = NULL;
	enum err e;

	if (how != CURLE_OK)
		return unreachable(r->url, r->error, why);
	e = read_answer(r->watch, &r->answer, r->url, &answer, why);
	if (e != ERR_OK)
		return e;
	end_watch(r);
	hand_over(r, answer);
	json_decref(answer);
	begin_watch(r);
	return ERR_OK;
}

/* Sends and receives what can be; ret_events tells whether events were handed over. */
static enum err move_on(struct sim_remote *r, bool *ret_events, struct why *why)
{
	const CURLMsg *message;
	int n;

	(void)curl_multi_perform(r->multi, &n);
	message = curl_multi_info_read(r->multi, &n);
	*ret_events = message != NULL;
	return message != NULL ? take_answer(r, message->data.result, why) : ERR_OK;
}

enum err sim_remote_wait(struct sim_remote *r, const int files[SIM_REMOTE_FILES_MAX], int64_t timeout_ms,
    bool ret_readable[SIM_REMOTE_FILES_MAX], struct why *why)
{
	struct curl_waitfd waits[SIM_REMOTE_FILES_MAX];
	unsigned n = 0;
	bool events;
	int ready;
	enum err e;

	for (size_t i = 0; i < SIM_REMOTE_FILES_MAX; i++) {
		ret_readable[i] = false;
		if (files[i] >= 0)
			waits[n++] = (struct curl_waitfd){ .fd = files[i], .events = CURL_WAIT_POLLIN };
	}
	e = move_on(r, &events, why);
	if (e != ERR_OK || events)
		return e;
	(void)curl_multi_poll(r->multi, waits, n, (int)timeout_ms, &ready);
	n = 0;
	for (size_t i = 0; i < SIM_REMOTE_FILES_MAX; i++)
		ret_readable[i] = files[i] >= 0 && waits[n++].revents != 0;
	return move_on(r, &events, why);
}

void sim_remote_close(struct sim_remote **remote)
{
	struct sim_remote *r = *remote;

	if (r == NULL)
		return;
	end_watch(r);
	(void)curl_multi_cleanup(r->multi);
	buf_free(&r->answer);
	free(r->url);
	free(r);
	*remote = NULL;
}
