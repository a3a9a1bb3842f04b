/* test_sender.c - the sender between an outbox in memory and a small API on a real socket. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "fake_outbox.h"
#include "service/sender.h"
#include "stub_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEEN_MAX = 4096 };

/* The API: answers as told, remembers in order whom it saw with what. */
struct api {
	pthread_mutex_t lock;
	struct stub_answer answer, info_answer;
	unsigned first_only;   /* answer holds for that many POSTs only, then all is well; 0: for all */
	const char *only_text; /* answer holds for messages with this text only */
	int delay_ms;
	unsigned posts, infos, under_way, most_under_way;
	struct {
		char client[32], text[64];
	} seen[SEEN_MAX];
	char head[sizeof((struct stub_request *)0)->head];
};

static const struct stub_answer well = { .status = 200,
	.body = "{\"status\":\"success\",\"data\":{\"message_id\":1}}" };

/* What stands between two marks; nothing if they are not there. */
static void between(const char *from, const char *before, const char *after, char *out, size_t size)
{
	const char *p = strstr(from, before), *end;

	if (p == NULL || (end = strstr(p + strlen(before), after)) == NULL)
		return;
	snprintf(out, size, "%.*s", (int)(end - p - (long)strlen(before)), p + strlen(before));
}

static void api_posted(struct api *api, const struct stub_request *request, struct stub_answer *ret)
{
	bool hit;
	unsigned i = api->posts++ % SEEN_MAX;

	between(request->body, "\"client_id\":", ",", api->seen[i].client, sizeof api->seen[i].client);
	between(request->body, "\"text\":\"", "\"", api->seen[i].text, sizeof api->seen[i].text);
	snprintf(api->head, sizeof api->head, "%s", request->head);
	hit = (api->first_only == 0 || api->posts <= api->first_only) &&
	      (api->only_text == NULL || strcmp(api->seen[i].text, api->only_text) == 0);
	*ret = hit ? api->answer : well;
}

static void serve_api(void *context, const struct stub_request *request, struct stub_answer *ret)
{
	struct api *api = context;
	int delay_ms;

	pthread_mutex_lock(&api->lock);
	if (strcmp(request->method, "GET") == 0 && strcmp(request->path, "/v1/companies/api_info") == 0) {
		api->infos++;
		*ret = api->info_answer;
	} else if (strcmp(request->method, "POST") == 0 && strcmp(request->path, "/v1/messages") == 0) {
		api_posted(api, request, ret);
	} else {
		*ret = (struct stub_answer){ .status = 400, .body = "" };
	}
	api->under_way++;
	if (api->under_way > api->most_under_way)
		api->most_under_way = api->under_way;
	delay_ms = api->delay_ms;
	pthread_mutex_unlock(&api->lock);
	if (delay_ms > 0)
		poll(NULL, 0, delay_ms);
	pthread_mutex_lock(&api->lock);
	api->under_way--;
	pthread_mutex_unlock(&api->lock);
}

/* All that a test needs, and what health was told. */
struct stage {
	struct store outbox;
	struct api api;
	struct stub_server *server;
	struct settings settings;
	struct sender *sender;
	char url[64];
	pthread_mutex_t lock;
	unsigned reports;
	bool ok;
	char reason[256];
	int64_t metric[METRIC_COUNT];
};

static void hear(void *context, bool ok, const char *reason)
{
	struct stage *t = context;

	pthread_mutex_lock(&t->lock);
	t->reports++;
	t->ok = ok;
	snprintf(t->reason, sizeof t->reason, "%s", reason);
	pthread_mutex_unlock(&t->lock);
}

static int set_up(void **state)
{
	struct stage *t = mem_alloc(sizeof *t);

	outbox_open(&t->outbox);
	pthread_mutex_init(&t->api.lock, NULL);
	pthread_mutex_init(&t->lock, NULL);
	t->api.answer = t->api.info_answer = well;
	t->ok = true;
	t->server = stub_start(0, serve_api, &t->api);
	snprintf(t->url, sizeof t->url, "http://127.0.0.1:%u/v1/", stub_port(t->server));
	t->settings = (struct settings){ .api_url = t->url,
		.api_token = " Bearer 0123456789abcdef\n",
		.send_timeout_ms = 2000,
		.send_concurrency = 8,
		.send_attempts = 3,
		.lease_ms = 10000,
		.drain_ms = 5000 };
	for (int i = 0; i < METRIC_COUNT; i++)
		t->metric[i] = metric_value((enum metric)i);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *t = *state;

	sender_stop(&t->sender);
	if (t->server != NULL)
		stub_stop(&t->server);
	outbox_close(&t->outbox);
	free(t);
	return 0;
}

