/* test_server.c - the listener against clients that behave and clients that do not. */
#include "base/buf.h"
#include "base/clock.h"
#include "client.h"
#include "http/loop.h"
#include "http/server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { BODY_MAX = 10000, TIMEOUT_MS = 400, HELD_MAX = 256 };

static unsigned serving_threads; /* all tests are run with one and with two */

/* A request, and the answer it will get. */
struct asked {
	struct http_request *request;
	struct buf answer;
};

/* Requests to /hold wait here until let go, requests to /late until the answering thread takes them. */
struct site {
	struct http_server *server;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct asked late[HELD_MAX], held[HELD_MAX];
	size_t n_late, n_held;
	bool stop;
	_Atomic int refused; /* the last status of a refusal */
};

static struct asked ask(struct http_request *r)
{
	struct asked ret = { .request = r };
	struct slice header = http_header(r, "X-Echo"), query = http_query(r, "q");

	buf_printf(&ret.answer, "%.*s %.*s q=%.*s h=%.*s n=%zu", SLICE_PRINT(http_method(r)), SLICE_PRINT(http_path(r)),
	    SLICE_PRINT(query), SLICE_PRINT(header), http_body(r).n);
	return ret;
}

static void echo(struct asked asked)
{
	http_answer(asked.request,
	    &(struct http_answer){ .status = 200, .content_type = "text/plain", .body = buf_as_slice(&asked.answer) });
	buf_free(&asked.answer);
}

