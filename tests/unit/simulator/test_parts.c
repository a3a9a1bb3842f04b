/* test_parts.c - the simulator's parts that need no socket: ids, customers, ring, webhooks, faults, timers. */
#include "base/buf.h"
#include "base/clock.h"
#include "simulator/customers.h"
#include "simulator/faults.h"
#include "simulator/hooks.h"
#include "simulator/ring.h"
#include "simulator/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a folder for each test --------------------------------------------------------------------------- */

static int make_folder(void **state)
{
	char path[] = "/tmp/chat2order-test-XXXXXX";

	if (mkdtemp(path) == NULL)
		return -1;
	*state = mem_text(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	return remove(path);
}

static int remove_folder(void **state)
{
	int failed = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return failed;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "a");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* ---- ids ------------------------------------------------------------------------------------------------ */

static void ids_go_on_behind_the_mark(void **state)
{
	int64_t last = 0;

	/* Never closed well: as if the process had been killed each time. */
	for (int start = 0; start < 3; start++) {
		struct sim_ids ids;

		assert_int_equal(sim_ids_open(&ids, *state, NULL), ERR_OK);
		for (int i = 0; i < 25000; i++) {
			int64_t id;

			assert_int_equal(sim_ids_ensure(&ids, 3, NULL), ERR_OK);
			id = sim_ids_take(&ids);
			assert_true(id > last);
			last = id;
		}
		free(ids.path);
	}
	assert_true(last > INT64_C(5000000000));
}

static void ids_are_refused_when_they_cannot_be_kept(void **state)
{
	struct sim_ids ids;
	struct why why = { "" };
	char path[256];

	assert_int_equal(sim_ids_open(&ids, *state, NULL), ERR_OK);
	(void)snprintf(path, sizeof path, "%s/ids.new", (char *)*state);
	assert_int_equal(mkdir(path, 0700), 0); /* in the place of the file to be written */
	assert_int_equal(sim_ids_ensure(&ids, 100000, &why), ERR_IO);
	assert_non_null(strstr(why.text, "can't write"));
	assert_int_equal(sim_ids_ensure(&ids, 1, NULL), ERR_OK); /* what was made sure of stays */
	sim_ids_close(&ids);
}

static void ids_of_a_spoilt_file_are_refused(void **state)
{
	static const char *const texts[] = { "", "x\n", "-5\n", "7\n", "99999999999999999999\n" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct sim_ids ids;
		struct why why = { "" };
		char path[256];

		(void)snprintf(path, sizeof path, "%s/ids", (char *)*state);
		(void)unlink(path);
		write_file(*state, "ids", texts[i]);
		assert_int_equal(sim_ids_open(&ids, *state, &why), ERR_INVALID);
		assert_non_null(strstr(why.text, "Remove it"));
		sim_ids_close(&ids);
	}
}

/* ---- customers ------------------------------------------------------------------------------------------ */

static int64_t get(struct sim_customers *customers, struct sim_ids *ids, const char *name, const char *transport,
    const char *phone, bool *ret_new)
{
	struct sim_customer *c = NULL;

	assert_int_equal(sim_ids_ensure(ids, 3, NULL), ERR_OK);
	assert_int_equal(
	    sim_customers_get(customers, ids,
		&(struct sim_customer_wish){ .name = name, .transport = transport, .phone = phone }, &c, ret_new, NULL),
	    ERR_OK);
	return c->id;
}

static void customers_outlive_a_torn_line(void **state)
{
	struct sim_customers customers;
	struct sim_ids ids;
	int64_t alice, bob;
	bool is_new;

	assert_int_equal(sim_ids_open(&ids, *state, NULL), ERR_OK);
	assert_int_equal(sim_customers_open(&customers, *state, NULL), ERR_OK);
	alice = get(&customers, &ids, "Alice \"A\" Łuk", "telegram", NULL, &is_new);
	assert_true(is_new);
	sim_customers_close(&customers);
	write_file(*state, "customers.jsonl", "{\"id\":12,\"na");

	assert_int_equal(sim_customers_open(&customers, *state, NULL), ERR_OK);
	bob = get(&customers, &ids, "Bob", "whatsapp", "+996555123456", &is_new);
	sim_customers_close(&customers);

	assert_int_equal(sim_customers_open(&customers, *state, NULL), ERR_OK);
	assert_int_equal(customers.n, 2);
	assert_int_equal(get(&customers, &ids, "Alice \"A\" Łuk", "telegram", "", &is_new), alice);
	assert_false(is_new);
	assert_int_equal(get(&customers, &ids, "Robert", "whatsapp", "+996555123456", &is_new), bob);
	assert_false(is_new);
	assert_string_equal(sim_customers_find(&customers, bob)->name, "Bob");
	assert_null(sim_customers_find(&customers, bob + 1));
	sim_customers_close(&customers);
	sim_ids_close(&ids);
}

static void customers_are_bounded(void **state)
{
	struct sim_customers customers;
	struct sim_customer *c;
	struct sim_ids ids;
	struct why why = { "" };
	char name[32];
	bool is_new;

	assert_int_equal(sim_ids_open(&ids, NULL, NULL), ERR_OK);
	assert_int_equal(sim_customers_open(&customers, NULL, NULL), ERR_OK);
	for (int i = 0; i < SIM_CUSTOMERS_MAX; i++) {
		(void)snprintf(name, sizeof name, "customer %d", i);
		(void)get(&customers, &ids, name, "widget", NULL, &is_new);
	}
	assert_int_equal(
	    sim_customers_get(&customers, &ids,
		&(struct sim_customer_wish){ .name = "one more", .transport = "widget" }, &c, &is_new, &why),
	    ERR_INVALID);
	assert_non_null(strstr(why.text, "at most"));
	(void)get(&customers, &ids, "customer 7", "widget", NULL, &is_new);
	assert_false(is_new);
	sim_customers_close(&customers);
	sim_ids_close(&ids);
}

/* ---- ring --------------------------------------------------------------------------------------------------- */

static void ring_forgets_the_oldest(void **state)
{
	struct sim_ring ring;

	sim_ring_open(&ring, 3);
	for (int64_t n = 1; n <= 5; n++) {
		char text[8];

		(void)snprintf(text, sizeof text, "%d", (int)n);
		sim_ring_add(&ring, n, mem_text(text));
	}
	assert_int_equal(sim_ring_oldest(&ring), 3);
	assert_null(sim_ring_at(&ring, 2, 0));
	assert_null(sim_ring_at(&ring, 6, 0));
	assert_true(slice_eq(sim_ring_at(&ring, 3, 0)->text, SLICE("3")));
	assert_non_null(sim_ring_at(&ring, 4, 4));
	assert_null(sim_ring_at(&ring, 4, 5));
	sim_ring_close(&ring);
}

static void ring_is_bounded_in_bytes(void **state)
{
	struct sim_ring ring;

	sim_ring_open(&ring, 1000);
	for (int i = 0; i < 100; i++) {
		char *text = mem_alloc(SIM_RING_BYTES / 10 + 1);

		memset(text, 'x', SIM_RING_BYTES / 10);
		sim_ring_add(&ring, 0, text);
		assert_true(ring.bytes <= SIM_RING_BYTES);
	}
	assert_int_equal(ring.used, 10);
	sim_ring_close(&ring);
}

/* ---- webhooks ------------------------------------------------------------------------------------------------ */

static void hooks_choose_their_events(void **state)
{
	static const struct {
		const char *events, *channels, *event;
		int64_t channel_id;
		bool wanted;
	} cases[] = {
		{ "[]", "[]", "inbox", 1, true },
		{ "[\"inbox\"]", "[]", "inbox", 1, true },
		{ "[\"outbox\"]", "[]", "inbox", 1, false },
		{ "[\"outbox\",\"inbox\"]", "[1,2]", "inbox", 2, true },
		{ "[\"outbox\",\"inbox\"]", "[1,2]", "inbox", 3, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sim_hooks hooks = { 0 };
		struct sim_hook *hook;
		json_t *events = json_loads(cases[i].events, 0, NULL);
		json_t *channels = json_loads(cases[i].channels, 0, NULL), *errors = NULL;

		assert_int_equal(
		    sim_hooks_add(&hooks, 1,
			&(struct sim_hook_wish){ .url = "http://a/", .events = events, .channels = channels }, &hook,
			&errors),
		    ERR_OK);
		assert_int_equal(sim_hook_wants(hook, cases[i].event, cases[i].channel_id), cases[i].wanted);
		hook->enabled = false;
		assert_false(sim_hook_wants(hook, cases[i].event, cases[i].channel_id));
		json_decref(events);
		json_decref(channels);
		sim_hooks_close(&hooks);
	}
}

static void hooks_refuse(void **state)
{
	json_t *number = json_integer(5), *mixed = json_pack("[s,i]", "inbox", 5);
	const struct {
		struct sim_hook_wish wish;
		const char *field, *text;
	} cases[] = {
		{ { .name = "x" }, "url", "Url can't be blank" },
		{ { .url = "ftp://a/" }, "url", "Url is invalid" },
		{ { .url = "http://a/" }, "url", "This url is already used" },
		{ { .url = "http://b/", .events = number }, "events", "Events is an array of names" },
		{ { .url = "http://b/", .events = mixed }, "events", "Events is an array of names" },
		{ { .url = "http://b/", .channels = mixed }, "channels", "Channels is an array of ids" },
		{ { .url = "http://b/", .status = "on" }, "status", "Status is enabled or disabled" },
	};
	struct sim_hooks hooks = { 0 };
	struct sim_hook *hook;
	json_t *errors = NULL;

	assert_int_equal(
	    sim_hooks_add(&hooks, 1, &(struct sim_hook_wish){ .url = "http://a/" }, &hook, &errors), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(sim_hooks_add(&hooks, 2, &cases[i].wish, &hook, &errors), ERR_INVALID);
		assert_string_equal(
		    json_string_value(json_array_get(json_object_get(errors, cases[i].field), 0)), cases[i].text);
		json_decref(errors);
	}
	assert_int_equal(hooks.n, 1);
	sim_hooks_close(&hooks);
	json_decref(number);
	json_decref(mixed);
}

/* ---- faults ---------------------------------------------------------------------------------------------------- */

static struct sim_faults faults_of(const char *text)
{
	struct sim_faults faults;
	json_t *json = json_loads(text, 0, NULL);
	struct why why = { "" };

	sim_faults_clear(&faults);
	assert_int_equal(sim_faults_set(&faults, json, &why), ERR_OK);
	json_decref(json);
	return faults;
}

static void faults_decide(void **state)
{
	static const struct {
		const char *faults;
		int64_t client_id;
		int64_t status;
		bool cut, hang, carried_out;
	} cases[] = {
		{ "{}", 1, 0, false, false, true },
		{ "{\"latency_ms\":5}", 1, 0, false, false, true },
		{ "{\"status\":500}", 1, 500, false, false, false },
		{ "{\"status\":500,\"accept\":true}", 1, 500, false, false, true },
		{ "{\"status\":500,\"client_id\":2}", 1, 0, false, false, true },
		{ "{\"status\":500,\"client_id\":1}", 1, 500, false, false, false },
		{ "{\"status\":500,\"probability\":0}", 1, 0, false, false, true },
		{ "{\"cut\":true}", 1, 0, true, false, true },
		{ "{\"hang\":true}", 1, 0, false, true, false },
		{ "{\"hang\":true,\"accept\":true}", 1, 0, false, true, true },
		{ "{\"duplicates\":9}", 1, 0, false, false, true },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sim_faults faults = faults_of(cases[i].faults);
		struct sim_fault fault = sim_faults_pick(&faults, cases[i].client_id);

		assert_int_equal(fault.status, cases[i].status);
		assert_int_equal(fault.cut, cases[i].cut);
		assert_int_equal(fault.hang, cases[i].hang);
		assert_int_equal(fault.carried_out, cases[i].carried_out);
	}
}

static void faults_end_with_their_calls(void **state)
{
	struct sim_faults faults = faults_of("{\"status\":503,\"calls\":2,\"duplicates\":3,\"client_id\":1}");

	assert_int_equal(sim_faults_pick(&faults, 1).status, 503);
	assert_int_equal(sim_faults_pick(&faults, 2).status, 0);
	assert_int_equal(sim_faults_pick(&faults, 1).status, 503);
	assert_int_equal(sim_faults_pick(&faults, 1).status, 0);
	assert_int_equal(faults.duplicates, 3);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

struct heard {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int order[300];
	int n, cancelled;
};

struct alarm {
	struct heard *heard;
	int number;
};

static void on_alarm(void *context, bool cancelled)
{
	struct alarm *alarm = context;
	struct heard *heard = alarm->heard;

	pthread_mutex_lock(&heard->lock);
	heard->order[heard->n++] = alarm->number;
	heard->cancelled += cancelled;
	pthread_cond_signal(&heard->changed);
	pthread_mutex_unlock(&heard->lock);
}

static void timers_call_in_order_and_once(void **state)
{
	enum { N = 200, LATER = 100 };
	struct heard heard = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	struct alarm alarms[N + LATER];
	struct sim_timers *timers = NULL;
	int64_t began = clock_mono_ms();
	int adding_ms;

	assert_int_equal(sim_timers_open(&timers, NULL), ERR_OK);
	for (int i = 0; i < N + LATER; i++) {
		int64_t after_ms = i < N ? 200 + (i * 7919) % 100 : 3600000;

		alarms[i] = (struct alarm){ &heard, i < N ? (int)after_ms : i };
		sim_timers_add(timers, after_ms, on_alarm, &alarms[i]);
	}
	adding_ms = (int)(clock_mono_ms() - began) + 1; /* a later one counts from a later moment */
	pthread_mutex_lock(&heard.lock);
	while (heard.n < N)
		pthread_cond_wait(&heard.changed, &heard.lock);
	pthread_mutex_unlock(&heard.lock);
	assert_true(clock_mono_ms() - began >= 299);
	for (int i = 1; i < N; i++)
		assert_true(heard.order[i - 1] <= heard.order[i] + adding_ms);
	assert_int_equal(heard.cancelled, 0);
	sim_timers_stop(timers);
	sim_timers_close(&timers);
	assert_null(timers);
	assert_int_equal(heard.n, N + LATER);
	assert_int_equal(heard.cancelled, LATER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ids_go_on_behind_the_mark, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(ids_are_refused_when_they_cannot_be_kept, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(ids_of_a_spoilt_file_are_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(customers_outlive_a_torn_line, make_folder, remove_folder),
		cmocka_unit_test(customers_are_bounded),
		cmocka_unit_test(ring_forgets_the_oldest),
		cmocka_unit_test(ring_is_bounded_in_bytes),
		cmocka_unit_test(hooks_choose_their_events),
		cmocka_unit_test(hooks_refuse),
		cmocka_unit_test(faults_decide),
		cmocka_unit_test(faults_end_with_their_calls),
		cmocka_unit_test(timers_call_in_order_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
