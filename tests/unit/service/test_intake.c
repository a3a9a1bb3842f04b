/* test_intake.c - both listeners' answers over a store that works, fails and hangs. */
#include "base/buf.h"
#include "base/clock.h"
#include "chat2desk/signature.h"
#include "chat2desk/webhook.h"
#include "client.h"
#include "fake_store.h"
#include "service/adder.h"
#include "service/refusal.h"
#include "service/routes.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STORE_TIMEOUT_MS = 800 };

struct service {
	struct settings settings;
	struct health *health;
	struct routes routes;
	struct http_server *public, *admin;
};

static struct http_server *listen_for(http_handler *handler, struct routes *routes)
{
	struct http_options options = { .host = "127.0.0.1",
		.body_max = 4096,
		.connections_max = 256,
		.timeout_ms = 5000,
		.handler = handler,
		.caught_up = routes_public_caught_up,
		.context = routes,
		.refused = refusal_by_listener };
	struct http_server *server = NULL;
	struct why why;

	if (http_listen(&options, &server, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return server;
}

static struct service *start(int signature, const char *path_secret)
{
	struct service *s = mem_alloc(sizeof *s);
	struct why why;

	fake_store_open();
	s->settings = (struct settings){ .api_token = "token",
		.webhook_secret = "md5_api_token",
		.path_secret = path_secret,
		.signature = signature,
		.store_timeout_ms = STORE_TIMEOUT_MS };
	assert_int_equal(health_start(NULL, true, &s->health, &why), ERR_OK);
	assert_int_equal(intake_start(&s->settings, NULL, s->health, &s->routes.intake, &why), ERR_OK);
	s->routes.health = s->health;
	s->public = listen_for(routes_public, &s->routes);
	s->admin = listen_for(routes_admin, &s->routes);
	return s;
}

static void stop(struct service *s)
{
	fake_store_hang(false);
	http_close(&s->public);
	http_close(&s->admin);
	intake_stop(&s->routes.intake);
	health_stop(&s->health);
	fake_store_close();
	free(s);
}

static int set_up(void **state)
{
	*state = start(SIGNATURE_IF_PRESENT, "");
	return 0;
}

static int tear_down(void **state)
{
	stop(*state);
	return 0;
}

static void ask(
    struct http_server *server, const char *line, const char *headers, const char *body, struct client_answer *ret)
{
	struct buf request = { 0 };

	buf_printf(
	    &request, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", line, headers, strlen(body), body);
	client_ask(http_port(server), buf_as_slice(&request), ret);
	buf_free(&request);
}

static void post(struct service *s, const char *body, struct client_answer *ret)
{
	ask(s->public, "POST /webhook/chat2desk", "", body, ret);
}

static void post_message(struct service *s, int id, struct client_answer *ret)
{
	char body[128];

	(void)snprintf(body, sizeof body, "{\"client_id\":1,\"text\":\"t%d\",\"message_id\":%d}", id, id);
	post(s, body, ret);
}

/* ---- the table ---------------------------------------------------------------------------------------- */

static const struct {
	const char *line, *body;
	int status;
	const char *answer; /* a part of it */
	enum metric counted;
} cases[] = {
	{ "POST /webhook/chat2desk", "{\"client_id\":\"c\",\"text\":\"hi\",\"message_id\":\"m\"}", 200,
	    "{\"success\":true}", METRIC_RECEIVED },
	{ "POST /webhook/chat2desk?a=b", "{\"client_id\":\"c\",\"text\":\"hi\",\"message_id\":\"m\"}", 200,
	    "{\"success\":true,\"duplicate\":true}", METRIC_DUPLICATES },
	{ "POST /webhook/chat2desk", "{\"hook_type\":\"outbox\",\"type\":\"to_client\"}", 200, "{\"success\":true}",
	    METRIC_IGNORED_OUTBOX },
	{ "POST /webhook/chat2desk", "{\"client_id\":1,\"text\":\"hi\"}", 400,
	    "{\"success\":false,\"error\":\"Missing required fields: message_id\"}", METRIC_REFUSED_MALFORMED },
	{ "POST /webhook/chat2desk", "hello", 400, "is not JSON", METRIC_REFUSED_MALFORMED },
	{ "POST /webhook/chat2desk", "", 400, "is not JSON", METRIC_REFUSED_MALFORMED },
	{ "GET /webhook/chat2desk", "", 405, "{\"success\":false,", METRIC_REFUSED_METHOD },
	{ "PUT /health", "", 405, "{\"success\":false,", METRIC_REFUSED_METHOD },
	{ "POST /webhook/chat2desk/", "{}", 404, "Not Found", METRIC_REFUSED_NOT_FOUND },
	{ "POST /webhook/chat2desk/secret", "{}", 404, "Not Found", METRIC_REFUSED_NOT_FOUND },
	{ "POST /webhook", "{}", 404, "Not Found", METRIC_REFUSED_NOT_FOUND },
	{ "GET /metrics", "", 404, "{\"success\":false,\"error\":\"Not Found\"}", METRIC_REFUSED_NOT_FOUND },
};

static void test_cases(void **state)
{
	struct service *s = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t before = metric_value(cases[i].counted);
		struct client_answer a;

		ask(s->public, cases[i].line, "", cases[i].body, &a);
		if (a.status != cases[i].status || strstr(a.body, cases[i].answer) == NULL)
			fail_msg("%s %s: %d %s", cases[i].line, cases[i].body, a.status, a.body);
		if (metric_value(cases[i].counted) != before + 1)
			fail_msg("%s %s was not counted", cases[i].line, cases[i].body);
		if (a.status == 405)
			assert_non_null(strstr(a.head, "\r\nAllow: "));
		assert_non_null(strstr(a.head, "Content-Type: application/json"));
	}
	assert_true(fake_store_has("m", "c", "hi"));
}

static void test_too_large(void **state)
{
	struct service *s = *state;
	int64_t before = metric_value(METRIC_REFUSED_TOO_LARGE);
	struct client_answer a;

	client_ask(http_port(s->public),
	    SLICE("POST /webhook/chat2desk HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n"), &a);
	assert_int_equal(a.status, 413);
	assert_int_equal(metric_value(METRIC_REFUSED_TOO_LARGE), before + 1);
}

/* ---- signature and path ------------------------------------------------------------------------------- */

#define EVENT "{\"hook_type\":\"outbox\"}"

static const struct {
	int policy;
	const char *timestamp; /* NULL: unsigned; "wrong": a signature that is wrong */
	int status;
} signatures[] = {
	{ SIGNATURE_OFF, NULL, 200 },
	{ SIGNATURE_OFF, "wrong", 200 },
	{ SIGNATURE_IF_PRESENT, NULL, 200 },
	{ SIGNATURE_IF_PRESENT, "1743681006", 200 },
	{ SIGNATURE_IF_PRESENT, "wrong", 401 },
	{ SIGNATURE_REQUIRED, NULL, 401 },
	{ SIGNATURE_REQUIRED, "1743681006", 200 },
	{ SIGNATURE_REQUIRED, "wrong", 401 },
};

static void test_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(signatures); i++) {
		struct service *s = start(signatures[i].policy, NULL);
		char headers[256] = "", signature[C2D_SIGNATURE_SIZE];
		struct c2d_keys keys;
		struct client_answer a;

		c2d_keys_make(&keys, NULL, "md5_api_token");
		if (signatures[i].timestamp != NULL) {
			c2d_signature_make(&keys, SLICE(EVENT), SLICE("1743681006"), signature);
			(void)snprintf(headers, sizeof headers, "x-signature: %s\r\nX-TIMESTAMP: %s\r\n", signature,
			    signatures[i].timestamp);
		}
		ask(s->public, "POST /webhook/chat2desk", headers, EVENT, &a);
		if (a.status != signatures[i].status)
			fail_msg("case %zu: %d", i, a.status);
		stop(s);
	}
}

