/* test_transfer.c - calls against a real socket: kept alive, bounded, and never sent twice. */
#include "base/clock.h"
#include "chat2desk/transfer.h"
#include "stub_server.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What the calls of a test came to. */
struct tally {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned done, ends[4], timed_out;
	struct transfer_result last;
	char body[256];
	size_t body_size;
};

#define TALLY                                                                                                          \
	{                                                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                 \
	}

static void note(void *context, const struct transfer_result *result)
{
	struct tally *t = context;

	pthread_mutex_lock(&t->lock);
	t->done++;
	t->ends[result->end]++;
	t->timed_out += result->timed_out;
	t->last = *result;
	t->body_size = result->body.n;
	snprintf(t->body, sizeof t->body, "%.*s", SLICE_PRINT(result->body));
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void wait_done(struct tally *t, unsigned n)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 20;
	pthread_mutex_lock(&t->lock);
	while (t->done < n)
		if (pthread_cond_timedwait(&t->changed, &t->lock, &deadline) != 0)
			fail_msg("only %u of %u calls ended", t->done, n);
	pthread_mutex_unlock(&t->lock);
}

static struct transfer_pool *open_pool(unsigned at_once)
{
	struct transfer_pool *pool = NULL;
	struct why why;

	assert_int_equal(transfer_open(at_once, &pool, &why), ERR_OK);
	return pool;
}

static void post(struct transfer_pool *pool, uint16_t port, const char *body, unsigned timeout_ms, struct tally *t)
{
	static const char *const headers[] = { "Authorization: abc", "Content-Type: application/json" };
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/messages", port);
	transfer_start(pool,
	    &(struct transfer_request){ .method = "POST",
		.url = url,
		.headers = headers,
		.n_headers = 2,
		.body = slice_of(body),
		.timeout_ms = timeout_ms },
	    note, t);
}

/* Echoes the request, and says what it was asked for. */
struct script {
	pthread_mutex_t lock;
	unsigned received;
	struct stub_answer answer;
	unsigned cut_from_nth; /* requests of a connection from this one on are read and cut; 0: none */
	char seen[2048];
};

#define SCRIPT(...)                                                                                                    \
	{                                                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .answer = { __VA_ARGS__ }                                           \
	}

static void act(void *context, const struct stub_request *request, struct stub_answer *ret)
{
	struct script *s = context;

	pthread_mutex_lock(&s->lock);
	s->received++;
	snprintf(s->seen, sizeof s->seen, "%.1500s%.500s", request->head, request->body);
	*ret = s->answer;
	if (s->cut_from_nth > 0 && request->nth >= s->cut_from_nth)
		ret->how = STUB_CUT;
	pthread_mutex_unlock(&s->lock);
}

static unsigned received(struct script *script)
{
	unsigned n;

	pthread_mutex_lock(&script->lock);
	n = script->received;
	pthread_mutex_unlock(&script->lock);
	return n;
}

static void wait_received(struct script *script, unsigned n)
{
	int64_t end_ms = clock_mono_ms() + 10000;

	while (received(script) < n && clock_mono_ms() < end_ms)
		poll(NULL, 0, 1);
	if (received(script) < n)
		fail_msg("the server never got request %u", n);
}

