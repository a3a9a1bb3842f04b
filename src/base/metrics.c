/* metrics.c - atomic counters and histograms made from the one list, and counters by labels of run time. */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

enum metric_kind { COUNTER, GAUGE, HISTOGRAM };

/* Upper bounds of the buckets in microseconds; the last bucket has none. */
static const int64_t bounds_us[] = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
	1000000, 2500000, 5000000, 10000000, 60000000 };
enum { BUCKETS = COUNT_OF(bounds_us) + 1 };

static const struct {
	enum metric_kind kind;
	const char *family, *label, *help;
} shape[METRIC_COUNT] = {
#define X(id, kind, family, label, help) [METRIC_##id] = { kind, family, label, help },
	METRIC_LIST(X)
#undef X
};

static struct {
	_Atomic int64_t value; /* of a histogram: the sum in microseconds */
	_Atomic int64_t bucket[BUCKETS];
} state[METRIC_COUNT];

void metric_add(enum metric m, int64_t n)
{
	atomic_fetch_add_explicit(&state[m].value, n, memory_order_relaxed);
}

void metric_set(enum metric m, int64_t value)
{
	atomic_store_explicit(&state[m].value, value, memory_order_relaxed);
}

void metric_observe(enum metric m, int64_t microseconds)
{
	size_t i = 0;

	while (i < COUNT_OF(bounds_us) && microseconds > bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&state[m].bucket[i], 1, memory_order_relaxed);
	metric_add(m, microseconds);
}

int64_t metric_value(enum metric m)
{
	int64_t count = 0;

	if (shape[m].kind != HISTOGRAM)
		return atomic_load_explicit(&state[m].value, memory_order_relaxed);
	for (size_t i = 0; i < BUCKETS; i++)
		count += atomic_load_explicit(&state[m].bucket[i], memory_order_relaxed);
	return count;
}

/* ---- by a label of run time ------------------------------------------------------------------------------- */

static const struct {
	const char *family, *label, *help;
} shape_by[METRIC_BY_COUNT] = {
#define X(id, family, label, help) [METRIC_##id] = { family, label, help },
	METRIC_BY_LIST(X)
#undef X
};

struct by_value {
	char value[METRIC_VALUE_BYTES_MAX + 1];
	int64_t n;
};

static struct {
	pthread_mutex_t lock; /* guards all below */
	struct {
		struct by_value value[METRIC_VALUES_MAX];
		size_t n;
		int64_t other;
	} family[METRIC_BY_COUNT];
} by = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Where the value is counted; NULL: nowhere yet. With the lock held. */
static int64_t *find_by(enum metric_by m, struct slice value)
{
	if (slice_eq(value, SLICE("other")))
		return &by.family[m].other;
	for (size_t i = 0; i < by.family[m].n; i++)
		if (slice_eq(value, slice_of(by.family[m].value[i].value)))
			return &by.family[m].value[i].n;
	return NULL;
}

/* A place for a new value, or that of "other". With the lock held. */
static int64_t *make_by(enum metric_by m, struct slice value)
{
	struct by_value *made = &by.family[m].value[by.family[m].n];

	if (by.family[m].n == METRIC_VALUES_MAX || !slice_to_buffer(value, made->value, sizeof made->value))
		return &by.family[m].other;
	by.family[m].n++;
	return &made->n;
}

void metric_add_by(enum metric_by m, struct slice value, int64_t n)
{
	int64_t *place;

	(void)pthread_mutex_lock(&by.lock);
	place = find_by(m, value);
	if (place == NULL)
		place = make_by(m, value);
	*place += n;
	(void)pthread_mutex_unlock(&by.lock);
}

int64_t metric_value_by(enum metric_by m, struct slice value)
{
	const int64_t *place;
	int64_t n;

	(void)pthread_mutex_lock(&by.lock);
	place = find_by(m, value);
	n = place != NULL ? *place : 0;
	(void)pthread_mutex_unlock(&by.lock);
	return n;
}

/* The three characters that a label's value must escape. */
static void render_label(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			buf_text(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_char(out, '\\');
		buf_char(out, *value);
	}
}

static void render_row_by(struct buf *out, enum metric_by m, const char *value, int64_t n)
{
	buf_printf(out, "chat2order_%s{%s=\"", shape_by[m].family, shape_by[m].label);
	render_label(out, value);
	buf_printf(out, "\"} %" PRId64 "\n", n);
}

static void render_by(struct buf *out, enum metric_by m)
{
	buf_printf(out, "# HELP chat2order_%s %s\n", shape_by[m].family, shape_by[m].help);
	buf_printf(out, "# TYPE chat2order_%s counter\n", shape_by[m].family);
	(void)pthread_mutex_lock(&by.lock);
	for (size_t i = 0; i < by.family[m].n; i++)
		render_row_by(out, m, by.family[m].value[i].value, by.family[m].value[i].n);
	if (by.family[m].other > 0)
		render_row_by(out, m, "other", by.family[m].other);
	(void)pthread_mutex_unlock(&by.lock);
}

/* ---- the page --------------------------------------------------------------------------------------------- */

static void render_histogram(struct buf *out, enum metric m)
{
	int64_t total = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		total += atomic_load_explicit(&state[m].bucket[i], memory_order_relaxed);
		buf_printf(out, "chat2order_%s_bucket{le=\"", shape[m].family);
		if (i < COUNT_OF(bounds_us))
			buf_printf(out, "%g", (double)bounds_us[i] / 1e6);
		else
			buf_text(out, "+Inf");
		buf_printf(out, "\"} %" PRId64 "\n", total);
	}
	buf_printf(out, "chat2order_%s_sum %.6f\n", shape[m].family,
	    (double)atomic_load_explicit(&state[m].value, memory_order_relaxed) / 1e6);
	buf_printf(out, "chat2order_%s_count %" PRId64 "\n", shape[m].family, total);
}

static void render_value(struct buf *out, enum metric m)
{
	buf_printf(out, "chat2order_%s", shape[m].family);
	if (shape[m].label[0] != '\0')
		buf_printf(out, "{%s}", shape[m].label);
	buf_printf(out, " %" PRId64 "\n", metric_value(m));
}

void metrics_render(struct buf *out)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	for (size_t m = 0; m < METRIC_COUNT; m++) {
		if (shape[m].help[0] != '\0') {
			buf_printf(out, "# HELP chat2order_%s %s\n", shape[m].family, shape[m].help);
			buf_printf(out, "# TYPE chat2order_%s %s\n", shape[m].family, kinds[shape[m].kind]);
		}
		if (shape[m].kind == HISTOGRAM)
			render_histogram(out, (enum metric)m);
		else
			render_value(out, (enum metric)m);
	}
	for (size_t m = 0; m < METRIC_BY_COUNT; m++)
		render_by(out, (enum metric_by)m);
}
