/* test_api.c - what we post, and how every known answer is judged. */
#include "chat2desk/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const tokens[][2] = {
	{ "0123abc", "0123abc" },
	{ " 0123abc\r\n", "0123abc" },
	{ "Bearer 0123abc", "0123abc" },
	{ "bearer  0123abc ", "0123abc" },
	{ "Authorization: 0123abc", "0123abc" },
	{ "Authorization:Bearer 0123abc", "0123abc" },
	{ "bearer", "bearer" },
	{ "", "" },
	{ NULL, "" },
};

static void test_tokens(void **state)
{
	for (size_t i = 0; i < COUNT_OF(tokens); i++)
		if (!slice_eq(c2d_token(tokens[i][0]), slice_of(tokens[i][1])))
			fail_msg("token '%s'", tokens[i][0]);
}

static const struct {
	const char *client, *text, *transport;
	int64_t channel;
	const char *body;
} bodies[] = {
	{ "12568", "Hi", "", 0,
	    "{\"client_id\":12568,\"text\":\"Hi\",\"type\":\"to_client\",\"external_id\":\"t-1\"}" },
	{ "9007199254740993", "a \"b\"\n\xc3\xa9", "telegram", 17,
	    "{\"client_id\":9007199254740993,\"text\":\"a \\\"b\\\"\\n\xc3\xa9\",\"type\":\"to_client\","
	    "\"transport\":\"telegram\",\"channel_id\":17,\"external_id\":\"t-1\"}" },
	{ "007", "x", "", 0, "{\"client_id\":\"007\",\"text\":\"x\",\"type\":\"to_client\",\"external_id\":\"t-1\"}" },
	{ "abc", "x", "", 0, "{\"client_id\":\"abc\",\"text\":\"x\",\"type\":\"to_client\",\"external_id\":\"t-1\"}" },
	{ "99999999999999999999", "x", "", 0,
	    "{\"client_id\":\"99999999999999999999\",\"text\":\"x\",\"type\":\"to_client\",\"external_id\":\"t-1\"}" },
};

static void test_bodies(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct c2d_outgoing m = { .client_id = slice_of(bodies[i].client),
			.text = slice_of(bodies[i].text),
			.type = "to_client",
			.transport = slice_of(bodies[i].transport),
			.channel_id = bodies[i].channel,
			.external_id = SLICE("t-1") };
		struct buf out = { 0 };

		c2d_message_body(&out, &m);
		assert_string_equal(out.p, bodies[i].body);
		buf_free(&out);
	}
}

#define ERROR(message) "{\"status\":\"error\",\"message\":\"" message "\"}"