static void handle(void *context, struct http_request *r)
{
	struct site *s = context;
	bool late = slice_eq(http_path(r), SLICE("/late")), hold = slice_eq(http_path(r), SLICE("/hold"));

	if (!late && !hold) {
		echo(ask(r));
		return;
	}
	(void)pthread_mutex_lock(&s->mutex);
	if (late)
		s->late[s->n_late++] = ask(r);
	else
		s->held[s->n_held++] = ask(r);
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void *answer_late(void *context)
{
	struct site *s = context;

	(void)pthread_mutex_lock(&s->mutex);
	while (!s->stop || s->n_late > 0) {
		struct asked asked;

		if (s->n_late == 0) {
			(void)pthread_cond_wait(&s->changed, &s->mutex);
			continue;
		}
		asked = s->late[--s->n_late];
		(void)pthread_mutex_unlock(&s->mutex);
		echo(asked);
		(void)pthread_mutex_lock(&s->mutex);
	}
	(void)pthread_mutex_unlock(&s->mutex);
	return NULL;
}

static void wait_held(struct site *s, size_t n)
{
	(void)pthread_mutex_lock(&s->mutex);
	while (s->n_held < n)
		(void)pthread_cond_wait(&s->changed, &s->mutex);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void let_go(struct site *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	while (s->n_held > 0)
		echo(s->held[--s->n_held]);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void on_refused(void *context, int status)
{
	struct site *s = context;

	atomic_store(&s->refused, status);
}

static struct site *open_site(unsigned connections_max, size_t body_max, unsigned timeout_ms)
{
	struct site *s = mem_alloc(sizeof *s);
	struct why why = { "" };
	struct http_options options = { .host = "127.0.0.1",
		.body_max = body_max,
		.connections_max = connections_max,
		.timeout_ms = timeout_ms,
		.threads = serving_threads,
		.handler = handle,
		.context = s,
		.refused = on_refused };

	(void)pthread_mutex_init(&s->mutex, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	if (http_listen(&options, &s->server, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_int_equal(pthread_create(&s->thread, NULL, answer_late, s), 0);
	return s;
}

static void close_site(struct site *s)
{
	http_close(&s->server);
	assert_null(s->server);
	(void)pthread_mutex_lock(&s->mutex);
	s->stop = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->mutex);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->mutex);
	free(s);
}

static int set_up(void **state)
{
	*state = open_site(4096, BODY_MAX, TIMEOUT_MS);
	return 0;
}

static int tear_down(void **state)
{
	close_site(*state);
	return 0;
}

/* ---- single requests ---------------------------------------------------------------------------------- */

#define HOST "Host: x\r\n"

static const struct {
	const char *request;
	int status;
	const char *body; /* NULL: any */
} cases[] = {
	{ "GET /a HTTP/1.1\r\n" HOST "\r\n", 200, "GET /a q= h= n=0" },
	{ "GET /late HTTP/1.1\r\n" HOST "\r\n", 200, "GET /late q= h= n=0" },
	{ "GET /a%20b?q=%D0%B0&x=1 HTTP/1.1\r\n" HOST "x-echo: y\r\n\r\n", 200, "GET /a b q=\xd0\xb0 h=y n=0" },
	{ "GET /a?q HTTP/1.1\r\n" HOST "\r\n", 200, "GET /a q= h= n=0" },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200, "POST /a q= h= n=3" },
	{ "POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200, "POST /late q= h= n=3" },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "POST /a q= h= n=0" },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200, "POST /a q= h= n=3" },
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
	    "POST /a q= h= n=3" },
	{ "HEAD /a HTTP/1.1\r\n" HOST "\r\n", 200, "" },
	{ "DELETE /a HTTP/1.1\r\n" HOST "\r\n", 200, "DELETE /a q= h= n=0" },
	/* two lengths */
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501,
	    NULL },
	/* malformed */
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 3, 4\r\n\r\nabc", 400, NULL },
	{ "GET /a HTTP/1.1\r\n\r\n", 400, NULL }, /* no Host */
	{ "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, NULL },
	/* too large */
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 10001\r\n\r\n", 413, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 10001\r\nExpect: 100-continue\r\n\r\n", 413, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", 413, NULL },
	{ "POST /a HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413, NULL },
};

static void test_cases(void **state)
{
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct client_answer a;

		client_ask(http_port(s->server), slice_of(cases[i].request), &a);
		if (a.status != cases[i].status)
			fail_msg("%s: %d, wanted %d", cases[i].request, a.status, cases[i].status);
		if (cases[i].body != NULL && !slice_eq((struct slice){ a.body, a.body_n }, slice_of(cases[i].body)))
			fail_msg("%s: %.*s", cases[i].request, (int)a.body_n, a.body);
	}
}

static void test_refusals_are_told(void **state)
{
	struct site *s = *state;
	struct client_answer a;

	client_ask(http_port(s->server), SLICE("POST / HTTP/1.1\r\n" HOST "Content-Length: 10001\r\n\r\n"), &a);
	assert_int_equal(a.status, 413);
	assert_int_equal(atomic_load(&s->refused), 413);
	assert_non_null(strstr(a.head, "Connection: close"));
}

static void test_expect_continue(void **state)
{
	struct site *s = *state;
	struct client_answer a;
	int fd = client_connect(http_port(s->server));

	assert_true(
	    client_send(fd, SLICE("POST /a HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 100);
	assert_true(client_send(fd, SLICE("ab")));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(close(fd), 0);
}

static void test_head_leaves_the_connection_usable(void **state)
{
	struct site *s = *state;
	struct client_answer a;
	int fd = client_connect(http_port(s->server));

	assert_true(client_send(fd, SLICE("HEAD /a HTTP/1.1\r\n" HOST "\r\n")));
	client_read(fd, true, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "Content-Length: 17\r\n"));
	assert_true(client_send(fd, SLICE("GET /b HTTP/1.1\r\n" HOST "\r\n")));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_memory_equal(a.body, "GET /b", 6);
	assert_int_equal(close(fd), 0);
}

/* ---- bodies ------------------------------------------------------------------------------------------- */

static struct slice post_of(struct buf *out, size_t n, bool chunked)
{
	char *body = mem_alloc(n);

	memset(body, 'x', n);
	if (chunked)
		buf_printf(out, "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
	else
		buf_printf(out, "POST /body HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);
	buf_add(out, body, n);
	if (chunked)
		buf_text(out, "\r\n0\r\n\r\n");
	free(body);
	return buf_as_slice(out);
}

static const struct {
	size_t n;
	bool chunked;
	int status;
} bodies[] = {
	{ BODY_MAX, false, 200 },
	{ BODY_MAX, true, 200 },
	{ BODY_MAX + 1, false, 413 },
	{ BODY_MAX + 1, true, 413 },
	{ 10 * BODY_MAX, true, 413 },
	{ 100 * BODY_MAX, false, 413 }, /* all of it sent: the answer must not be lost to a reset */
	{ 300 * BODY_MAX, true, 0 },
};

static void test_bodies(void **state)
{
	struct site *s = *state;

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct buf request = { 0 };
		struct client_answer a;

		client_ask(http_port(s->server), post_of(&request, bodies[i].n, bodies[i].chunked), &a);
		if (a.status != bodies[i].status)
			fail_msg("%zu bytes%s: %d", bodies[i].n, bodies[i].chunked ? " in chunks" : "", a.status);
		buf_free(&request);
	}
}

/* ---- several requests --------------------------------------------------------------------------------- */

static void test_pipelined(void **state)
{
	struct site *s = *state;
	int fd = client_connect(http_port(s->server));
	static const char *const wanted[] = { "GET /1", "POST /late", "GET /2", "GET /late", "POST /3" };
	struct client_answer a;

	assert_true(client_send(fd, SLICE("GET /1 HTTP/1.1\r\n" HOST "\r\n"
					  "POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
					  "GET /2 HTTP/1.1\r\n" HOST "\r\n"
					  "GET /late HTTP/1.1\r\n" HOST "\r\n"
					  "POST /3 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc")));
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		client_read(fd, false, &a);
		assert_int_equal(a.status, 200);
		assert_memory_equal(a.body, wanted[i], strlen(wanted[i]));
	}
	assert_int_equal(close(fd), 0);
}

enum { ASKERS = 16, ROUNDS = 200 };

static void *ask_again_and_again(void *context)
{
	struct site *s = context;
	int fd = client_connect(http_port(s->server));
	struct client_answer *a = mem_alloc(sizeof *a);

	for (int i = 0; i < ROUNDS; i++) {
		(void)client_send(fd, SLICE("POST /late HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"));
		client_read(fd, false, a);
		if (a->status != 200 || a->body_n == 0 || memcmp(a->body, "POST /late", 10) != 0)
			break;
		if (i == ROUNDS - 1)
			context = NULL;
	}
	(void)close(fd);
	free(a);
	return context; /* NULL: all were answered */
}

static void test_late_answers_from_another_thread(void **state)
{
	pthread_t threads[ASKERS];

	for (size_t i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, *state), 0);
	for (size_t i = 0; i < ASKERS; i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void test_client_leaves_while_it_is_held(void **state)
{
	struct site *s = *state;
	int fd = client_connect(http_port(s->server));
	struct client_answer a;

	assert_true(client_send(fd, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n")));
	wait_held(s, 1);
	assert_int_equal(close(fd), 0);
	let_go(s);
	client_ask(http_port(s->server), SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
}

static void break_connection(int fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	assert_int_equal(close(fd), 0);
}

/* A broken connection is gone although its request is still in the handler's hands: with room for one connection a
 * thread, nobody else would be served. */
static void test_connection_breaks_while_it_is_held(void **state)
{
	struct site *s = open_site(1, BODY_MAX, CLIENT_PATIENCE_MS);
	const unsigned n = serving_threads;
	struct client_answer a;
	int fd[2];

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		fd[i] = client_connect(http_port(s->server));
		assert_true(client_send(fd[i], SLICE("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc")));
		wait_held(s, i + 1);
	}
	for (unsigned i = 0; i < n; i++)
		break_connection(fd[i]);
	client_ask(http_port(s->server), SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
	let_go(s);
	client_ask(http_port(s->server), SLICE("GET /b HTTP/1.1\r\n" HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
	close_site(s);
}

/* While one waits the others are served as ever, in one piece or in many. */
static void test_others_while_one_is_held(void **state)
{
	struct site *s = *state;
	int held = client_connect(http_port(s->server)), fd = client_connect(http_port(s->server));
	struct client_answer a;

	assert_true(client_send(held, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n")));
	wait_held(s, 1);
	assert_true(client_send(fd, SLICE("POST /a HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nabc")));
	assert_true(client_send(fd, SLICE("def")));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	test_bodies(state);
	test_pipelined(state);
	test_expect_continue(state);
	let_go(s);
	client_read(held, false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(close(held), 0);
	assert_int_equal(close(fd), 0);
}

/* Nobody is served by the loop's look-out for what nobody can tell, but at once: 100 looks take half a second. */
static void test_others_are_served_at_once(void **state)
{
	enum { TIMES = 100 };
	struct site *s = *state;
	int held = client_connect(http_port(s->server)), fd = client_connect(http_port(s->server));
	int64_t from_ms = clock_mono_ms();
	struct client_answer a;

	assert_true(client_send(held, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n")));
	wait_held(s, 1);
	for (int i = 0; i < TIMES; i++) {
		assert_true(client_send(fd, SLICE("POST /late HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc")));
		client_read(fd, false, &a);
		assert_int_equal(a.status, 200);
	}
	if (clock_mono_ms() - from_ms >= TIMES * LOOP_LOOK_MS / 2)
		fail_msg("%d answers took %lld ms", TIMES, (long long)(clock_mono_ms() - from_ms));
	let_go(s);
	client_read(held, false, &a);
	assert_int_equal(close(held), 0);
	assert_int_equal(close(fd), 0);
}

/* ---- slow clients ------------------------------------------------------------------------------------- */

/* Sends one byte every tenth of the timeout until the connection is ended; returns how long that took. */
static int64_t trickle(uint16_t port, struct slice at_once, char byte)
{
	const struct timespec pause = { .tv_nsec = TIMEOUT_MS * 1000000L / 10 };
	int64_t from = clock_mono_ms();
	int fd = client_connect(port);
	char in;

	assert_true(client_send(fd, at_once));
	while (clock_mono_ms() - from < CLIENT_PATIENCE_MS && client_send(fd, (struct slice){ &byte, 1 }) &&
	       recv(fd, &in, 1, MSG_DONTWAIT) != 0)
		(void)nanosleep(&pause, NULL);
	assert_int_equal(close(fd), 0);
	return clock_mono_ms() - from;
}

static void assert_about_the_timeout(int64_t ms)
{
	if (ms < TIMEOUT_MS / 2 || ms > 4 * TIMEOUT_MS)
		fail_msg("ended after %lld ms, the timeout is %d ms", (long long)ms, TIMEOUT_MS);
}

static void test_trickled_head(void **state)
{
	struct site *s = *state;

	assert_about_the_timeout(trickle(http_port(s->server), SLICE("GET / HTTP/1.1\r\nX-Long: "), 'a'));
}

static void test_trickled_body(void **state)
{
	struct site *s = *state;

	assert_about_the_timeout(
	    trickle(http_port(s->server), SLICE("POST / HTTP/1.1\r\n" HOST "Content-Length: 9999\r\n\r\n"), 'a'));
}

static void test_half_sent(void **state)
{
	struct site *s = *state;
	int fd = client_connect(http_port(s->server));

	assert_true(client_send(fd, SLICE("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf")));
	assert_about_the_timeout(client_wait_end(fd));
	assert_int_equal(close(fd), 0);
}

static void test_idle(void **state)
{
	struct site *s = *state;
	struct client_answer a;
	int silent = client_connect(http_port(s->server)), kept = client_connect(http_port(s->server));

	assert_true(client_send(kept, SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n")));
	client_read(kept, false, &a);
	assert_int_equal(a.status, 200);
	assert_about_the_timeout(client_wait_end(kept));
	(void)client_wait_end(silent);
	assert_int_equal(close(kept), 0);
	assert_int_equal(close(silent), 0);
}

/* A held request has no deadline, and the connection gets a fresh one with its answer. */
static void test_held_longer_than_the_timeout(void **state)
{
	struct site *s = *state;
	const struct timespec longer = { .tv_nsec = 2L * TIMEOUT_MS * 1000000 };
	int fd = client_connect(http_port(s->server));
	struct client_answer a;

	assert_true(client_send(fd, SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n")));
	wait_held(s, 1);
	(void)nanosleep(&longer, NULL);
	let_go(s);
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(close(fd), 0);
}

/* ---- many clients ------------------------------------------------------------------------------------- */

static long resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
	assert_int_equal(fclose(f), 0);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_thousands_of_idle_connections(void **state)
{
	enum { IDLE = 3000, GROWTH_KB = 32 * 1024 }; /* with every byte of their buffers touched */
	struct site *s = *state;
	struct rlimit files;
	static int fd[IDLE];
	struct client_answer a;
	long before = resident_kb();

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < 2 * IDLE + 64)
		skip();
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (size_t i = 0; i < IDLE; i++)
		fd[i] = client_connect(http_port(s->server));
	client_ask(http_port(s->server), SLICE("GET /late HTTP/1.1\r\n" HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
	if (!SANITIZED && resident_kb() - before > GROWTH_KB)
		fail_msg("grew by %ld KiB", resident_kb() - before);
	for (size_t i = 0; i < IDLE; i++)
		(void)client_wait_end(fd[i]);
	for (size_t i = 0; i < IDLE; i++)
		assert_int_equal(close(fd[i]), 0);
}

static void test_more_idle_connections_than_places(void **state)
{
	enum { PLACES = 32, IDLE = 200 };
	struct site *s = open_site(PLACES, BODY_MAX, TIMEOUT_MS);
	int fd[IDLE];
	struct client_answer a;

	(void)state;
	for (size_t i = 0; i < IDLE; i++)
		fd[i] = client_connect(http_port(s->server));
	client_ask(http_port(s->server), SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n"), &a);
	assert_int_equal(a.status, 200);
	for (size_t i = 0; i < IDLE; i++)
		assert_int_equal(close(fd[i]), 0);
	close_site(s);
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void *close_server(void *context)
{
	struct site *s = context;

	http_close(&s->server);
	return NULL;
}

/* All bodies together are bounded: what finds no room is refused, and room comes back. */
static void test_bodies_together_are_bounded(void **state)
{
	enum { BIG = 1 << 20, CLIENTS = 40 };
	struct site *s = open_site(64, 8 * BIG, CLIENT_PATIENCE_MS);
	struct buf request = { 0 };
	struct client_answer a;
	int fd[CLIENTS];
	size_t refused = 0;

	(void)state;
	(void)post_of(&request, BIG, false);
	memcpy(request.p, "POST /hold", 10);
	for (size_t i = 0; i < CLIENTS; i++) {
		fd[i] = client_connect(http_port(s->server));
		assert_true(client_send(fd[i], buf_as_slice(&request)));
	}
	wait_held(s, 32);
	let_go(s);
	for (size_t i = 0; i < CLIENTS; i++) {
		client_read(fd[i], false, &a);
		if (a.status != 200 && a.status != 503)
			fail_msg("client %zu: %d %s%.*s", i, a.status, a.head, (int)a.body_n, a.body);
		refused += a.status == 503;
		assert_int_equal(close(fd[i]), 0);
	}
	assert_in_range(refused, 1, CLIENTS - 32);
	buf_reset(&request);
	client_ask(http_port(s->server), post_of(&request, BIG, false), &a);
	assert_int_equal(a.status, 200);
	buf_free(&request);
	close_site(s);
}

static void test_close_waits_for_answers(void **state)
{
	enum { HELD = 20 };
	struct site *s = *state;
	uint16_t port = http_port(s->server);
	int fd[HELD], idle = client_connect(port);
	struct client_answer a;
	pthread_t closing;

	for (size_t i = 0; i < HELD; i++) {
		fd[i] = client_connect(port);
		assert_true(client_send(fd[i], SLICE("GET /hold HTTP/1.1\r\n" HOST "\r\n")));
	}
	wait_held(s, HELD);
	assert_int_equal(pthread_create(&closing, NULL, close_server, s), 0);
	let_go(s);
	for (size_t i = 0; i < HELD; i++) {
		client_read(fd[i], false, &a);
		assert_int_equal(a.status, 200);
		assert_int_equal(close(fd[i]), 0);
	}
	assert_int_equal(pthread_join(closing, NULL), 0);
	assert_true(client_wait_end(idle) < CLIENT_PATIENCE_MS);
	assert_int_equal(close(idle), 0);
}

static bool can_connect(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool can;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	can = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
	assert_int_equal(close(fd), 0);
	return can;
}

static void test_quiesce(void **state)
{
	struct site *s = *state;
	uint16_t port = http_port(s->server);
	int fd = client_connect(port);
	struct client_answer a;

	assert_true(client_send(fd, SLICE("GET /a HTTP/1.1\r\n" HOST "\r\n")));
	client_read(fd, false, &a);
	http_quiesce(s->server);
	assert_false(can_connect(port));
	assert_true(client_send(fd, SLICE("GET /late HTTP/1.1\r\n" HOST "\r\n")));
	client_read(fd, false, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(close(fd), 0);
}

static void test_addresses(void **state)
{
	struct site *s = *state;
	struct http_options options = { .host = "127.0.0.1",
		.port = http_port(s->server),
		.connections_max = 16,
		.timeout_ms = TIMEOUT_MS,
		.handler = handle };
	struct http_server *other = NULL;
	struct why why;
	char port[8];

	(void)snprintf(port, sizeof port, "%u", options.port);
	assert_int_equal(http_listen(&options, &other, &why), ERR_IN_USE);
	assert_non_null(strstr(why.text, port));
	options.host = "localhost";
	assert_int_equal(http_listen(&options, &other, &why), ERR_INVALID);
	options.host = "203.0.113.1";
	assert_int_equal(http_listen(&options, &other, &why), ERR_INVALID);
	assert_null(other);
}

int main(void)
{
	int failed = 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusals_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_expect_continue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_head_leaves_the_connection_usable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pipelined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late_answers_from_another_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_leaves_while_it_is_held, set_up, tear_down),
		cmocka_unit_test(test_connection_breaks_while_it_is_held),
		cmocka_unit_test_setup_teardown(test_others_while_one_is_held, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_are_served_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trickled_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trickled_body, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_held_longer_than_the_timeout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_thousands_of_idle_connections, set_up, tear_down),
		cmocka_unit_test(test_more_idle_connections_than_places),
		cmocka_unit_test(test_bodies_together_are_bounded),
		cmocka_unit_test_setup_teardown(test_close_waits_for_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quiesce, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
	};

	for (serving_threads = 1; serving_threads <= 2; serving_threads++)
		failed += cmocka_run_group_tests_name(
		    serving_threads == 1 ? "one thread" : "two threads", tests, NULL, NULL);
	return failed;
}