static void test_post(void **state)
{
	struct script script = SCRIPT(.status = 429, .body = "{\"a\":1}", .extra = "Retry-After: 7\r\n");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(2);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{\"text\":\"hi\"}", 5000, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_ANSWERED);
	assert_int_equal(t.last.status, 429);
	assert_int_equal(t.last.retry_after_s, 7);
	assert_string_equal(t.body, "{\"a\":1}");
	assert_true(t.last.took_us > 0 && t.last.started_ms > 0);
	assert_non_null(strstr(script.seen, "POST /v1/messages HTTP/1.1\r\n"));
	assert_non_null(strstr(script.seen, "\r\nAuthorization: abc\r\n"));
	assert_non_null(strstr(script.seen, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(script.seen, "\r\n\r\n{\"text\":\"hi\"}"));
	transfer_close(&pool);
	assert_null(pool);
	stub_stop(&server);
}

static void test_methods(void **state)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "GET" };
	struct script script = SCRIPT(.status = 200, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;
	char url[64], line[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/x", stub_port(server));
	for (unsigned i = 0; i < COUNT_OF(methods); i++) {
		struct slice body = strcmp(methods[i], "PUT") == 0 ? SLICE("abc") : SLICE_NONE;

		transfer_start(pool,
		    &(struct transfer_request){ .method = methods[i], .url = url, .body = body, .timeout_ms = 5000 },
		    note, &t);
		wait_done(&t, i + 1);
		assert_int_equal(t.last.end, TRANSFER_ANSWERED);
		snprintf(line, sizeof line, "%s /x HTTP/1.1\r\n", methods[i]);
		assert_memory_equal(script.seen, line, strlen(line));
		assert_int_equal(strstr(script.seen, "Content-Length: 3") != NULL, body.n == 3);
	}
	assert_int_equal(stub_connections(server), 1);
	transfer_close(&pool);
	stub_stop(&server);
}

static void test_many_on_few_connections(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "{}");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(8);
	struct tally t = TALLY;

	for (int i = 0; i < 500; i++)
		post(pool, stub_port(server), "{}", 20000, &t);
	wait_done(&t, 500);
	assert_int_equal(t.ends[TRANSFER_ANSWERED], 500);
	assert_int_equal(received(&script), 500);
	assert_true(stub_connections(server) <= 8);
	transfer_close(&pool);
	stub_stop(&server);
}

static uint16_t closed_port(void)
{
	struct script script = SCRIPT(.status = 200, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	uint16_t port = stub_port(server);

	stub_stop(&server);
	return port;
}

static void test_not_sent(void **state)
{
	static const char *const urls[] = { "http://no-such-host.invalid/", "ftp://127.0.0.1/", "http://",
		"file:///etc/passwd" };
	struct transfer_pool *pool = open_pool(2);
	struct tally t = TALLY;

	post(pool, closed_port(), "{}", 5000, &t);
	for (size_t i = 0; i < COUNT_OF(urls); i++)
		transfer_start(
		    pool, &(struct transfer_request){ .method = "POST", .url = urls[i], .timeout_ms = 5000 }, note, &t);
	wait_done(&t, 1 + COUNT_OF(urls));
	assert_int_equal(t.ends[TRANSFER_NOT_SENT], 1 + COUNT_OF(urls));
	assert_true(strlen(t.last.error) > 0);
	transfer_close(&pool);
}

/* TLS that is none: the request never went out. */
static void test_tls_failure_is_not_sent(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;
	char url[64];

	snprintf(url, sizeof url, "https://127.0.0.1:%u/", stub_port(server));
	transfer_start(pool, &(struct transfer_request){ .method = "POST", .url = url, .timeout_ms = 300 }, note, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_NOT_SENT);
	assert_int_equal(received(&script), 0);
	transfer_close(&pool);
	stub_stop(&server);
}

static void test_hang_may_be_sent(void **state)
{
	struct script script = SCRIPT(.how = STUB_HANG, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{}", 200, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_MAYBE_SENT);
	assert_int_equal(t.timed_out, 1);
	transfer_close(&pool);
	stub_stop(&server);
}

static void test_cut_may_be_sent(void **state)
{
	struct script script = SCRIPT(.how = STUB_CUT, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{}", 5000, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_MAYBE_SENT);
	assert_int_equal(t.timed_out, 0);
	assert_int_equal(received(&script), 1);
	transfer_close(&pool);
	stub_stop(&server);
}

/* The trap of libcurl: a reused connection that ends without an answer makes it send the request again. */
static void test_reused_connection_never_doubles(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "{}");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	script.cut_from_nth = 2;
	post(pool, stub_port(server), "{}", 5000, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_ANSWERED);
	post(pool, stub_port(server), "{}", 5000, &t);
	wait_done(&t, 2);
	assert_int_equal(t.last.end, TRANSFER_MAYBE_SENT);
	assert_int_equal(received(&script), 2);
	post(pool, stub_port(server), "{}", 5000, &t);
	wait_done(&t, 3);
	assert_int_equal(t.last.end, TRANSFER_ANSWERED);
	assert_int_equal(received(&script), 3);
	transfer_close(&pool);
	stub_stop(&server);
}

/* A server that was restarted between two calls costs nothing: the dead connection is seen before. */
static void test_restarted_server(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "{}");
	struct stub_server *server = stub_start(0, act, &script);
	uint16_t port = stub_port(server);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	post(pool, port, "{}", 5000, &t);
	wait_done(&t, 1);
	stub_stop(&server);
	server = stub_start(port, act, &script);
	post(pool, port, "{}", 5000, &t);
	wait_done(&t, 2);
	assert_int_equal(t.ends[TRANSFER_ANSWERED], 2);
	assert_int_equal(received(&script), 2);
	transfer_close(&pool);
	stub_stop(&server);
}

static void test_overlong_answer_is_cut(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "0123456789abcdef", .body_repeat = 100 * 1024);
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{}", 10000, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_ANSWERED);
	assert_int_equal(t.last.status, 200);
	assert_int_equal(t.body_size, TRANSFER_BODY_MAX);
	transfer_close(&pool);
	stub_stop(&server);
}