static void start(struct stage *t)
{
	struct why why;

	assert_int_equal(sender_start(&t->settings, &t->outbox, hear, t, &t->sender, &why), ERR_OK);
}

static int64_t counted(const struct stage *t, enum metric m)
{
	return metric_value(m) - t->metric[m];
}

/* Counted once the store has taken an outcome, a moment after the test sees it there. */
static void wait_counted(const struct stage *t, enum metric m, int64_t n)
{
	int64_t end_ms = clock_mono_ms() + 20000;

	while (counted(t, m) < n && clock_mono_ms() < end_ms)
		poll(NULL, 0, 2);
	assert_int_equal(counted(t, m), n);
}

static void put_many(struct stage *t, unsigned clients, unsigned each)
{
	for (unsigned i = 0; i < each; i++)
		for (unsigned c = 0; c < clients; c++) {
			char client[16], text[16];

			snprintf(client, sizeof client, "%u", 100 + c);
			snprintf(text, sizeof text, "%u", i);
			outbox_put(&t->outbox, client, text);
		}
}

/* Waits until the number at n, guarded by lock, is at least least. */
static void wait_for(pthread_mutex_t *lock, const unsigned *n, unsigned least)
{
	int64_t end_ms = clock_mono_ms() + 20000;
	unsigned value;

	do {
		poll(NULL, 0, 2);
		pthread_mutex_lock(lock);
		value = *n;
		pthread_mutex_unlock(lock);
	} while (value < least && clock_mono_ms() < end_ms);
	if (value < least)
		fail_msg("waited 20 s for %u, got %u", least, value);
}

/* Waits until health was told so many things, and says whether the last was good. */
static bool well_after(struct stage *t, unsigned reports)
{
	bool ok;

	wait_for(&t->lock, &t->reports, reports);
	pthread_mutex_lock(&t->lock);
	ok = t->ok && t->reports == reports;
	pthread_mutex_unlock(&t->lock);
	return ok;
}

static void test_lone_reply(void **state)
{
	struct stage *t = *state;
	struct outbox_row row;

	start(t);
	outbox_put(&t->outbox, "12568", "hello");
	outbox_wait_settled(&t->outbox);
	row = outbox_row(&t->outbox, 0);
	assert_int_equal(row.accepted, 1);
	assert_true(row.posted_ms > 0 && row.posted_ms <= clock_wall_ms());
	assert_int_equal(t->api.posts, 1);
	assert_string_equal(t->api.seen[0].client, "12568");
	assert_non_null(strstr(t->api.head, "\r\nAuthorization: 0123456789abcdef\r\n"));
	wait_counted(t, METRIC_REPLIES_SENT, 1);
	assert_int_equal(counted(t, METRIC_API_CALLS), 1);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 0);
	assert_int_equal(t->reports, 0);
}

static void test_order_and_bounds(void **state)
{
	struct stage *t = *state;
	unsigned next[20] = { 0 };

	put_many(t, 20, 20);
	start(t);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(t->api.posts, 400);
	for (unsigned i = 0; i < 400; i++) {
		unsigned client = (unsigned)atoi(t->api.seen[i].client) - 100;

		assert_int_equal(atoi(t->api.seen[i].text), next[client]);
		next[client]++;
	}
	assert_true(t->api.most_under_way <= 8);
	assert_true(t->outbox.claimed_most <= 16);
	assert_true(t->outbox.sent_calls < 400);
}

static void test_taken_from_worker(void **state)
{
	struct stage *t = *state;
	struct store_replies replies = { 0 };

	outbox_put(&t->outbox, "1", "a");
	assert_int_equal(store_claim(&t->outbox, 1, 0, &replies), ERR_OK);
	start(t);
	assert_int_equal(sender_room(t->sender), 16);
	sender_take(t->sender, &replies);
	assert_int_equal(replies.n, 0);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).accepted, 1);
}

