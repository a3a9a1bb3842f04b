/* test_webhook.c - every sample payload, and bodies that nobody should send. */
#include "base/buf.h"
#include "chat2desk/webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct wanted {
	const char *message_id, *client_id;
	enum kind kind;
	const char *text, *coordinates, *transport;
	int64_t channel_id, event_ms;
	const char *phone, *name;
};

static void check_slice(const char *body, const char *field, struct slice is, const char *wanted)
{
	if (!slice_eq(is, slice_of(wanted != NULL ? wanted : "")))
		fail_msg("%s: %s is '%.*s', wanted '%s'", body, field, SLICE_PRINT(is), wanted != NULL ? wanted : "");
}

static void check_number(const char *body, const char *field, int64_t is, int64_t wanted)
{
	if (is != wanted)
		fail_msg("%s: %s is %lld, wanted %lld", body, field, (long long)is, (long long)wanted);
}

static void check_message(const char *body, const struct c2d_message *m, const struct wanted *w)
{
	check_slice(body, "message_id", m->message_id, w->message_id);
	check_slice(body, "client_id", m->client_id, w->client_id);
	check_number(body, "kind", m->kind, w->kind);
	check_slice(body, "text", m->text, w->text);
	check_slice(body, "coordinates", m->coordinates, w->coordinates);
	check_slice(body, "transport", m->transport, w->transport);
	check_number(body, "channel_id", m->channel_id, w->channel_id);
	check_number(body, "event_ms", m->event_ms, w->event_ms);
	check_slice(body, "client_phone", m->client_phone, w->phone);
	check_slice(body, "client_name", m->client_name, w->name);
}

/* ---- samples ------------------------------------------------------------------------------------------ */

static const struct {
	const char *file;
	enum err err;
	bool is_message;
	enum metric ignored;
	struct wanted wanted;
} samples[] = {
	{ "01-inbox-text-widget.raw.json", ERR_OK, true, 0,
	    { "28780", "12568", KIND_TEXT, "test7", "", "widget", 1, 1743681006984, "", "" } },
	{ "02-inbox-text-telegram.json", ERR_OK, true, 0,
	    { "106773169", "100", KIND_TEXT, "Text", "", "telegram", 17, 1564354900000, "", "Peter" } },
	{ "03-outbox-text-telegram.json", ERR_OK, false, METRIC_IGNORED_OUTBOX, { 0 } },
	{ "04-inbox-subset-telegram.json", ERR_OK, true, 0,
	    { "110549894", "10317391", KIND_EMPTY, "", "", "telegram", 17313, 1789718377000, "", "" } },
	{ "05-new_request.json", ERR_OK, false, METRIC_IGNORED_REQUEST, { 0 } },
	{ "06-operator_status_updated.json", ERR_OK, false, METRIC_IGNORED_OPERATOR, { 0 } },
	{ "07-comment.json", ERR_OK, false, METRIC_IGNORED_COMMENT, { 0 } },
	{ "08-imported_message.json", ERR_OK, false, METRIC_IGNORED_IMPORTED, { 0 } },
	{ "09-system_message.json", ERR_OK, false, METRIC_IGNORED_SYSTEM, { 0 } },
	{ "20-api-message-object.json", ERR_OK, false, METRIC_IGNORED_OTHER, { 0 } },
};

static struct slice read_sample(const char *name)
{
	static char bytes[8192];
	char path[512];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", SAMPLES, name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is missing", path);
	n = fread(bytes, 1, sizeof bytes, f);
	assert_int_equal(fclose(f), 0);
	return (struct slice){ bytes, n };
}

static void test_samples(void **state)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct arena arena = { 0 };
		struct c2d_event event = { 0 };
		struct why why = { "" };

		assert_int_equal(
		    c2d_webhook_decode(read_sample(samples[i].file), &arena, &event, &why), samples[i].err);
		check_number(samples[i].file, "is_message", event.is_message, samples[i].is_message);
		if (event.is_message)
			check_message(samples[i].file, &event.message, &samples[i].wanted);
		else
			check_number(samples[i].file, "ignored", event.ignored, samples[i].ignored);
		arena_free(&arena);
	}
}

/* ---- messages ----------------------------------------------------------------------------------------- */

#define INBOX "{\"hook_type\":\"inbox\",\"type\":\"from_client\",\"message_id\":1,\"client_id\":2"