static const struct {
	int status;
	const char *body;
	enum c2d_verdict verdict;
	bool maybe_sent;
	int64_t message_id;
	const char *reason; /* a part of it */
} answers[] = {
	/* accepted */
	{ 200, "{\"status\":\"success\",\"data\":{\"message_id\":99,\"client_id\":12568}}", C2D_ACCEPTED, false, 99,
	    "" },
	{ 200, "{\"status\":\"success\",\"data\":{\"message_id\":\"99\"}}", C2D_ACCEPTED, false, 99, "" },
	{ 200, "{\"status\":\"success\",\"data\":{\"message_id\":9007199254740993}}", C2D_ACCEPTED, false,
	    9007199254740993, "" },
	{ 201, "{\"status\":\"success\",\"data\":{\"message_id\":7}}", C2D_ACCEPTED, false, 7, "" },
	{ 200, "{\"status\":\"success\",\"message\":\"ok\",\"data\":{\"id\":5}}", C2D_ACCEPTED, false, 0, "" },
	{ 200, "{\"status\":\"success\",\"data\":[]}", C2D_ACCEPTED, false, 0, "" },
	{ 200, "{\"status\":\"success\",\"error\":null,\"data\":{\"message_id\":3}}", C2D_ACCEPTED, false, 3, "" },
	{ 200, "{\"status\":\"success\",\"message\":\"Page not found\",\"data\":{\"message_id\":4}}", C2D_ACCEPTED,
	    false, 4, "" },
	/* not Chat2Desk at all: a proxy's page, another program */
	{ 200, "", C2D_MAYBE_AWAY, true, 0, "answered 200 without Chat2Desk's envelope: check CHAT2DESK_API_URL" },
	{ 204, "", C2D_MAYBE_AWAY, true, 0, "answered 204 without" },
	{ 200, "<html>fine</html>", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	{ 200, "{}", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	{ 200, "[]", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	{ 200, "{\"status\":\"ok\"}", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	{ 200, "{\"status\":true}", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	{ 200, "{\"data\":{\"message_id\":3}}", C2D_MAYBE_AWAY, true, 0, "CHAT2DESK_API_URL" },
	/* the token */
	{ 401, "", C2D_TOKEN, false, 0, "401" },
	{ 403, ERROR("token is invalid"), C2D_TOKEN, false, 0, "token is invalid" },
	{ 200, ERROR("You need to auth"), C2D_TOKEN, false, 0, "CHAT2DESK_API_TOKEN" },
	{ 400, ERROR("You have to specify your token. See API manual on info@chat2desk.com"), C2D_TOKEN, false, 0,
	    "CHAT2DESK_API_TOKEN" },
	{ 200, "You need to auth", C2D_TOKEN, false, 0, "CHAT2DESK_API_TOKEN" },
	/* about this client or message */
	{ 400, "{\"status\":\"error\",\"errors\":{\"client\":[\"Client not exist\"]}}", C2D_REJECTED, false, 0,
	    "400: client; Client not exist" },
	{ 400, "{\"status\":\"error\",\"message\":\"Bad\",\"errors\":{\"text\":\"is empty\"}}", C2D_REJECTED, false, 0,
	    "Bad; text; is empty" },
	{ 400, "nonsense", C2D_REJECTED, false, 0, "400" },
	{ 422, "{\"status\":\"error\"}", C2D_REJECTED, false, 0, "422" },
	{ 404, ERROR("Client not found"), C2D_REJECTED, false, 0, "Client not found" },
	{ 200, "{\"status\":\"error\",\"errors\":{\"client_id\":[\"is wrong\"]}}", C2D_REJECTED, false, 0, "is wrong" },
	/* this reply failed, nobody knows why */
	{ 200, ERROR("Something"), C2D_RETRY, false, 0, "Something" },
	{ 200, "{\"status\":\"success\",\"data\":{\"status\":\"error\",\"message\":\"deep\"}}", C2D_RETRY, false, 0,
	    "deep" },
	{ 200, "{\"error\":\"odd\"}", C2D_RETRY, false, 0, "odd" },
	/* unknown path */
	{ 404, "Page not found", C2D_MAYBE_AWAY, false, 0, "CHAT2DESK_API_URL" },
	{ 404, ERROR("Page not found"), C2D_MAYBE_AWAY, false, 0, "CHAT2DESK_API_URL" },
	{ 200, "Page not found", C2D_MAYBE_AWAY, false, 0, "CHAT2DESK_API_URL" },
	{ 404, "<html>404</html>", C2D_MAYBE_AWAY, false, 0, "404" },
	{ 301, "", C2D_MAYBE_AWAY, false, 0, "301" },
	{ 405, "", C2D_MAYBE_AWAY, false, 0, "405" },
	/* limits */
	{ 429, "", C2D_LIMITED, false, 0, "429" },
	{ 429, "{", C2D_LIMITED, false, 0, "429" },
	{ 200, ERROR("Number of API requests exceeded"), C2D_LIMITED, false, 0, "too many" },
	{ 403, "number of api requests EXCEEDED", C2D_LIMITED, false, 0, "too many" },
	{ 429, ERROR("API calls exceeded API limit per month"), C2D_QUOTA, false, 0, "month" },
	{ 200, "API calls exceeded API limit per month", C2D_QUOTA, false, 0, "month" },
	{ 400, "{\"errors\":{\"api\":[\"API calls exceeded API limit per month\"]}}", C2D_QUOTA, false, 0, "month" },
	/* their trouble */
	{ 500, "", C2D_MAYBE_AWAY, true, 0, "500" },
	{ 502, "<html>Bad gateway</html>", C2D_MAYBE_AWAY, true, 0, "502" },
	{ 503, ERROR("maintenance"), C2D_MAYBE_AWAY, true, 0, "maintenance" },
	{ 500, "{\"status\":\"success\",\"data\":{\"message_id\":1}}", C2D_MAYBE_AWAY, true, 0, "500" },
	{ 408, "", C2D_MAYBE_AWAY, false, 0, "408" },
	{ 425, "", C2D_MAYBE_AWAY, false, 0, "425" },
};

static void test_answers(void **state)
{
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct transfer_result result = { .end = TRANSFER_ANSWERED,
			.status = answers[i].status,
			.body = slice_of(answers[i].body),
			.error = "" };
		struct c2d_judgement j;

		c2d_judge(&result, &j);
		if (j.verdict != answers[i].verdict || j.maybe_sent != answers[i].maybe_sent ||
		    j.message_id != answers[i].message_id || strstr(j.reason, answers[i].reason) == NULL)
			fail_msg("%d %s: verdict %d, maybe_sent %d, id %lld, reason '%s'", answers[i].status,
			    answers[i].body, (int)j.verdict, j.maybe_sent, (long long)j.message_id, j.reason);
	}
}

/* What goes into the log and to health holds nothing that Chat2Desk may have taken from the customer. */
static const struct {
	int status;
	const char *body, *cause;
} causes[] = {
	{ 400, "{\"status\":\"error\",\"message\":\"12 Main street\",\"errors\":{\"text\":[\"+996700123456 is no\"]}}",
	    "Chat2Desk answered 400: text" },
	{ 400, "{\"errors\":{\"+996700123456\":[\"odd\"],\"client_id\":[\"odd\"]}}",
	    "Chat2Desk answered 400: client_id" },
	{ 400, "{\"errors\":{\"my whole address, which is a long one\":1}}", "Chat2Desk answered 400" },
	{ 500, "{\"status\":\"error\",\"message\":\"12 Main street\"}", "Chat2Desk answered 500" },
	{ 200, "12 Main street", "answered 200 without Chat2Desk's envelope: check CHAT2DESK_API_URL" },
};

static void test_causes_hold_no_text_of_others(void **state)
{
	for (size_t i = 0; i < COUNT_OF(causes); i++) {
		struct transfer_result result = { .end = TRANSFER_ANSWERED,
			.status = causes[i].status,
			.body = slice_of(causes[i].body),
			.error = "" };
		struct c2d_judgement j;

		c2d_judge(&result, &j);
		assert_string_equal(j.cause, causes[i].cause);
	}
}

static void test_pause(void **state)
{
	struct transfer_result result = { .end = TRANSFER_ANSWERED, .status = 429, .retry_after_s = 7, .error = "" };
	struct c2d_judgement j;

	c2d_judge(&result, &j);
	assert_int_equal(j.pause_ms, 7000);
	result.retry_after_s = 0;
	c2d_judge(&result, &j);
	assert_int_equal(j.pause_ms, 0);
}

static void test_unanswered(void **state)
{
	struct transfer_result result = { .end = TRANSFER_NOT_SENT, .error = "Could not resolve host" };
	struct c2d_judgement j;

	c2d_judge(&result, &j);
	assert_int_equal(j.verdict, C2D_AWAY);
	assert_false(j.maybe_sent);
	assert_string_equal(j.reason, "no answer: Could not resolve host");
	result = (struct transfer_result){ .end = TRANSFER_MAYBE_SENT, .timed_out = true, .error = "Timeout" };
	c2d_judge(&result, &j);
	assert_int_equal(j.verdict, C2D_MAYBE_AWAY);
	assert_true(j.maybe_sent);
	assert_string_equal(j.reason, "no answer in time: Timeout");
}

/* A long message is cut at a character, and the reason stays one line. */
static void test_reason_is_bounded(void **state)
{
	struct buf body = { 0 };
	struct transfer_result result = { .end = TRANSFER_ANSWERED, .status = 400, .error = "" };
	struct c2d_judgement j;

	for (size_t pad = 0; pad < 4; pad++) {
		buf_reset(&body);
		buf_text(&body, "{\"status\":\"error\",\"message\":\"a\\nb");
		for (size_t i = 0; i < pad; i++)
			buf_char(&body, '.');
		for (int i = 0; i < 300; i++)
			buf_text(&body, "\xd0\x96");
		buf_text(&body, "\"}");
		result.body = buf_as_slice(&body);
		c2d_judge(&result, &j);
		assert_true(slice_is_utf8(slice_of(j.reason)));
		assert_null(strchr(j.reason, '\n'));
		assert_non_null(strstr(j.reason, "\xd0\x96"));
	}
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_causes_hold_no_text_of_others),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_reason_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