static void test_required_without_a_key(void **state)
{
	struct settings settings = { .signature = SIGNATURE_REQUIRED, .store_timeout_ms = 100 };
	struct intake *intake = NULL;
	struct why why;

	(void)state;
	assert_int_equal(intake_start(&settings, NULL, NULL, &intake, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "CHAT2DESK_API_TOKEN"));
	assert_null(intake);
}

static void test_path_secret(void **state)
{
	static const struct {
		const char *line;
		int status;
	} paths[] = { { "POST /webhook/chat2desk/s3cret", 200 }, { "POST /webhook/chat2desk/s3cret/", 404 },
		{ "POST /webhook/chat2desk/s3cres", 404 }, { "POST /webhook/chat2desk/", 404 },
		{ "POST /webhook/chat2desk", 404 }, { "GET /webhook/chat2desk", 404 },
		{ "GET /webhook/chat2desk/s3cret", 405 } };
	struct service *s = start(SIGNATURE_OFF, "s3cret");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct client_answer a;

		ask(s->public, paths[i].line, "", EVENT, &a);
		if (a.status != paths[i].status)
			fail_msg("%s: %d", paths[i].line, a.status);
	}
	stop(s);
}

/* ---- in parallel -------------------------------------------------------------------------------------- */

struct poster {
	struct service *service;
	pthread_t thread;
	int id;
	struct client_answer answer;
};

