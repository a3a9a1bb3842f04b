/* webhook.c - a body becomes a message or a counted event. */
#include "chat2desk/webhook.h"

#include "base/clock.h"
#include "chat2desk/attachment.h"
#include "chat2desk/mend.h"
#include "chat2desk/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { SHORT_TEXT_MAX = 255, INT_TEXT_SIZE = 24, COORDINATES_MAX = 128 };

/* Times beyond this are milliseconds, not seconds: the year 5138 against 1973. */
static const int64_t LEAST_MS = 100000000000;
static const int64_t GREATEST_MS = 253402300799999; /* the end of the year 9999 */

/* ---- fields; those of a wrong type count as absent --------------------------------------------------- */

static struct slice string_in(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct slice){ json_string_value(value), json_string_length(value) }
				     : SLICE_NONE;
}

/* A string, or a positive integer as its digits. */
static struct slice word_in(const json_t *object, const char *name, struct arena *arena)
{
	const json_t *value = json_object_get(object, name);
	char *text;

	if (!json_is_integer(value))
		return slice_trim(string_in(object, name));
	if (json_integer_value(value) <= 0)
		return SLICE_NONE;
	text = arena_alloc(arena, INT_TEXT_SIZE);
	(void)snprintf(text, INT_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return slice_of(text);
}

/* Printable ASCII without blanks, of at most max bytes; else empty. */
static struct slice plain_in(const json_t *object, const char *name, size_t max, struct arena *arena)
{
	struct slice word = word_in(object, name, arena);

	if (word.n > max)
		return SLICE_NONE;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] > '~')
			return SLICE_NONE;
	return slice_copy(arena, word);
}

/* An integer, or its digits; 0 unless positive. */
static int64_t number_in(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	int64_t number = json_integer_value(value);

	if (json_is_string(value))
		(void)slice_to_int64(slice_trim(string_in(object, name)), &number);
	return number > 0 ? number : 0;
}

/* RFC 3339, or Unix time in seconds or milliseconds as a number or its digits; 0 when unreadable. */
static int64_t time_in(const json_t *object, const char *name)
{
	int64_t time = 0, ms = number_in(object, name);

	if (ms == 0)
		return clock_parse(slice_trim(string_in(object, name)), &time) ? time : 0;
	if (ms < LEAST_MS)
		ms *= 1000;
	return ms <= GREATEST_MS ? ms : 0;
}

static struct slice short_text(struct slice text, struct arena *arena)
{
	return slice_trim(c2d_text_clean(arena, slice_trim(text), SHORT_TEXT_MAX));
}

/* ---- parts of a message -------------------------------------------------------------------------------- */

/* A number, or a string, as text; empty when it is neither. */
static struct slice coordinate(const json_t *value, struct arena *arena)
{
	char *text;

	if (json_is_string(value))
		return slice_trim(slice_of(json_string_value(value)));
	if (!json_is_number(value))
		return SLICE_NONE;
	text = arena_alloc(arena, INT_TEXT_SIZE);
	(void)snprintf(text, INT_TEXT_SIZE, "%.10g", json_number_value(value));
	return slice_of(text);
}

static const json_t *first_of(const json_t *object, const char *const *names)
{
	const json_t *value = NULL;

	for (; *names != NULL && value == NULL; names++)
		value = json_object_get(object, *names);
	return value;
}

/* A string stays as it came; [lat, lng] and {lat, lng} become "lat,lng". */
static struct slice coordinates_of(const json_t *message, struct arena *arena)
{
	static const char *const lat_names[] = { "lat", "latitude", NULL };
	static const char *const lng_names[] = { "lng", "lon", "long", "longitude", NULL };
	const json_t *value = json_object_get(message, "coordinates");
	bool array = json_is_array(value);
	struct slice lat = coordinate(array ? json_array_get(value, 0) : first_of(value, lat_names), arena);
	struct slice lng = coordinate(array ? json_array_get(value, 1) : first_of(value, lng_names), arena);
	char *both;

