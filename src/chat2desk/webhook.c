/* webhook.c - a body becomes a message or a counted event. */
#include "chat2desk/webhook.h"

#include "base/clock.h"
#include "chat2desk/attachment.h"
#include "chat2desk/mend.h"
#include "chat2desk/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <strings.h>

enum { SHORT_TEXT_MAX = 255, INT_TEXT_SIZE = 24, COORDINATES_MAX = 128 };

/* Times beyond this are milliseconds, not seconds: the year 5138 against 1973. */
static const int64_t LEAST_MS = 100000000000;
static const int64_t GREATEST_MS = 253402300799999; /* the end of the year 9999 */

/* ---- fields; those of a wrong type count as absent --------------------------------------------------- */

static struct slice string_in(struct jdoc object, const char *name)
{
	return jdoc_string(jdoc_member(object, name));
}

/* A string, or a positive integer as its digits. */
static struct slice word_in(struct jdoc object, const char *name, struct arena *arena)
{
	struct jdoc value = jdoc_member(object, name);
	int64_t number = jdoc_integer(value);
	char *text;

	if (number <= 0)
		return slice_trim(jdoc_string(value));
	text = arena_alloc(arena, INT_TEXT_SIZE);
	(void)snprintf(text, INT_TEXT_SIZE, "%" PRId64, number);
	return slice_of(text);
}

/* Printable ASCII without blanks, of at most max bytes; else empty. */
static struct slice plain_in(struct jdoc object, const char *name, size_t max, struct arena *arena)
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
static int64_t number_in(struct jdoc object, const char *name)
{
	struct jdoc value = jdoc_member(object, name);
	int64_t number = jdoc_integer(value);

	(void)slice_to_int64(slice_trim(jdoc_string(value)), &number);
	return number > 0 ? number : 0;
}

/* RFC 3339, or Unix time in seconds or milliseconds as a number or its digits; 0 when unreadable. */
static int64_t time_in(struct jdoc object, const char *name)
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
static struct slice coordinate(struct jdoc value, struct arena *arena)
{
	enum jdoc_kind kind = jdoc_kind(value);
	char *text;

	if (kind != JDOC_INTEGER && kind != JDOC_REAL)
		return slice_trim(jdoc_string(value));
	text = arena_alloc(arena, INT_TEXT_SIZE);
	(void)snprintf(text, INT_TEXT_SIZE, "%.10g", jdoc_number(value));
	return slice_of(text);
}

static struct jdoc first_of(struct jdoc object, const char *const *names)
{
	struct jdoc value = JDOC_NONE;

	for (; *names != NULL && value.document == NULL; names++)
		value = jdoc_member(object, *names);
	return value;
}

/* A string stays as it came; [lat, lng] and {lat, lng} become "lat,lng". */
static struct slice coordinates_of(struct jdoc message, struct arena *arena)
{
	static const char *const lat_names[] = { "lat", "latitude", NULL };
	static const char *const lng_names[] = { "lng", "lon", "long", "longitude", NULL };
	struct jdoc value = jdoc_member(message, "coordinates");
	struct slice lat, lng;
	char *both;

	if (jdoc_kind(value) == JDOC_STRING)
		return short_text(jdoc_string(value), arena);
	if (jdoc_kind(value) == JDOC_ARRAY) {
		lat = coordinate(jdoc_first(value), arena);
		lng = coordinate(jdoc_next(value, jdoc_first(value)), arena);
	} else {
		lat = coordinate(first_of(value, lat_names), arena);
		lng = coordinate(first_of(value, lng_names), arena);
	}
	if (lat.n == 0 || lng.n == 0 || lat.n + lng.n > COORDINATES_MAX)
		return SLICE_NONE;
	both = arena_alloc(arena, lat.n + lng.n + 2);
	(void)snprintf(both, lat.n + lng.n + 2, "%.*s,%.*s", SLICE_PRINT(lat), SLICE_PRINT(lng));
	return short_text(slice_of(both), arena);
}