static void *post_one(void *context)
{
	struct poster *p = context;

	post_message(p->service, p->id, &p->answer);
	return NULL;
}

static void start_posters(struct service *s, struct poster *p, size_t n, int first_id, int step)
{
	for (size_t i = 0; i < n; i++) {
		p[i].service = s;
		p[i].id = first_id + (int)i * step;
		assert_int_equal(pthread_create(&p[i].thread, NULL, post_one, &p[i]), 0);
	}
}

static void join_posters(struct poster *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_join(p[i].thread, NULL), 0);
}

static void test_fifty_duplicates_at_once(void **state)
{
	enum { N = 50 };
	struct poster *p = mem_alloc(N * sizeof *p);
	size_t first = 0;

	start_posters(*state, p, N, 7, 0);
	join_posters(p, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(p[i].answer.status, 200);
		first += strstr(p[i].answer.body, "duplicate") == NULL;
	}
	assert_int_equal(first, 1);
	assert_int_equal(fake_store_messages(), 1);
	free(p);
}

/* Those that arrive while an add is under way are stored together by the next one. */
static void test_a_batch_gathers(void **state)
{
	enum { N = 20 };
	struct service *s = *state;
	struct poster *p = mem_alloc((N + 1) * sizeof *p);
	int64_t until = clock_mono_ms() + STORE_TIMEOUT_MS / 4;
	struct client_answer a;

	fake_store_hang(true);
	start_posters(s, p, 1, 100, 1);
	fake_store_wait_hanging();
	start_posters(s, p + 1, N, 101, 1);
	do
		ask(s->public, "GET /", "", "", &a); /* the listener stays responsive meanwhile */
	while (clock_mono_ms() < until);
	assert_int_equal(a.status, 200);
	fake_store_hang(false);
	join_posters(p, N + 1);
	for (size_t i = 0; i <= N; i++)
		assert_int_equal(p[i].answer.status, 200);
	assert_int_equal(fake_store_messages(), N + 1);
	assert_true(fake_store_largest_batch() > 1);
	free(p);
}

/* ---- trouble ------------------------------------------------------------------------------------------ */

static void test_hanging_store(void **state)
{
	enum { N = 10 };
	struct service *s = *state;
	struct poster *p = mem_alloc(N * sizeof *p);
	int64_t from = clock_mono_ms();
	struct client_answer a;

	fake_store_hang(true);
	start_posters(s, p, 1, 1, 1);
	fake_store_wait_hanging();
	start_posters(s, p + 1, N - 1, 2, 1);
	join_posters(p, N);
	assert_in_range(clock_mono_ms() - from, STORE_TIMEOUT_MS / 2, 2 * STORE_TIMEOUT_MS);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(p[i].answer.status, 503);
		assert_non_null(strstr(p[i].answer.head, "\r\nRetry-After: "));
	}
	ask(s->public, "GET /health", "", "", &a);
	assert_int_equal(a.status, 503);
	fake_store_hang(false);
	post_message(s, 50, &a);
	assert_int_equal(a.status, 200);
	ask(s->public, "GET /health", "", "", &a);
	assert_int_equal(a.status, 200);
	free(p);
}

static void test_failing_store(void **state)
{
	struct service *s = *state;
	struct client_answer a;

	fake_store_fail(ERR_NO_SPACE);
	post_message(s, 1, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.body, err_text(ERR_NO_SPACE)));
	fake_store_fail(ERR_OK);
	post_message(s, 1, &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.body, "duplicate"));
}