	if (json_is_string(value))
		return short_text(string_in(message, "coordinates"), arena);
	if (lat.n == 0 || lng.n == 0 || lat.n + lng.n > COORDINATES_MAX)
		return SLICE_NONE;
	both = arena_alloc(arena, lat.n + lng.n + 2);
	(void)snprintf(both, lat.n + lng.n + 2, "%.*s,%.*s", SLICE_PRINT(lat), SLICE_PRINT(lng));
	return short_text(slice_of(both), arena);
}

static struct slice text_of(const json_t *message, struct slice transport, struct arena *arena)
{
	struct slice text = string_in(message, "text");

	if (slice_eq(transport, SLICE("widget")))
		text = c2d_text_of_html(arena, text);
	return c2d_text_clean(arena, text, C2D_TEXT_MAX);
}

/* "[tg] 807892" and the like are ids of a messenger. */
static bool is_phone(struct slice s)
{
	enum { DIGITS_MIN = 7, DIGITS_MAX = 15 };
	size_t from = s.n > 0 && s.p[0] == '+' ? 1 : 0;

	for (size_t i = from; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n - from >= DIGITS_MIN && s.n - from <= DIGITS_MAX;
}

static struct slice unless_unknown(struct slice s)
{
	return s.n == strlen("unknown") && strncasecmp(s.p, "unknown", s.n) == 0 ? SLICE_NONE : s;
}

static struct slice phone_of(const json_t *client, struct arena *arena)
{
	struct slice phone = unless_unknown(short_text(word_in(client, "client_phone", arena), arena));

	if (phone.n > 0)
		return phone;
	phone = short_text(word_in(client, "phone", arena), arena);
	return is_phone(phone) ? phone : SLICE_NONE;
}

/* A name in brackets is made from an id, as "[chat] 1d0bb2e2". */
static struct slice name_of(const json_t *client, struct arena *arena)
{
	struct slice name = unless_unknown(short_text(string_in(client, "assigned_name"), arena));

	if (name.n == 0)
		name = unless_unknown(short_text(string_in(client, "name"), arena));
	return name.n > 0 && name.p[0] == '[' ? SLICE_NONE : name;
}

static enum kind kind_of(const json_t *message, const struct c2d_message *m)
{
	enum kind kind = m->coordinates.n > 0 ? KIND_LOCATION : c2d_attachment_kind(message);

	if (kind == KIND_EMPTY && slice_trim(m->text).n > 0)
		kind = KIND_TEXT;
	return kind;
}

static enum err missing(const struct c2d_message *m, bool text_missing, struct why *why)
{
	return why_fail(why, ERR_MALFORMED, "Missing required fields:%s%s%s", m->client_id.n == 0 ? " client_id" : "",
	    m->message_id.n == 0 ? " message_id" : "", text_missing ? " text" : "");
}

static enum err decode_message(
    const json_t *body, bool short_form, struct arena *arena, struct c2d_message *m, struct why *why)
{
	const json_t *client = json_object_get(body, "client");
	bool text_missing = short_form && json_object_get(body, "text") == NULL;

	m->message_id = plain_in(body, "message_id", C2D_ID_MAX, arena);
	m->client_id = plain_in(body, "client_id", C2D_ID_MAX, arena);
	if (m->message_id.n == 0 || m->client_id.n == 0 || text_missing)
		return missing(m, text_missing, why);
	m->transport = plain_in(body, "transport", C2D_ID_MAX, arena);
	m->channel_id = number_in(body, "channel_id");
	m->event_ms = time_in(body, short_form ? "timestamp" : "event_time");
	m->text = text_of(body, m->transport, arena);
	m->coordinates = coordinates_of(body, arena);
	m->client_phone = phone_of(client, arena);
	m->client_name = name_of(client, arena);
	m->kind = kind_of(body, m);
	return ERR_OK;
}

/* ---- events --------------------------------------------------------------------------------------------- */

static enum metric counter_of(struct slice hook_type)
{
	static const struct {
		const char *hook_type;
		enum metric counter;
	} known[] = {
		{ "inbox", METRIC_IGNORED_INBOX },
		{ "outbox", METRIC_IGNORED_OUTBOX },
		{ "outbox_status", METRIC_IGNORED_OUTBOX_STATUS },
		{ "new_client", METRIC_IGNORED_NEW_CLIENT },
		{ "client_updated", METRIC_IGNORED_CLIENT_UPDATED },
		{ "add_tag_to_client", METRIC_IGNORED_TAG },
		{ "add_tag_to_request", METRIC_IGNORED_TAG },
		{ "delete_tag_from_client", METRIC_IGNORED_TAG },
		{ "delete_tag_from_request", METRIC_IGNORED_TAG },
		{ "new_tag", METRIC_IGNORED_TAG },
		{ "close_dialog", METRIC_IGNORED_DIALOG },
		{ "dialog_transferred", METRIC_IGNORED_DIALOG },
		{ "new_request", METRIC_IGNORED_REQUEST },
		{ "close_request", METRIC_IGNORED_REQUEST },
		{ "comment", METRIC_IGNORED_COMMENT },
		{ "system_message", METRIC_IGNORED_SYSTEM },
		{ "imported_message", METRIC_IGNORED_IMPORTED },
		{ "operator_status_updated", METRIC_IGNORED_OPERATOR },
		{ "operator_status_changed", METRIC_IGNORED_OPERATOR },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (slice_eq(hook_type, slice_of(known[i].hook_type)))
			return known[i].counter;
	return METRIC_IGNORED_OTHER;
}

static enum err decode_object(const json_t *body, struct arena *arena, struct c2d_event *ret, struct why *why)
{
	const json_t *hook = json_object_get(body, "hook_type");
	struct slice hook_type = string_in(body, "hook_type");
	struct slice type = string_in(body, "type");
	bool short_form = hook == NULL || json_is_null(hook);
	bool from_client = slice_eq(type, SLICE("from_client"));

	*ret = (struct c2d_event){ .ignored = METRIC_IGNORED_OTHER };
	ret->is_message = from_client ? short_form || slice_eq(hook_type, SLICE("inbox")) : short_form && type.n == 0;
	if (ret->is_message)
		return decode_message(body, short_form, arena, &ret->message, why);
	ret->ignored = counter_of(hook_type);
	return ERR_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

static json_t *parse(struct slice text, json_error_t *error)
{
	json_t *root = json_loadb(text.p, text.n, 0, error);

	if (root == NULL && json_error_code(error) == json_error_out_of_memory)
		abort();
	return root;
}

static json_t *parse_or_mend(struct slice body, json_error_t *error)
{
	struct buf mended = { 0 };
	json_t *root = parse(body, error);

	if (root != NULL || body.n == 0)
		return root;
	c2d_mend(body, &mended);
	root = parse(buf_as_slice(&mended), error);
	buf_free(&mended);
	return root;
}

enum err c2d_webhook_decode(struct slice body, struct arena *arena, struct c2d_event *ret, struct why *why)
{
	json_error_t error = { 0 };
	json_t *root = parse_or_mend(body, &error);
	const json_t *object = root;
	enum err e;

	if (root == NULL && !slice_is_utf8(body))
		return why_fail(why, ERR_MALFORMED, "The body is not UTF-8");
	if (root == NULL)
		return why_fail(
		    why, ERR_MALFORMED, "The body is not JSON (line %d, column %d)", error.line, error.column);
	if (json_array_size(root) == 1)
		object = json_array_get(root, 0);
	if (json_is_object(object))
		e = decode_object(object, arena, ret, why);
	else
		e = why_fail(why, ERR_MALFORMED, "The body is no JSON object");
	json_decref(root);
	return e;
}