static void test_own_failure_is_retried(void **state)
{
	struct stage *t = *state;
	struct outbox_row row;

	t->api.answer = (struct stub_answer){ .status = 200, .body = "{\"status\":\"error\",\"message\":\"odd\"}" };
	t->api.first_only = 1;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	row = outbox_row(&t->outbox, 0);
	assert_int_equal(row.retried, 1);
	assert_int_equal(row.accepted, 1);
	wait_counted(t, METRIC_REPLIES_RETRIED, 1);
	assert_int_equal(t->reports, 0);
}

static void test_attempts_end(void **state)
{
	struct stage *t = *state;
	struct outbox_row row;

	t->settings.send_attempts = 2;
	t->api.answer = (struct stub_answer){ .status = 200, .body = "{\"status\":\"error\",\"message\":\"odd\"}" };
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	row = outbox_row(&t->outbox, 0);
	assert_int_equal(row.state, OUTBOX_DEAD);
	assert_int_equal(row.retried, 1);
	assert_string_equal(row.reason, "Chat2Desk answered 200: odd");
	wait_counted(t, METRIC_REPLIES_DEAD, 1);
}

/* Nobody can know of the last attempt either: people who retry it by hand are to see that. */
static void test_dead_after_doubt_is_doubtful(void **state)
{
	struct stage *t = *state;

	t->settings.send_attempts = 1;
	t->api.answer = (struct stub_answer){ .status = 500, .body = "" };
	t->api.first_only = 1;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).state, OUTBOX_DEAD);
	assert_true(outbox_row(&t->outbox, 0).doubtful);
}

/* A page that is not Chat2Desk's is no acceptance: nothing is lost, health says what to look at. */
static void test_a_strangers_answer_is_no_acceptance(void **state)
{
	struct stage *t = *state;

	t->api.answer = (struct stub_answer){ .status = 200, .body = "<html>Welcome</html>" };
	t->api.first_only = 3;
	t->settings.send_concurrency = 1;
	put_many(t, 6, 1);
	start(t);
	assert_false(well_after(t, 1));
	assert_non_null(strstr(t->reason, "CHAT2DESK_API_URL"));
	outbox_wait_settled(&t->outbox);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(outbox_row(&t->outbox, i).accepted, 1);
		assert_int_equal(outbox_row(&t->outbox, i).attempt, 1);
	}
	assert_int_equal(t->api.posts, 9);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 3);
}

/* One client's refused message is dead at once, and nobody else's trouble. */
static void test_rejected_is_dead(void **state)
{
	struct stage *t = *state;

	t->api.answer = (struct stub_answer){ .status = 400,
		.body = "{\"status\":\"error\",\"errors\":{\"client\":[\"not there\"]}}" };
	t->api.only_text = "bad";
	outbox_put(&t->outbox, "1", "bad");
	outbox_put(&t->outbox, "2", "good");
	outbox_put(&t->outbox, "1", "next");
	start(t);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).state, OUTBOX_DEAD);
	assert_non_null(strstr(outbox_row(&t->outbox, 0).reason, "not there"));
	assert_int_equal(outbox_row(&t->outbox, 1).state, OUTBOX_ACCEPTED);
	assert_int_equal(outbox_row(&t->outbox, 2).state, OUTBOX_ACCEPTED);
	assert_int_equal(t->api.posts, 3);
	assert_int_equal(t->reports, 0);
}

static void test_rate_limit_pauses(void **state)
{
	struct stage *t = *state;
	int64_t began = clock_mono_ms();

	t->api.answer = (struct stub_answer){ .status = 429, .body = "", .extra = "Retry-After: 1\r\n" };
	t->api.first_only = 4;
	t->settings.send_concurrency = 4;
	put_many(t, 30, 1);
	start(t);
	outbox_wait_settled(&t->outbox);
	assert_true(clock_mono_ms() - began >= 1000);
	assert_int_equal(t->api.posts, 34);
	for (size_t i = 0; i < 30; i++) {
		assert_int_equal(outbox_row(&t->outbox, i).accepted, 1);
		assert_int_equal(outbox_row(&t->outbox, i).attempt, 1);
		assert_false(outbox_row(&t->outbox, i).doubtful);
	}
	assert_int_equal(counted(t, METRIC_API_429), 4);
	assert_true(well_after(t, 2));
}