static const struct {
	const char *body;
	struct wanted wanted;
} messages[] = {
	/* ids */
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6}", { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":\"5\",\"text\":\"hi\",\"message_id\":\" 6 \"}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":\"c-5@x\",\"text\":\"hi\",\"message_id\":\"m/6\"}",
	    { "m/6", "c-5@x", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":9007199254740993,\"text\":\"hi\",\"message_id\":9223372036854775807}",
	    { "9223372036854775807", "9007199254740993", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":92233720368547758070}",
	    { "92233720368547758070", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	/* the short form's time */
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6,\"timestamp\":1743681006}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 1743681006000, "", "" } },
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6,\"timestamp\":\"1743681006984\"}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 1743681006984, "", "" } },
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6,\"timestamp\":\"2025-04-03T11:50:06.984494Z\"}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 1743681006984, "", "" } },
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6,\"timestamp\":{}}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":5,\"text\":\"hi\",\"message_id\":6,\"timestamp\":9223372036854775807}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "{\"client_id\":5,\"text\":null,\"message_id\":6}", { "6", "5", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	{ "{\"hook_type\":null,\"client_id\":5,\"text\":\"hi\",\"message_id\":6}",
	    { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	{ "[{\"client_id\":5,\"text\":\"hi\",\"message_id\":6}]", { "6", "5", KIND_TEXT, "hi", "", "", 0, 0, "", "" } },
	/* wrong types count as absent */
	{ INBOX ",\"text\":7,\"transport\":[],\"channel_id\":\"x\",\"event_time\":{},\"client\":\"y\"}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":[\"a\"],\"photo\":{},\"coordinates\":true,\"attachments\":{\"a\":1},\"client\":null}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"channel_id\":\"17\",\"transport\":\"tele gram\",\"attachments\":[null,1,[],{}]}",
	    { "1", "2", KIND_EMPTY, "", "", "", 17, 0, "", "" } },
	{ INBOX ",\"extra_data\":{\"big\":1e999,\"n\":123456789012345678901234567890},\"text\":\"a\"}",
	    { "1", "2", KIND_TEXT, "a", "", "", 0, 0, "", "" } },
	/* text */
	{ INBOX ",\"text\":\"  a\\r\\nb\\u0001\\u0007 \"}", { "1", "2", KIND_TEXT, "  a\nb ", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":\" \\n\\t \"}", { "1", "2", KIND_EMPTY, " \n\t ", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":\"a\\u0000b\"}", { "1", "2", KIND_TEXT, "ab", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":\"a\\ud83db\"}", { "1", "2", KIND_TEXT,
						"a\xef\xbf\xbd"
						"b",
						"", "", 0, 0, "", "" } },
	{ "\xef\xbb\xbf" INBOX ",\"text\":\"a\"}", { "1", "2", KIND_TEXT, "a", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":\"\\ud83d\\ude00\"}", { "1", "2", KIND_TEXT, "\xf0\x9f\x98\x80", "", "", 0, 0, "", "" } },
	{ INBOX ",\"text\":\"<p>a &amp; b</p>\",\"transport\":\"widget\"}",
	    { "1", "2", KIND_TEXT, "a & b", "", "widget", 0, 0, "", "" } },
	{ INBOX ",\"text\":\"<p>a &amp; b</p>\",\"transport\":\"telegram\"}",
	    { "1", "2", KIND_TEXT, "<p>a &amp; b</p>", "", "telegram", 0, 0, "", "" } },
	/* kinds */
	{ INBOX ",\"photo\":\"https://x/1.jpg\",\"text\":null}", { "1", "2", KIND_PHOTO, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"photo\":\"https://x/1.jpg\",\"text\":\"my house\"}",
	    { "1", "2", KIND_PHOTO, "my house", "", "", 0, 0, "", "" } },
	{ INBOX ",\"audio\":\"https://x/1.ogg\"}", { "1", "2", KIND_VOICE, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"video\":\"https://x/1.mp4\"}", { "1", "2", KIND_VIDEO, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"pdf\":\"https://x/1.pdf\"}", { "1", "2", KIND_FILE, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"content_type\":\"image/png\",\"file\":{\"url\":\"https://x/1\"}}]}",
	    { "1", "2", KIND_PHOTO, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"content_type\":\"application/zip\",\"file\":{\"url\":\"https://x/1\"}}]}",
	    { "1", "2", KIND_FILE, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"file\":{\"url\":\"https://x/1\"}}]}",
	    { "1", "2", KIND_FILE, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"name\":\"voice.OGG\",\"link\":\"https://x/1\"}]}",
	    { "1", "2", KIND_VOICE, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"name\":\"a\",\"link\":\"https://x.jpg/clip.mp4?b=c.png\"}]}",
	    { "1", "2", KIND_VIDEO, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"attachments\":[{\"name\":\"list.docx\",\"link\":\"https://x/1\"}]}",
	    { "1", "2", KIND_FILE, "", "", "", 0, 0, "", "" } },
	/* places */
	{ INBOX ",\"coordinates\":\"42.87,74.59\"}", { "1", "2", KIND_LOCATION, "", "42.87,74.59", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":\" 74.59 42.87 \"}",
	    { "1", "2", KIND_LOCATION, "", "74.59 42.87", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":[42.87,74.59]}", { "1", "2", KIND_LOCATION, "", "42.87,74.59", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":{\"lat\":\"42.87\",\"lon\":74}}",
	    { "1", "2", KIND_LOCATION, "", "42.87,74", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":{\"latitude\":42.87,\"longitude\":-74.5}}",
	    { "1", "2", KIND_LOCATION, "", "42.87,-74.5", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":{\"lat\":42.87}}", { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	{ INBOX ",\"coordinates\":[]}", { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	/* the client */
	{ INBOX
	    ",\"client\":{\"phone\":\"[wa_gupshup] KZ.7701\",\"client_phone\":\"+77011234567\",\"name\":\"unknown\"}}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "+77011234567", "" } },
	{ INBOX
	    ",\"client\":{\"phone\":\"77011234567\",\"client_phone\":null,\"assigned_name\":\"Ann\",\"name\":\"B\"}}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "77011234567", "Ann" } },
	{ INBOX ",\"client\":{\"phone\":77011234567,\"client_phone\":\"unknown\",\"assigned_name\":\"Unknown\"}}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "77011234567", "" } },
	{ INBOX ",\"client\":{\"phone\":\"[tg] 807892\",\"name\":\"[tg] 807892\"}}",
	    { "1", "2", KIND_EMPTY, "", "", "", 0, 0, "", "" } },
	/* a later member of the same name wins, as in every widespread parser */
	{ INBOX ",\"text\":\"a\",\"text\":\"b\"}", { "1", "2", KIND_TEXT, "b", "", "", 0, 0, "", "" } },
};

static void test_messages(void **state)
{
	for (size_t i = 0; i < COUNT_OF(messages); i++) {
		struct arena arena = { 0 };
		struct c2d_event event = { 0 };
		struct why why = { "" };

		if (c2d_webhook_decode(slice_of(messages[i].body), &arena, &event, &why) != ERR_OK)
			fail_msg("%s: %s", messages[i].body, why.text);
		assert_true(event.is_message);
		check_message(messages[i].body, &event.message, &messages[i].wanted);
		arena_free(&arena);
	}
}

/* ---- events ------------------------------------------------------------------------------------------- */

static const struct {
	const char *body;
	enum metric ignored;
} events[] = {
	{ "{\"hook_type\":\"inbox\",\"type\":\"to_client\",\"message_id\":1,\"client_id\":2}", METRIC_IGNORED_INBOX },
	{ "{\"hook_type\":\"inbox\",\"type\":null,\"message_id\":1,\"client_id\":2}", METRIC_IGNORED_INBOX },
	{ "{\"hook_type\":\"outbox\",\"type\":\"from_client\",\"message_id\":1,\"client_id\":2}",
	    METRIC_IGNORED_OUTBOX },
	{ "{\"hook_type\":\"outbox_status\"}", METRIC_IGNORED_OUTBOX_STATUS },
	{ "{\"hook_type\":\"new_client\",\"id\":1}", METRIC_IGNORED_NEW_CLIENT },
	{ "{\"hook_type\":\"client_updated\",\"id\":1}", METRIC_IGNORED_CLIENT_UPDATED },
	{ "{\"hook_type\":\"add_tag_to_client\"}", METRIC_IGNORED_TAG },
	{ "{\"hook_type\":\"close_dialog\"}", METRIC_IGNORED_DIALOG },
	{ "{\"hook_type\":\"close_request\"}", METRIC_IGNORED_REQUEST },
	{ "{\"hook_type\":\"invented_tomorrow\"}", METRIC_IGNORED_OTHER },
	{ "{\"hook_type\":7,\"client_id\":5,\"text\":\"hi\",\"message_id\":6}", METRIC_IGNORED_OTHER },
	{ "{\"hook_type\":[\"inbox\"],\"type\":\"from_client\",\"client_id\":5,\"text\":\"hi\",\"message_id\":6}",
	    METRIC_IGNORED_OTHER },
	{ "{\"hook_type\":{},\"client_id\":5,\"text\":\"hi\",\"message_id\":6}", METRIC_IGNORED_OTHER },
	{ "{\"hook_type\":false,\"client_id\":5,\"text\":\"hi\",\"message_id\":6}", METRIC_IGNORED_OTHER },
	{ "{\"hook_type\":\"\",\"client_id\":5,\"text\":\"hi\",\"message_id\":6}", METRIC_IGNORED_OTHER },
	{ "{\"type\":\"to_client\",\"text\":\"a\",\"message_id\":1,\"client_id\":2}", METRIC_IGNORED_OTHER },
};

static void test_events(void **state)
{
	for (size_t i = 0; i < COUNT_OF(events); i++) {
		struct arena arena = { 0 };
		struct c2d_event event = { 0 };
		struct why why = { "" };

		if (c2d_webhook_decode(slice_of(events[i].body), &arena, &event, &why) != ERR_OK)
			fail_msg("%s: %s", events[i].body, why.text);
		check_number(events[i].body, "is_message", event.is_message, false);
		check_number(events[i].body, "ignored", event.ignored, events[i].ignored);
		arena_free(&arena);
	}
}

/* ---- what is refused ---------------------------------------------------------------------------------- */

static const struct {
	struct slice body;
	const char *why;
} refused[] = {
	{ { "", 0 }, "not JSON" }, { { NULL, 0 }, "not JSON" }, { { "hello", 5 }, "not JSON" },
	{ { "{", 1 }, "not JSON" }, { { "{\"a\":1} x", 9 }, "not JSON" }, { { "{\"a\":\"\n\"}", 9 }, "not JSON" },
	{ { "{\0}", 3 }, "not JSON" }, { { "{\"a\":1\0}", 8 }, "not JSON" },
	{ { "{\n\"a\":x}", 8 }, "not JSON (line 2, column 5)" }, { { "{\"a\":\"\xff\"}", 9 }, "not UTF-8" },
	{ { "{\"a\":\"\xed\xa0\x80\"}", 11 }, "not UTF-8" }, { { "[]", 2 }, "no JSON object" },
	{ { "[{},{}]", 7 }, "no JSON object" }, { { "[[{}]]", 6 }, "no JSON object" },
	{ { "[1]", 3 }, "no JSON object" }, { { "{}", 2 }, "Missing required fields: client_id message_id text" },
	{ { "{\"text\":\"a\"}", 12 }, "Missing required fields: client_id message_id" },
	{ { "{\"client_id\":1,\"text\":\"a\"}", 26 }, "Missing required fields: message_id" },
	{ { "{\"message_id\":1,\"text\":\"a\"}", 27 }, "Missing required fields: client_id" },
	{ { "{\"message_id\":1,\"client_id\":2}", 30 }, "Missing required fields: text" },
	{ SLICE_NONE, NULL }, /* the end */
};

static const char *const bad_ids[] = { "null", "true", "1.5", "-1", "0", "[]", "{}", "\"\"", "\" \"", "\"a b\"",
	"\"\xd0\xb0\"", "\"a\\u0007\"", "\"12345678901234567890123456789012345678901234567890123456789012345\"" };

static void check_refused(struct slice body, const char *wanted)
{
	struct arena arena = { 0 };
	struct c2d_event event = { 0 };
	struct why why = { "" };

	assert_int_equal(c2d_webhook_decode(body, &arena, &event, &why), ERR_MALFORMED);
	if (strstr(why.text, wanted) == NULL)
		fail_msg("%.*s: %s", SLICE_PRINT(body), why.text);
	arena_free(&arena);
}

static void test_refused(void **state)
{
	for (size_t i = 0; refused[i].why != NULL; i++)
		check_refused(refused[i].body, refused[i].why);
	for (size_t i = 0; i < COUNT_OF(bad_ids); i++) {
		char body[256];

		(void)snprintf(body, sizeof body, INBOX ",\"message_id\":%s}", bad_ids[i]);
		check_refused(slice_of(body), "Missing required fields: message_id");
	}
}

/* ---- extremes ----------------------------------------------------------------------------------------- */

static void test_long_text_is_cut_at_a_character(void **state)
{
	struct arena arena = { 0 };
	struct buf body = { 0 };
	struct c2d_event event = { 0 };
	struct why why;

	buf_text(&body, INBOX ",\"text\":\"a");
	for (size_t i = 0; i < C2D_TEXT_MAX; i++)
		buf_text(&body, "\xd0\xb0");
	buf_text(&body, "\"}");
	assert_int_equal(c2d_webhook_decode(buf_as_slice(&body), &arena, &event, &why), ERR_OK);
	assert_int_equal(event.message.text.n, C2D_TEXT_MAX - 1);
	assert_true(slice_is_utf8(event.message.text));
	buf_free(&body);
	arena_free(&arena);
}

static void test_deep_nesting_is_refused(void **state)
{
	struct buf body = { 0 };

	for (size_t i = 0; i < 100000; i++)
		buf_char(&body, '[');
	check_refused(buf_as_slice(&body), "not JSON");
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_text_is_cut_at_a_character),
		cmocka_unit_test(test_deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