/* Health's own people learn where the trouble is; who posts a webhook does not. */
static void test_store_says_why(void **state)
{
	static const char sentence[] = "PostgreSQL: relation \"orders\" does not exist: put it back";
	struct service *s = *state;
	struct health_view view;
	struct client_answer a;

	fake_store_say(sentence);
	fake_store_fail_adds(ERR_UNREACHABLE);
	post_message(s, 1, &a);
	assert_int_equal(a.status, 503);
	assert_null(strstr(a.body, "orders"));
	health_look(s->health, &view);
	assert_false(view.check[HEALTH_STORE].ok);
	assert_string_equal(view.check[HEALTH_STORE].reason, sentence);
}

/* What the counts fail of is told while nothing else says what is wrong. */
static void test_counts_say_why(void **state)
{
	static const char sentence[] = "Redis at 127.0.0.1:6379: WRONGTYPE";
	int64_t until = clock_mono_ms() + CLIENT_PATIENCE_MS;
	struct service *s = *state;
	struct health_view view;

	fake_store_say(sentence);
	fake_store_fail(ERR_IO);
	do
		health_look(s->health, &view);
	while (view.check[HEALTH_STORE].ok && clock_mono_ms() < until);
	assert_string_equal(view.check[HEALTH_STORE].reason, sentence);
}

/* That others can use the store, or that nobody tries, is no sign that messages can be stored. */
static void test_only_intake_clears_its_trouble(void **state)
{
	struct service *s = *state;
	const struct timespec longer_than_a_try = { .tv_sec = 6 };
	struct client_answer a;

	fake_store_fail_adds(ERR_IO);
	post_message(s, 1, &a);
	health_set(s->health, HEALTH_BY_TAKE, true, "");
	health_set(s->health, HEALTH_BY_KEEP, true, "");
	(void)nanosleep(&longer_than_a_try, NULL);
	ask(s->public, "GET /health", "", "", &a);
	assert_int_equal(a.status, 503);
	fake_store_fail_adds(ERR_OK);
	post_message(s, 2, &a);
	ask(s->public, "GET /health", "", "", &a);
	assert_int_equal(a.status, 200);
}

/* The other way round: one source's success takes nothing back of another's. */
static void test_sources_are_apart(void **state)
{
	struct service *s = *state;
	struct health_view view;

	health_set(s->health, HEALTH_BY_FINISH, false, "first");
	health_set(s->health, HEALTH_BY_KEEP, false, "second");
	health_set(s->health, HEALTH_BY_KEEP, true, "");
	health_set(s->health, HEALTH_BY_TAKE, true, "");
	health_look(s->health, &view);
	assert_false(view.healthy);
	assert_string_equal(view.check[HEALTH_STORE].reason, "first");
	health_set(s->health, HEALTH_BY_FINISH, true, "");
	health_look(s->health, &view);
	assert_true(view.healthy && view.check[HEALTH_STORE].ok && view.check[HEALTH_STORE].since_ms == 0);
}

/* Health recovers although no new message comes: the one that failed is tried again, and is then stored. */
static void test_trouble_ends_by_itself(void **state)
{
	struct service *s = *state;
	const struct timespec pause = { .tv_nsec = 50000000 };
	int64_t until = clock_mono_ms() + CLIENT_PATIENCE_MS;
	struct client_answer a;

	fake_store_fail(ERR_IO);
	post_message(s, 1, &a);
	ask(s->public, "GET /health", "", "", &a);
	assert_int_equal(a.status, 503);
	fake_store_fail(ERR_OK);
	while (a.status != 200 && clock_mono_ms() < until) {
		(void)nanosleep(&pause, NULL);
		ask(s->public, "GET /health", "", "", &a);
	}
	assert_int_equal(a.status, 200);
	assert_true(fake_store_has("1", "1", "t1"));
	post_message(s, 1, &a);
	assert_non_null(strstr(a.body, "duplicate"));
}

static void test_unwritable(void **state)
{
	struct service *s = *state;
	struct client_answer a;

	intake_set_writable(s->routes.intake, ERR_NO_SPACE, "the disk is full: make room");
	post_message(s, 1, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.body, "the disk is full: make room"));
	post(s, EVENT, &a);
	assert_int_equal(a.status, 200);
	intake_set_writable(s->routes.intake, ERR_OK, NULL);
	post_message(s, 1, &a);
	assert_int_equal(a.status, 200);
}