/* Nobody listens: away at once; back within seconds; nothing is spent. */
static void test_away_and_back(void **state)
{
	struct stage *t = *state;
	uint16_t port = stub_port(t->server);

	stub_stop(&t->server);
	put_many(t, 20, 2);
	start(t);
	assert_false(well_after(t, 1));
	assert_non_null(strstr(t->reason, "no answer"));
	assert_int_equal(sender_stalled_ms(t->sender), 0);
	assert_int_equal(sender_room(t->sender), 0);
	assert_int_equal(metric_value(METRIC_API_AWAY), 1);
	t->server = stub_start(port, serve_api, &t->api);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(t->api.posts, 40);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(outbox_row(&t->outbox, i).attempt, 1);
	assert_true(well_after(t, 2));
	assert_int_equal(metric_value(METRIC_API_AWAY), 0);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 0);
}

/* 500 for everybody: the second client confirms; each probe meets another one. */
static void test_500_for_all(void **state)
{
	struct stage *t = *state;
	unsigned same = 0;

	t->api.answer = (struct stub_answer){ .status = 500, .body = "" };
	t->api.first_only = 4;
	t->settings.send_concurrency = 2;
	put_many(t, 6, 1);
	start(t);
	outbox_wait_settled(&t->outbox);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(outbox_row(&t->outbox, i).attempt, 1);
		assert_int_equal(outbox_row(&t->outbox, i).accepted, 1);
	}
	assert_int_equal(t->api.posts, 10);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < i; k++)
			same += strcmp(t->api.seen[i].client, t->api.seen[k].client) == 0;
	assert_int_equal(same, 0);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 4);
	assert_true(well_after(t, 2));
}

/* 500 for one message only: others get through, it spends attempts, and the API is not away. */
static void test_500_for_one(void **state)
{
	struct stage *t = *state;

	t->api.answer = (struct stub_answer){ .status = 500, .body = "" };
	t->api.only_text = "bad";
	outbox_put(&t->outbox, "1", "bad");
	for (int i = 0; i < 10; i++)
		outbox_put(&t->outbox, "2", "good");
	start(t);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).state, OUTBOX_DEAD);
	assert_int_equal(outbox_row(&t->outbox, 0).retried, 2);
	assert_int_equal(outbox_row(&t->outbox, 10).state, OUTBOX_ACCEPTED);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 2);
	assert_int_equal(t->reports, 0);
}

/* The only reply fails: api_info is asked, says all is well, so the failure was its own. */
static void test_alone_and_api_works(void **state)
{
	struct stage *t = *state;

	t->api.answer = (struct stub_answer){ .how = STUB_CUT, .body = "" };
	t->api.first_only = 1;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).retried, 1);
	assert_int_equal(outbox_row(&t->outbox, 0).accepted, 1);
	assert_int_equal(t->api.infos, 1);
	assert_int_equal(t->outbox.rate_calls, 1);
	assert_int_equal(counted(t, METRIC_API_CALLS), 3);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 1);
	assert_int_equal(t->reports, 0);
}

static void test_alone_and_api_away(void **state)
{
	struct stage *t = *state;

	t->api.answer = t->api.info_answer = (struct stub_answer){ .status = 401, .body = "" };
	t->api.first_only = 1;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	assert_false(well_after(t, 1));
	assert_non_null(strstr(t->reason, "401"));
	outbox_wait_settled(&t->outbox);
	assert_int_equal(outbox_row(&t->outbox, 0).retried, 0);
	assert_int_equal(outbox_row(&t->outbox, 0).back - outbox_row(&t->outbox, 0).back_unused, 1);
	assert_true(well_after(t, 2));
}

