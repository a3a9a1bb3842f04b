/* log.h - one line an event, readable text or JSON, on standard error.
 *
 * An event has a name ("turn finished") and fields. One id goes through webhook, turn and reply:
 * field "message" (of turn and reply: the newest one answered), "turn" (turn id = reply id) from the turn on, with
 * "client" on all. What customers wrote and their phones go through log_text() and log_phone(), which
 * mask them unless LOG_CUSTOMER_DATA is set; secrets are never passed to a log. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

struct log_field {
	const char *name;
	enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_PRIVATE, LOG_FIELD_PHONE } kind;
	struct slice text;
	int64_t number;
};

/* Called once, before other threads exist; without it: info, text, masked. */
void log_setup(enum log_level least, enum log_format format, bool customer_data);
bool log_wants(enum log_level level);
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);

#define log_fields(level, event, ...)                                                                                  \
	do {                                                                                                           \
		if (log_wants(level)) {                                                                                \
			const struct log_field log_these[] = { __VA_ARGS__ };                                          \
			log_event(level, event, log_these, COUNT_OF(log_these));                                       \
		}                                                                                                      \
	} while (0)
#define log_debug(event, ...) log_fields(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) log_fields(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_fields(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_fields(LOG_ERROR, event, __VA_ARGS__)

static inline struct log_field log_slice(const char *name, struct slice s)
{
	return (struct log_field){ .name = name, .kind = LOG_FIELD_TEXT, .text = s };
}

static inline struct log_field log_word(const char *name, const char *text)
{
	return log_slice(name, slice_of(text));
}

static inline struct log_field log_number(const char *name, int64_t number)
{
	return (struct log_field){ .name = name, .kind = LOG_FIELD_NUMBER, .number = number };
}

/* What a customer wrote: shown as its length only, unless asked for. */
static inline struct log_field log_text(const char *name, struct slice s)
{
	return (struct log_field){ .name = name, .kind = LOG_FIELD_PRIVATE, .text = s };
}

/* A phone: its first four and last two characters, unless asked for. */
static inline struct log_field log_phone(const char *name, struct slice s)
{
	return (struct log_field){ .name = name, .kind = LOG_FIELD_PHONE, .text = s };
}

#endif
