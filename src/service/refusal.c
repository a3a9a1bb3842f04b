/* refusal.c - refusals counted, logged with measure, and answered. */
#include "service/refusal.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>

static const struct {
	const char *name;
	int status;
	enum metric counter;
	const char *header, *value;
	bool close;
} table[REFUSAL_COUNT] = {
#define X(name, status, header, value, close)                                                                          \
	[REFUSAL_##name] = { #name, status, METRIC_REFUSED_##name, header, value, close },
	REFUSAL_LIST(X)
#undef X
};

static struct {
	pthread_mutex_t mutex;
	int64_t second;
	unsigned logged;
	int64_t left_out;
} measure = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* May one more be logged now? *left_out: how many were not since the last that was. */
static bool may_log(int64_t *left_out)
{
	int64_t second = clock_mono_ms() / 1000;
	bool may;

	(void)pthread_mutex_lock(&measure.mutex);
	if (second != measure.second) {
		measure.second = second;
		measure.logged = 0;
	}
	may = measure.logged < REFUSAL_LOGS_A_SECOND;
	if (may) {
		measure.logged++;
		*left_out = measure.left_out;
		measure.left_out = 0;
	} else {
		measure.left_out++;
	}
	(void)pthread_mutex_unlock(&measure.mutex);
	return may;
}

static void note(enum refusal refusal, int status, const char *error)
{
	int64_t left_out = 0;

	metric_add(table[refusal].counter, 1);
	if (!may_log(&left_out))
		return;
	if (left_out > 0)
		log_warn("more requests were refused", log_number("count", left_out));
	log_warn("request refused", log_number("status", status), log_word("reason", error));
}

static void answer(struct http_request *request, enum refusal refusal, const char *error, const char *value)
{
	struct buf body = { 0 };

	note(refusal, table[refusal].status, error);
	buf_text(&body, "{\"success\":false,\"error\":");
	buf_json(&body, slice_of(error));
	buf_char(&body, '}');
	http_answer(request, &(struct http_answer){ .status = table[refusal].status,
				 .body = buf_as_slice(&body),
				 .extra_name = table[refusal].header,
				 .extra_value = value,
				 .close = table[refusal].close });
	buf_free(&body);
}

void refuse(struct http_request *request, enum refusal refusal, const char *error)
{
	answer(request, refusal, error, table[refusal].value);
}

void refuse_method(struct http_request *request, const char *allowed)
{
	answer(request, REFUSAL_METHOD, "Method not allowed", allowed);
}

void refusal_by_listener(void *unused, int status)
{
	enum refusal refusal = REFUSAL_MALFORMED;

	(void)unused;
	if (status == table[REFUSAL_TOO_LARGE].status)
		refusal = REFUSAL_TOO_LARGE;
	else if (status == table[REFUSAL_UNAVAILABLE].status)
		refusal = REFUSAL_UNAVAILABLE;
	note(refusal, status, "refused by the listener before it was handled");
}