/* Accepted, but the connection breaks before we are told: posted again, and counted. */
static void test_accepted_but_cut(void **state)
{
	struct stage *t = *state;

	t->api.answer = (struct stub_answer){ .how = STUB_CUT, .body = "" };
	t->api.only_text = "0";
	t->api.first_only = 1;
	put_many(t, 3, 2);
	start(t);
	outbox_wait_settled(&t->outbox);
	assert_int_equal(t->api.posts, 7);
	assert_int_equal(counted(t, METRIC_MAYBE_DOUBLED), 1);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(outbox_row(&t->outbox, i).accepted, 1);
}

/* While the store refuses, an outcome is kept, not posted again. */
static void test_store_away(void **state)
{
	struct stage *t = *state;

	t->outbox.fail_sent = 3;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	assert_int_equal(t->api.posts, 1);
	assert_int_equal(t->outbox.sent_calls, 4);
}

static void test_stale_claim_is_not_posted(void **state)
{
	struct stage *t = *state;
	unsigned waiting = 0;

	t->settings.send_concurrency = 1;
	t->settings.lease_ms = 300;
	t->api.delay_ms = 600;
	put_many(t, 3, 1);
	start(t);
	outbox_wait_settled(&t->outbox);
	for (size_t i = 0; i < 3; i++)
		waiting += outbox_row(&t->outbox, i).back_unused;
	assert_true(waiting >= 1);
	assert_int_equal(t->api.posts, 3);
}

/* A suspicion that nothing can confirm ends before the claim's lease does, which is its POST's time and LEASE_MS. */
static void test_suspicion_ends_before_the_lease(void **state)
{
	struct stage *t = *state;
	int64_t began = clock_mono_ms();

	t->settings.lease_ms = 1000;
	t->settings.send_timeout_ms = 200;
	t->settings.send_attempts = 1;
	t->api.answer = (struct stub_answer){ .status = 401, .body = "" };
	t->outbox.rate = ERR_AGAIN;
	start(t);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	assert_true(clock_mono_ms() - began < 1200);
	assert_int_equal(outbox_row(&t->outbox, 0).state, OUTBOX_DEAD);
}

static void wait_stalled(struct stage *t)
{
	int64_t end_ms = clock_mono_ms() + 20000;

	while (sender_stalled_ms(t->sender) == 0 && clock_mono_ms() < end_ms)
		poll(NULL, 0, 2);
	assert_true(sender_stalled_ms(t->sender) > 0);
}

/* Outcomes that the store does not take are overdue, and no longer once it does. */
static void test_stalled_outcomes(void **state)
{
	struct stage *t = *state;

	t->settings.send_timeout_ms = 200;
	t->outbox.fail_sent = 1000000;
	start(t);
	assert_int_equal(sender_stalled_ms(t->sender), 0);
	outbox_put(&t->outbox, "1", "a");
	wait_stalled(t);
	pthread_mutex_lock(&t->outbox.lock);
	t->outbox.fail_sent = 0;
	pthread_mutex_unlock(&t->outbox.lock);
	outbox_wait_settled(&t->outbox);
	wait_counted(t, METRIC_REPLIES_SENT, 1);
	assert_int_equal(sender_stalled_ms(t->sender), 0);
}

static void test_stalled_claims(void **state)
{
	struct stage *t = *state;

	t->outbox.claim = ERR_IO;
	start(t);
	wait_stalled(t);
	pthread_mutex_lock(&t->outbox.lock);
	t->outbox.claim = ERR_OK;
	pthread_mutex_unlock(&t->outbox.lock);
	outbox_put(&t->outbox, "1", "a");
	outbox_wait_settled(&t->outbox);
	assert_int_equal(sender_stalled_ms(t->sender), 0);
}

/* Runs until all is settled, and gives what was logged meanwhile. */
static void run_logged(struct stage *t, char *log, size_t size)
{
	int ends[2], kept = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_setup(LOG_DEBUG, LOG_AS_JSON, false);
	start(t);
	outbox_wait_settled(&t->outbox);
	sender_stop(&t->sender);
	log_setup(LOG_ERROR, LOG_AS_TEXT, false);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	(void)close(ends[1]);
	n = read(ends[0], log, size - 1);
	log[n > 0 ? n : 0] = '\0';
	(void)close(ends[0]);
}