static void test_draining(void **state)
{
	struct service *s = *state;
	struct client_answer a;

	intake_drain(s->routes.intake);
	post_message(s, 1, &a);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	assert_non_null(strstr(a.head, "Connection: close"));
	assert_int_equal(fake_store_messages(), 0);
}

/* The queue is bounded in messages and in bytes; what was put is stored all the same. */
static void test_full_queue(void **state)
{
	static const size_t sizes[] = { 0, C2D_TEXT_MAX };
	char *text = mem_alloc(C2D_TEXT_MAX);

	(void)state;
	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		struct adder *adder = NULL;
		struct pending *p = NULL;
		size_t n = 0;
		struct why why;

		fake_store_open();
		fake_store_hang(true);
		assert_int_equal(adder_start(NULL, NULL, 60000, &adder, &why), ERR_OK);
		do {
			char id[24];

			p = adder_new(adder);
			(void)snprintf(id, sizeof id, "%zu", n++);
			p->message.message_id = slice_copy(&p->arena, slice_of(id));
			p->message.client_id = SLICE("1");
			p->message.text = (struct slice){ text, sizes[k] };
			p->arrived_us = clock_mono_us();
		} while (adder_put(adder, p));
		adder_release(adder, p);
		assert_in_range(n, 64, ADDER_QUEUE_MAX + ADDER_BATCH_MAX + 1);
		fake_store_hang(false);
		adder_stop(&adder);
		assert_int_equal(fake_store_messages(), n - 1);
		fake_store_close();
	}
	free(text);
}

/* Too few for a batch of their own accord, and nobody says that no more will come. */
static void test_stop_stores_what_waits(void **state)
{
	enum { FEW_MESSAGES = 12 };
	struct adder *adder = NULL;
	struct why why;

	(void)state;
	fake_store_open();
	assert_int_equal(adder_start(NULL, NULL, 60000, &adder, &why), ERR_OK);
	for (int i = 0; i < FEW_MESSAGES; i++) {
		struct pending *p = adder_new(adder);
		char id[24];

		(void)snprintf(id, sizeof id, "%d", i);
		p->message.message_id = slice_copy(&p->arena, slice_of(id));
		p->arrived_us = clock_mono_us();
		assert_true(adder_put(adder, p));
	}
	assert_int_equal(fake_store_messages(), 0);
	adder_stop(&adder);
	assert_int_equal(fake_store_messages(), FEW_MESSAGES);
	fake_store_close();
}

/* ---- health and metrics ------------------------------------------------------------------------------- */

static json_t *health_of(struct http_server *server, int status)
{
	struct client_answer a;
	json_t *health;

	ask(server, "GET /health", "", "", &a);
	assert_int_equal(a.status, status);
	health = json_loadb(a.body, a.body_n, 0, NULL);
	assert_non_null(health);
	return health;
}

static void check_word(json_t *object, const char *name, const char *wanted)
{
	assert_string_equal(json_string_value(json_object_get(object, name)), wanted);
}

