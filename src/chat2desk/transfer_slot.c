/* transfer_slot.c - one call on one libcurl handle: set up, watched, judged sent or not. */
#include "chat2desk/transfer_slot.h"

#include "base/clock.h"

#include <stdlib.h>

/* Connections idle for longer are not used again: most servers and balancers close theirs after 60 s. */
#define IDLE_MAX_S 45L

struct transfer_call *transfer_call_new(const struct transfer_request *request, transfer_done *done, void *context)
{
	size_t method_size = strlen(request->method) + 1, url_size = strlen(request->url) + 1;
	struct transfer_call *call = mem_alloc(sizeof *call + method_size + url_size + request->body.n + 1);
	char *p = call->texts;

	call->method = memcpy(p, request->method, method_size);
	call->url = memcpy(p + method_size, request->url, url_size);
	p += method_size + url_size;
	if (request->body.n > 0)
		memcpy(p, request->body.p, request->body.n);
	call->body = (struct slice){ p, request->body.n };
	for (size_t i = 0; i < request->n_headers; i++) {
		struct curl_slist *longer = curl_slist_append(call->headers, request->headers[i]);

		if (longer == NULL)
			abort();
		call->headers = longer;
	}
	call->timeout_ms = request->timeout_ms;
	call->begin_before_ms = request->begin_before_ms;
	call->done = done;
	call->context = context;
	return call;
}

void transfer_call_free(struct transfer_call *call)
{
	curl_slist_free_all(call->headers);
	free(call);
}

void transfer_call_cancel(struct transfer_call *call)
{
	struct transfer_result result = { .end = TRANSFER_CANCELLED, .error = "stopped before the call began" };

	call->done(call->context, &result);
	transfer_call_free(call);
}

static curl_off_t bytes_sent(const struct transfer_slot *slot)
{
	long n = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &n);
	return n;
}

/* Called when a connection is ready, before the request goes out. libcurl repeats a request by itself when
 * a reused connection ends without an answer, even a POST that the other side may have acted upon. Once
 * bytes of it are out, a second start is refused: the call ends as maybe sent, and its owner decides. A process that was
 * stopped in the middle goes on from here, too late. */
static int before_request(void *context, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer_slot *slot = context;

	if (slot->connected && bytes_sent(slot) > slot->overhead)
		return CURL_PREREQFUNC_ABORT;
	slot->late = slot->call->begin_before_ms != 0 && clock_mono_ms() >= slot->call->begin_before_ms;
	if (slot->late)
		return CURL_PREREQFUNC_ABORT;
	slot->connected = true;
	slot->overhead = bytes_sent(slot);
	return CURL_PREREQFUNC_OK;
}

static size_t keep_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer_slot *slot = context;
	size_t n = size * count, room = TRANSFER_BODY_MAX - slot->body.n;

	slot->overlong = n > room;
	buf_add(&slot->body, data, slot->overlong ? room : n);
	return slot->overlong ? 0 : n;
}

void transfer_slot_open(struct transfer_slot *slot)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort();
	slot->easy = easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "chat2order/" VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
}

void transfer_slot_close(struct transfer_slot *slot)
{
	curl_easy_cleanup(slot->easy);
	buf_free(&slot->body);
}

void transfer_slot_begin(struct transfer_slot *slot, struct transfer_call *call)
{
	bool has_body = call->body.n > 0 || strcmp(call->method, "POST") == 0;

	slot->call = call;
	slot->overlong = slot->connected = slot->late = false;
	slot->error[0] = '\0';
	buf_reset(&slot->body);
	curl_easy_setopt(slot->easy, CURLOPT_URL, call->url);
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	if (has_body) {
		curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, call->body.p);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
	} else {
		curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, call->method);
	slot->started_ms = clock_wall_ms();
	slot->started_us = clock_mono_us();
}

/* An overlong answer is an answer all the same: its status is known, its body is cut. */
static enum transfer_end end_of(const struct transfer_slot *slot, CURLcode code)
{
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && slot->overlong))
		return TRANSFER_ANSWERED;
	if (slot->late)
		return TRANSFER_CANCELLED;
	return slot->connected && bytes_sent(slot) > slot->overhead ? TRANSFER_MAYBE_SENT : TRANSFER_NOT_SENT;
}

static void read_answer(const struct transfer_slot *slot, struct transfer_result *ret)
{
	long status = 0;
	curl_off_t retry_after = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &retry_after);
	ret->status = (int)status;
	ret->retry_after_s = retry_after;
	ret->body = buf_as_slice(&slot->body);
	ret->error = "";
}

void transfer_slot_end(struct transfer_slot *slot, CURLcode code)
{
	struct transfer_call *call = slot->call;
	struct transfer_result result = {
		.end = end_of(slot, code),
		.timed_out = code == CURLE_OPERATION_TIMEDOUT,
		.started_ms = slot->started_ms,
		.took_us = clock_mono_us() - slot->started_us,
		.error = slot->error[0] != '\0' ? slot->error : curl_easy_strerror(code),
	};

	if (result.end == TRANSFER_ANSWERED)
		read_answer(slot, &result);
	slot->call = NULL;
	call->done(call->context, &result);
	transfer_call_free(call);
}