/* The line names turn, message and client; what Chat2Desk repeated of the customer's words stays out of it. */
static void test_log_of_outcomes(void **state)
{
	struct stage *t = *state;
	char log[8192];

	t->api.answer = (struct stub_answer){ .status = 400,
		.body =
		    "{\"status\":\"error\",\"message\":\"12 Main street\",\"errors\":{\"text\":[\"+996700123456\"]}}" };
	t->api.only_text = "bad";
	outbox_put(&t->outbox, "71", "bad");
	outbox_put(&t->outbox, "72", "good");
	run_logged(t, log, sizeof log);
	assert_non_null(strstr(log,
	    "\"level\":\"warn\",\"event\":\"reply is a dead letter\",\"turn\":\"t-0\",\"message\":\"m-0\",\"client\":\"71\","
	    "\"attempt\":1,\"reason\":\"Chat2Desk answered 400: text\",\"answer\":\"("));
	assert_non_null(strstr(log,
	    "\"level\":\"debug\",\"event\":\"reply accepted\",\"turn\":\"t-1\",\"message\":\"m-1\",\"client\":\"72\""));
	assert_null(strstr(log, "Main street"));
	assert_null(strstr(log, "996700123456"));
	assert_non_null(strstr(outbox_row(&t->outbox, 0).reason, "12 Main street"));
}

/* A stop lets the POST under way end and gives back what was not posted. */
static void test_drain(void **state)
{
	struct stage *t = *state;

	t->settings.send_concurrency = 1;
	t->api.delay_ms = 300;
	put_many(t, 5, 1);
	start(t);
	wait_for(&t->api.lock, &t->api.posts, 1);
	sender_stop(&t->sender);
	assert_int_equal(t->api.posts, 1);
	assert_int_equal(outbox_row(&t->outbox, 0).accepted, 1);
	for (size_t i = 0; i < 5; i++)
		assert_int_not_equal(outbox_row(&t->outbox, i).state, OUTBOX_CLAIMED);
	assert_int_equal(t->reports, 0);
}

/* What hangs longer than the drain may take is cut, and given back as doubtful. */
static void test_drain_is_bounded(void **state)
{
	struct stage *t = *state;
	int64_t began;

	t->settings.drain_ms = 200;
	t->settings.send_timeout_ms = 60000;
	t->api.answer = (struct stub_answer){ .how = STUB_HANG, .body = "" };
	put_many(t, 5, 1);
	start(t);
	wait_for(&t->api.lock, &t->api.posts, 5);
	began = clock_mono_ms();
	sender_stop(&t->sender);
	assert_true(clock_mono_ms() - began < 3000);
	for (size_t i = 0; i < 5; i++) {
		struct outbox_row row = outbox_row(&t->outbox, i);

		assert_int_equal(row.state, OUTBOX_WAITING);
		assert_int_equal(row.back, 1);
		assert_true(row.doubtful);
	}
}

#define SENDER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SENDER_TEST(test_lone_reply),
		SENDER_TEST(test_order_and_bounds),
		SENDER_TEST(test_taken_from_worker),
		SENDER_TEST(test_own_failure_is_retried),
		SENDER_TEST(test_attempts_end),
		SENDER_TEST(test_dead_after_doubt_is_doubtful),
		SENDER_TEST(test_a_strangers_answer_is_no_acceptance),
		SENDER_TEST(test_rejected_is_dead),
		SENDER_TEST(test_rate_limit_pauses),
		SENDER_TEST(test_away_and_back),
		SENDER_TEST(test_500_for_all),
		SENDER_TEST(test_500_for_one),
		SENDER_TEST(test_alone_and_api_works),
		SENDER_TEST(test_alone_and_api_away),
		SENDER_TEST(test_accepted_but_cut),
		SENDER_TEST(test_store_away),
		SENDER_TEST(test_stale_claim_is_not_posted),
		SENDER_TEST(test_suspicion_ends_before_the_lease),
		SENDER_TEST(test_stalled_outcomes),
		SENDER_TEST(test_stalled_claims),
		SENDER_TEST(test_log_of_outcomes),
		SENDER_TEST(test_drain),
		SENDER_TEST(test_drain_is_bounded),
	};

	log_setup(LOG_ERROR, LOG_AS_TEXT, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