/* What the store adds: shown among the checks, told with its sentence, grave only where it says so. */
static void test_notes_of_the_store(void **state)
{
	struct service *s = *state;
	struct store_kept kept = { .durability = "everysec",
		.n_notes = 2,
		.notes = { { "redis", true, true, "" }, { "eviction", false, false, "maxmemory-policy drops keys" } } };
	json_t *health, *reasons;

	health_note(s->health, &kept);
	health = health_of(s->public, 200);
	check_word(health, "durability", "everysec");
	assert_true(json_is_true(json_object_get(json_object_get(health, "checks"), "redis")));
	assert_true(json_is_false(json_object_get(json_object_get(health, "checks"), "eviction")));
	reasons = json_object_get(health, "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	check_word(json_array_get(reasons, 0), "reason", "maxmemory-policy drops keys");
	assert_true(json_is_string(json_object_get(json_array_get(reasons, 0), "since")));
	json_decref(health);

	kept.notes[0] = (struct store_note){ "redis", false, true, "10.0.0.5:6379 does not answer" };
	health_note(s->health, &kept);
	health = health_of(s->public, 503);
	assert_int_equal(json_array_size(json_object_get(health, "reasons")), 2);
	json_decref(health);
	kept.n_notes = 0;
	health_note(s->health, &kept);
	json_decref(health_of(s->public, 200));
}

static void test_health(void **state)
{
	struct service *s = *state;
	json_t *health = health_of(s->public, 200), *reason;

	check_word(health, "status", "healthy");
	check_word(health, "durability", "unknown"); /* no round of the keeper has told yet */
	check_word(health, "version", VERSION);
	assert_true(json_is_true(json_object_get(json_object_get(health, "checks"), "store")));
	json_decref(health);

	health_set(s->health, HEALTH_BY_API, false, "the token was refused: set CHAT2DESK_API_TOKEN");
	health = health_of(s->admin, 200); /* told, but not grave */
	assert_true(json_is_false(json_object_get(json_object_get(health, "checks"), "api")));
	assert_true(json_is_true(json_object_get(json_object_get(health, "api"), "away")));
	assert_true(json_is_string(json_object_get(json_object_get(health, "api"), "since")));
	json_decref(health);

	health_set(s->health, HEALTH_BY_SPACE, false, "full \"disk\"");
	health = health_of(s->public, 503);
	check_word(health, "status", "unhealthy");
	assert_true(json_is_false(json_object_get(health, "writable")));
	assert_int_equal(json_array_size(json_object_get(health, "reasons")), 2);
	reason = json_array_get(json_object_get(health, "reasons"), 1);
	check_word(reason, "check", "disk");
	check_word(reason, "reason", "full \"disk\"");
	json_decref(health);

	health_set(s->health, HEALTH_BY_SPACE, true, NULL);
	health_set(s->health, HEALTH_BY_API, true, NULL);
	json_decref(health_of(s->public, 200));
}

/* The watcher brings the store's numbers within about a second. */
static void test_counts_arrive(void **state)
{
	struct service *s = *state;
	const struct store_counts counts = {
		.waiting = 3, .in_lanes = 4, .replies_waiting = 5, .oldest_waiting_ms = 1500
	};
	const struct timespec pause = { .tv_nsec = 20000000 };
	int64_t until = clock_mono_ms() + CLIENT_PATIENCE_MS, message = 0, outbox = 0;
	struct client_answer a;

	fake_store_set_counts(&counts);
	while (message != 7 && clock_mono_ms() < until) {
		json_t *health = health_of(s->public, 200);
		json_t *queues = json_object_get(json_object_get(health, "checks"), "queues");

		message = json_integer_value(json_object_get(queues, "message"));
		outbox = json_integer_value(json_object_get(queues, "outbox"));
		json_decref(health);
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(message, 7);
	assert_int_equal(outbox, 5);
	ask(s->admin, "GET /metrics", "", "", &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(a.body, "\nchat2order_messages{state=\"waiting\"} 3\n"));
	assert_non_null(strstr(a.body, "\nchat2order_oldest_waiting_seconds 1.500\n"));
	assert_non_null(strstr(a.body, "\nchat2order_webhook_received_total "));
}

static void test_pages(void **state)
{
	struct service *s = *state;
	struct client_answer a;

	ask(s->public, "GET /", "", "", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"name\":\"chat2order\",\"version\":\"" VERSION "\",\"status\":\"running\"}");
	client_ask(http_port(s->public), SLICE("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n"), &a);
	assert_int_equal(a.status, 200);
	ask(s->admin, "GET /", "", "", &a);
	assert_int_equal(a.status, 404);
	ask(s->admin, "POST /metrics", "", "", &a);
	assert_int_equal(a.status, 405);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cases),
		TEST(test_too_large),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_required_without_a_key),
		cmocka_unit_test(test_path_secret),
		TEST(test_fifty_duplicates_at_once),
		TEST(test_a_batch_gathers),
		TEST(test_hanging_store),
		TEST(test_failing_store),
		TEST(test_store_says_why),
		TEST(test_counts_say_why),
		TEST(test_only_intake_clears_its_trouble),
		TEST(test_sources_are_apart),
		TEST(test_trouble_ends_by_itself),
		TEST(test_unwritable),
		TEST(test_draining),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_stop_stores_what_waits),
		TEST(test_health),
		TEST(test_notes_of_the_store),
		TEST(test_counts_arrive),
		TEST(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