static struct slice text_of(struct jdoc message, struct slice transport, struct arena *arena)
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

static struct slice phone_of(struct jdoc client, struct arena *arena)
{
	struct slice phone = unless_unknown(short_text(word_in(client, "client_phone", arena), arena));

	if (phone.n > 0)
		return phone;
	phone = short_text(word_in(client, "phone", arena), arena);
	return is_phone(phone) ? phone : SLICE_NONE;
}

/* A name in brackets is made from an id, as "[chat] 1d0bb2e2". */
static struct slice name_of(struct jdoc client, struct arena *arena)
{
	struct slice name = unless_unknown(short_text(string_in(client, "assigned_name"), arena));

	if (name.n == 0)
		name = unless_unknown(short_text(string_in(client, "name"), arena));
	return name.n > 0 && name.p[0] == '[' ? SLICE_NONE : name;
}

static enum kind kind_of(struct jdoc message, const struct c2d_message *m)
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
    struct jdoc body, bool short_form, struct arena *arena, struct c2d_message *m, struct why *why)
{
	struct jdoc client = jdoc_member(body, "client");
	bool text_missing = short_form && jdoc_member(body, "text").document == NULL;

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

static enum err decode_object(struct jdoc body, struct arena *arena, struct c2d_event *ret, struct why *why)
{
	struct jdoc hook = jdoc_member(body, "hook_type");
	struct slice hook_type = jdoc_string(hook);
	struct slice type = string_in(body, "type");
	bool short_form = jdoc_kind(hook) == JDOC_ABSENT || jdoc_kind(hook) == JDOC_NULL;
	bool from_client = slice_eq(type, SLICE("from_client"));

	*ret = (struct c2d_event){ .ignored = METRIC_IGNORED_OTHER };
	ret->is_message = from_client ? short_form || slice_eq(hook_type, SLICE("inbox")) : short_form && type.n == 0;
	if (ret->is_message)
		return decode_message(body, short_form, arena, &ret->message, why);
	ret->ignored = counter_of(hook_type);
	return ERR_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

/* For people: jansson knows the line and the column of what is wrong, but for a NUL behind a number, which it skips. */
static enum err no_json(struct slice body, struct slice mended, struct why *why)
{
	json_error_t error = { 0 };
	json_t *root;

	if (!slice_is_utf8(body))
		return why_fail(why, ERR_MALFORMED, "The body is not UTF-8");
	root = json_loadb(mended.p, mended.n, 0, &error);
	json_decref(root);
	if (root != NULL)
		return why_fail(why, ERR_MALFORMED, "The body is not JSON");
	return why_fail(why, ERR_MALFORMED, "The body is not JSON (line %d, column %d)", error.line, error.column);
}

static enum err parse_or_mend(struct slice body, struct jdoc *root, struct why *why)
{
	struct buf mended = { 0 };
	enum err e = ERR_OK;

	if (jdoc_parse(body, root))
		return ERR_OK;
	c2d_mend(body, &mended);
	if (!jdoc_parse(buf_as_slice(&mended), root))
		e = no_json(body, buf_as_slice(&mended), why);
	buf_free(&mended);
	return e;
}

enum err c2d_webhook_decode(struct slice body, struct arena *arena, struct c2d_event *ret, struct why *why)
{
	struct jdoc root = JDOC_NONE;
	enum err e = parse_or_mend(body, &root, why);

	if (jdoc_kind(root) == JDOC_ARRAY && jdoc_size(root) == 1)
		root = jdoc_first(root);
	if (e == ERR_OK && jdoc_kind(root) != JDOC_OBJECT)
		e = why_fail(why, ERR_MALFORMED, "The body is no JSON object");
	if (e == ERR_OK)
		e = decode_object(root, arena, ret, why);
	jdoc_done();
	return e;
}
