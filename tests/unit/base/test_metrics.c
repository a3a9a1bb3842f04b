/* test_metrics.c - counters, and the text that Prometheus reads. */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static bool has_line(const struct buf *text, const char *line)
{
	struct buf whole = { 0 };
	bool found;

	buf_printf(&whole, "\n%s\n", line);
	found = strstr(text->p, whole.p) != NULL;
	buf_free(&whole);
	return found;
}

static void assert_line(const struct buf *text, const char *line)
{
	if (!has_line(text, line))
		fail_msg("the line is missing: %s", line);
}

static void counts_and_renders(void **state)
{
	struct buf text = { 0 };

	metric_add(METRIC_RECEIVED, 2);
	metric_add(METRIC_RECEIVED, 1);
	metric_add(METRIC_IGNORED_TAG, 4);
	metric_set(METRIC_API_AWAY, 1);
	metric_observe(METRIC_TURN_LATENCY, 100);
	metric_observe(METRIC_TURN_LATENCY, 101);
	metric_observe(METRIC_TURN_LATENCY, 90000000);
	assert_int_equal(metric_value(METRIC_RECEIVED), 3);
	assert_int_equal(metric_value(METRIC_TURN_LATENCY), 3);
	metrics_render(&text);
	assert_line(&text, "chat2order_webhook_received_total 3");
	assert_line(&text, "chat2order_webhook_ignored_total{kind=\"tag\"} 4");
	assert_line(&text, "chat2order_api_away 1");
	assert_line(&text, "# TYPE chat2order_turn_seconds histogram");
	assert_line(&text, "chat2order_turn_seconds_bucket{le=\"0.0001\"} 1");
	assert_line(&text, "chat2order_turn_seconds_bucket{le=\"0.00025\"} 2");
	assert_line(&text, "chat2order_turn_seconds_bucket{le=\"60\"} 2");
	assert_line(&text, "chat2order_turn_seconds_bucket{le=\"+Inf\"} 3");
	assert_line(&text, "chat2order_turn_seconds_count 3");
	assert_line(&text, "chat2order_turn_seconds_sum 90.000201");
	buf_free(&text);
}

static void counts_by_a_label(void **state)
{
	struct buf text = { 0 };

	metric_add_by(METRIC_DROPPED_BY_STATE, SLICE("WAITING_PHONE"), 2);
	metric_add_by(METRIC_DROPPED_BY_STATE, SLICE("a\"b\\c\nd"), 1);
	metric_add_by(METRIC_DROPPED_BY_STATE, SLICE("WAITING_PHONE"), 1);
	assert_int_equal(metric_value_by(METRIC_DROPPED_BY_STATE, SLICE("WAITING_PHONE")), 3);
	assert_int_equal(metric_value_by(METRIC_DROPPED_BY_STATE, SLICE("never")), 0);
	metrics_render(&text);
	assert_line(&text, "# TYPE chat2order_dialogs_dropped_total counter");
	assert_line(&text, "chat2order_dialogs_dropped_total{state=\"WAITING_PHONE\"} 3");
	assert_line(&text, "chat2order_dialogs_dropped_total{state=\"a\\\"b\\\\c\\nd\"} 1");
	assert_null(strstr(text.p, "state=\"other\""));
	buf_free(&text);
}

/* A form of many states, or a mistake that makes up values, costs no more memory than this. */
static void values_of_a_label_are_bounded(void **state)
{
	char value[METRIC_VALUE_BYTES_MAX + 2];
	struct buf text = { 0 };

	for (int i = 0; i < 2 * METRIC_VALUES_MAX; i++) {
		(void)snprintf(value, sizeof value, "S%d", i);
		metric_add_by(METRIC_DROPPED_BY_STATE, slice_of(value), 1);
	}
	memset(value, 'x', sizeof value);
	metric_add_by(METRIC_DROPPED_BY_STATE, (struct slice){ value, sizeof value }, 1);
	assert_int_equal(metric_value_by(METRIC_DROPPED_BY_STATE, SLICE("S0")), 1);
	metrics_render(&text);
	assert_line(&text, "chat2order_dialogs_dropped_total{state=\"other\"} 67"); /* 62 of 128 had room */
	metric_add_by(METRIC_DROPPED_BY_STATE, SLICE("S0"), 1);
	assert_int_equal(metric_value_by(METRIC_DROPPED_BY_STATE, SLICE("S0")), 2);
	buf_free(&text);
}

/* Prometheus refuses a page in which a family is announced twice or its lines are scattered. */
static void families_are_announced_once(void **state)
{
	static const struct {
		const char *family, *help;
	} rows[] = {
#define X(id, kind, family, label, help) { family, help },
		METRIC_LIST(X)
#undef X
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool first = i == 0 || strcmp(rows[i].family, rows[i - 1].family) != 0;

		if (first != (rows[i].help[0] != '\0'))
			fail_msg("%s: the first row of a family, and no other, has the help", rows[i].family);
		for (size_t k = 0; first && k < i; k++)
			if (strcmp(rows[k].family, rows[i].family) == 0)
				fail_msg("%s: its rows do not stand together", rows[i].family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_renders),
		cmocka_unit_test(counts_by_a_label),
		cmocka_unit_test(values_of_a_label_are_bounded),
		cmocka_unit_test(families_are_announced_once),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