static void test_redirect_is_an_answer(void **state)
{
	struct script script = SCRIPT(.status = 302, .body = "", .extra = "Location: /elsewhere\r\n");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{}", 5000, &t);
	wait_done(&t, 1);
	assert_int_equal(t.last.status, 302);
	assert_int_equal(received(&script), 1);
	transfer_close(&pool);
	stub_stop(&server);
}

/* A request whose time is over does not go out, whatever kept it. */
static void test_too_late_to_begin(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "{}");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	const int64_t now_ms = clock_mono_ms(), before_ms[] = { now_ms, now_ms + 60000, 1 };
	struct tally t = TALLY;
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/", stub_port(server));
	for (unsigned i = 0; i < 3; i++) {
		transfer_start(pool,
		    &(struct transfer_request){
			.method = "POST", .url = url, .timeout_ms = 5000, .begin_before_ms = before_ms[i] },
		    note, &t);
		wait_done(&t, i + 1);
		assert_int_equal(t.last.end, i == 1 ? TRANSFER_ANSWERED : TRANSFER_CANCELLED);
		assert_int_equal(received(&script), i == 0 ? 0 : 1);
	}
	transfer_close(&pool);
	stub_stop(&server);
}

/* Closing lets the call under way end and cancels the ones behind it. */
static void test_close(void **state)
{
	struct script script = SCRIPT(.status = 200, .body = "{}", .delay_ms = 300);
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(1);
	struct tally t = TALLY;

	for (int i = 0; i < 4; i++)
		post(pool, stub_port(server), "{}", 5000, &t);
	wait_received(&script, 1);
	transfer_close(&pool);
	assert_int_equal(t.done, 4);
	assert_int_equal(t.ends[TRANSFER_ANSWERED], 1);
	assert_int_equal(t.ends[TRANSFER_CANCELLED], 3);
	assert_int_equal(received(&script), 1);
	stub_stop(&server);
}

static void test_cut(void **state)
{
	struct script script = SCRIPT(.how = STUB_HANG, .body = "");
	struct stub_server *server = stub_start(0, act, &script);
	struct transfer_pool *pool = open_pool(2);
	struct tally t = TALLY;

	post(pool, stub_port(server), "{}", 60000, &t);
	wait_received(&script, 1);
	transfer_cut(pool);
	wait_done(&t, 1);
	assert_int_equal(t.last.end, TRANSFER_MAYBE_SENT);
	transfer_close(&pool);
	stub_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_many_on_few_connections),
		cmocka_unit_test(test_not_sent),
		cmocka_unit_test(test_tls_failure_is_not_sent),
		cmocka_unit_test(test_hang_may_be_sent),
		cmocka_unit_test(test_cut_may_be_sent),
		cmocka_unit_test(test_reused_connection_never_doubles),
		cmocka_unit_test(test_restarted_server),
		cmocka_unit_test(test_overlong_answer_is_cut),
		cmocka_unit_test(test_redirect_is_an_answer),
		cmocka_unit_test(test_too_late_to_begin),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
