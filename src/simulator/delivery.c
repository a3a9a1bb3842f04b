/* delivery.c - a notice is one event on its way to all webhooks; an attempt is one post of it. */
#include "simulator/delivery.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t retry_after_ms[] = { 10 * 1000, 5 * 60 * 1000, 2 * 3600 * 1000 };
enum { ATTEMPTS_MAX = COUNT_OF(retry_after_ms) + 1, SWITCH_OFF_MS = 5 * 3600 * 1000 };

struct sim_notice {
	struct simulator *sim;
	struct sim_customer *customer; /* customers live as long as the simulator */
	struct sim_notice *next;       /* in the customer's line */
	const char *event;             /* literal */
	int64_t message_id;
	unsigned refs;
	unsigned first_under_way; /* first attempts not ended yet */
	bool in_line;
	size_t size;
	char *body;
	char timestamp[24], signature[C2D_SIGNATURE_SIZE];
};

struct attempt {
	struct sim_notice *notice;
	int64_t hook_id;
	unsigned number; /* from 1 */
	bool copy;       /* one of several at the same time; only the first is retried */
};

static bool begin(struct sim_notice *notice);

static int64_t scaled(const struct simulator *sim, int64_t ms)
{
	return (int64_t)((double)ms / sim->clock_factor);
}

static void notice_unref(struct sim_notice *notice)
{
	if (--notice->refs > 0)
		return;
	notice->sim->undelivered_bytes -= notice->size;
	free(notice->body);
	free(notice);
}

/* Begins the first of the line that still has somewhere to go. */
static void line_start(struct sim_customer *c)
{
	while (c->first != NULL) {
		struct sim_notice *next = c->first->next;

		if (begin(c->first))
			return;
		c->first = next;
	}
	c->last = NULL;
}

/* The customer's next event may go, now that the first attempts of this one have ended. */
static void line_moves_on(struct sim_notice *done)
{
	if (!done->in_line || done->sim->stopping)
		return;
	done->customer->first = done->next;
	line_start(done->customer);
}

static void show(const struct attempt *a, const char *state, const char *error, int64_t retry_in_ms)
{
	const struct sim_notice *notice = a->notice;

	if (notice->message_id == 0)
		return;
	sim_events_add(&notice->sim->events, notice->customer->id,
	    json_pack("{s:s,s:I,s:I,s:s,s:I,s:I,s:s,s:s,s:I}", "kind", "delivery", "client_id",
		(json_int_t)notice->customer->id, "message_id", (json_int_t)notice->message_id, "event", notice->event,
		"webhook_id", (json_int_t)a->hook_id, "attempt", (json_int_t)a->number, "state", state, "error", error,
		"retry_in_ms", (json_int_t)retry_in_ms));
}

static void show_hook(struct simulator *sim, const struct sim_hook *hook)
{
	sim_events_add(&sim->events, 0, json_pack("{s:s,s:o}", "kind", "webhook", "webhook", sim_hook_json(hook)));
}

/* Looks after a failing webhook: one timer each, until it has succeeded or is switched off. */
struct hook_watch {
	struct simulator *sim;
	int64_t hook_id;
};

/* Monotonic ms left until the webhook is switched off. */
static int64_t hook_time_left(const struct simulator *sim, const struct sim_hook *hook)
{
	return hook->failing_ms + scaled(sim, SWITCH_OFF_MS) - clock_mono_ms();
}

static void look_at_hook(void *context, bool cancelled)
{
	struct hook_watch *watch = context;
	struct simulator *sim = watch->sim;
	struct sim_hook *hook;
	bool goes_on;

	pthread_mutex_lock(&sim->lock);
	hook = sim_hooks_find(&sim->hooks, watch->hook_id);
	goes_on = !cancelled && !sim->stopping && hook != NULL && hook->enabled && hook->failing_ms != 0;
	if (goes_on && hook_time_left(sim, hook) <= 0) {
		hook->enabled = goes_on = false;
		show_hook(sim, hook);
	}
	if (goes_on)
		sim_timers_add(sim->timers, hook_time_left(sim, hook), look_at_hook, watch);
	else if (hook != NULL)
		hook->watched = false;
	pthread_mutex_unlock(&sim->lock);
	if (!goes_on)
		free(watch);
}

static void watch_hook(struct simulator *sim, struct sim_hook *hook)
{
	struct hook_watch *watch;

	if (hook->watched || sim->stopping)
		return;
	hook->watched = true;
	watch = mem_alloc(sizeof *watch);
	*watch = (struct hook_watch){ sim, hook->id };
	sim_timers_add(sim->timers, hook_time_left(sim, hook), look_at_hook, watch);
}

static void hook_failed(struct simulator *sim, struct sim_hook *hook, const char *error)
{
	bool was_failing = hook->failing_ms != 0;

	hook->failed++;
	(void)snprintf(hook->error, sizeof hook->error, "%s", error);
	if (was_failing)
		return;
	hook->failing_ms = clock_mono_ms();
	show_hook(sim, hook);
	watch_hook(sim, hook);
}

static void hook_succeeded(struct simulator *sim, struct sim_hook *hook)
{
	bool was_failing = hook->failing_ms != 0;

	hook->accepted++;
	hook->failing_ms = 0;
	hook->error[0] = '\0';
	if (was_failing)
		show_hook(sim, hook);
}

static void post(struct attempt *attempt);

static void attempt_end(struct attempt *a)
{
	struct sim_notice *notice = a->notice;

	free(a);
	notice_unref(notice);
}

static void retry(void *context, bool cancelled)
{
	struct attempt *a = context;
	struct simulator *sim = a->notice->sim;
	struct sim_hook *hook;

	pthread_mutex_lock(&sim->lock);
	hook = sim_hooks_find(&sim->hooks, a->hook_id);
	if (cancelled || sim->stopping) {
		attempt_end(a);
	} else if (hook == NULL || !hook->enabled) {
		show(a, "gone", "the webhook is switched off or removed", 0);
		attempt_end(a);
	} else {
		post(a);
	}
	pthread_mutex_unlock(&sim->lock);
}

/* True when the attempt has come to its end; else it waits for its retry. */
static bool failed(struct attempt *a, struct sim_hook *hook, const char *error)
{
	struct simulator *sim = a->notice->sim;
	bool again = a->number < ATTEMPTS_MAX && !a->copy && !sim->stopping;
	int64_t after_ms = again ? scaled(sim, retry_after_ms[a->number - 1]) : 0;

	if (hook != NULL)
		hook_failed(sim, hook, error);
	if (!a->copy)
		show(a, again ? "retry" : "gone", error, after_ms);
	if (again) {
		a->number++;
		sim_timers_add(sim->timers, after_ms, retry, a);
	}
	return !again;
}

static bool succeeded(struct attempt *a, struct sim_hook *hook)
{
	if (hook != NULL)
		hook_succeeded(a->notice->sim, hook);
	if (!a->copy)
		show(a, "accepted", "", 0);
	return true;
}

static void describe(const struct transfer_result *result, char *text, size_t size)
{
	if (result->end == TRANSFER_ANSWERED)
		(void)snprintf(text, size, "HTTP %d", result->status);
	else
		(void)snprintf(text, size, "%s", result->timed_out ? "timeout" : result->error);
}

static void posted(void *context, const struct transfer_result *result)
{
	struct attempt *a = context;
	struct sim_notice *notice = a->notice;
	struct simulator *sim = notice->sim;
	bool good = result->end == TRANSFER_ANSWERED && result->status >= 200 && result->status < 300;
	bool was_first = a->number == 1, ended;
	struct sim_hook *hook;
	char error[128];

	describe(result, error, sizeof error);
	pthread_mutex_lock(&sim->lock);
	hook = sim_hooks_find(&sim->hooks, a->hook_id);
	ended = good ? succeeded(a, hook) : failed(a, hook, error);
	if (was_first && --notice->first_under_way == 0)
		line_moves_on(notice);
	if (ended)
		attempt_end(a);
	pthread_mutex_unlock(&sim->lock);
}

static void post(struct attempt *a)
{
	struct sim_notice *notice = a->notice;
	struct simulator *sim = notice->sim;
	const struct sim_hook *hook = sim_hooks_find(&sim->hooks, a->hook_id);
	char timestamp[64], signature[C2D_SIGNATURE_SIZE + 32];
	const char *headers[] = { "Content-Type: application/json", timestamp, signature };

	(void)snprintf(timestamp, sizeof timestamp, "X-Timestamp: %s", notice->timestamp);
	(void)snprintf(signature, sizeof signature, "X-Signature: %s", notice->signature);
	transfer_start(sim->pool,
	    &(struct transfer_request){
		.method = "POST",
		.url = hook->url,
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = slice_of(notice->body),
		.timeout_ms = sim->delivery_timeout_ms,
	    },
	    posted, a);
}

static void attempt_new(struct sim_notice *notice, int64_t hook_id, bool copy)
{
	struct attempt *a = mem_alloc(sizeof *a);

	*a = (struct attempt){ .notice = notice, .hook_id = hook_id, .number = 1, .copy = copy };
	notice->refs++;
	notice->first_under_way++;
	post(a);
}

/* The first attempts at all webhooks that want it; duplicates at the same time. False when there were none. */
static bool launch(struct sim_notice *notice)
{
	struct simulator *sim = notice->sim;

	for (size_t i = 0; i < sim->hooks.n; i++) {
		const struct sim_hook *hook = &sim->hooks.hook[i];

		if (!sim_hook_wants(hook, notice->event, notice->customer->channel_id))
			continue;
		for (int64_t copy = 0; copy < sim->faults.duplicates; copy++)
			attempt_new(notice, hook->id, copy > 0);
	}
	return notice->first_under_way > 0;
}

static void launch_later(void *context, bool cancelled)
{
	struct sim_notice *notice = context;
	struct simulator *sim = notice->sim;

	pthread_mutex_lock(&sim->lock);
	if (!cancelled && !sim->stopping && !launch(notice))
		line_moves_on(notice);
	notice_unref(notice);
	pthread_mutex_unlock(&sim->lock);
}

/* Gives up its maker's reference, at once or when its wait is over. False when no webhook wants it any more;
 * it is freed then. */
static bool begin(struct sim_notice *notice)
{
	const struct sim_faults *faults = &notice->sim->faults;
	int64_t wait_ms = faults->delay_ms + (notice->in_line ? 0 : sim_faults_shuffle(faults));
	bool under_way = true;

	if (wait_ms > 0) {
		sim_timers_add(notice->sim->timers, wait_ms, launch_later, notice);
	} else {
		under_way = launch(notice);
		notice_unref(notice);
	}
	return under_way;
}

/* Comes with the reference that begin() gives up. */
static struct sim_notice *notice_new(
    struct simulator *sim, struct sim_customer *customer, const struct sim_event *event)
{
	struct sim_notice *notice = mem_alloc(sizeof *notice);

	notice->sim = sim;
	notice->customer = customer;
	notice->event = event->name;
	notice->message_id = event->message_id;
	notice->refs = 1;
	notice->body = json_dumps(event->payload, JSON_COMPACT);
	notice->size = sizeof *notice + strlen(notice->body);
	(void)snprintf(notice->timestamp, sizeof notice->timestamp, "%" PRId64, event->event_s);
	c2d_signature_make(&sim->keys, slice_of(notice->body), slice_of(notice->timestamp), notice->signature);
	sim->undelivered_bytes += notice->size;
	return notice;
}

static void enter_line(struct sim_notice *notice)
{
	struct sim_customer *c = notice->customer;

	notice->in_line = true;
	if (c->first != NULL) {
		c->last->next = notice;
		c->last = notice;
	} else {
		c->first = c->last = notice;
		line_start(c);
	}
}

static bool wanted(const struct simulator *sim, const struct sim_customer *customer, const char *event)
{
	for (size_t i = 0; i < sim->hooks.n; i++)
		if (sim_hook_wants(&sim->hooks.hook[i], event, customer->channel_id))
			return true;
	return false;
}

static void show_unposted(
    struct simulator *sim, struct sim_customer *customer, const struct sim_event *event, const char *error)
{
	struct sim_notice notice = {
		.sim = sim, .customer = customer, .event = event->name, .message_id = event->message_id
	};

	show(&(struct attempt){ .notice = &notice }, "gone", error, 0);
}

void sim_deliver(struct simulator *sim, struct sim_customer *customer, const struct sim_event *event)
{
	if (sim->stopping)
		goto out;
	if (!wanted(sim, customer, event->name)) {
		show_unposted(sim, customer, event, "no webhook is registered for it");
	} else if (!sim_delivery_has_room(sim)) {
		show_unposted(sim, customer, event, "too many webhooks wait for their delivery");
	} else {
		struct sim_notice *notice = notice_new(sim, customer, event);

		if (sim->faults.shuffle_ms > 0)
			(void)begin(notice);
		else
			enter_line(notice);
	}
out:
	json_decref(event->payload);
}

bool sim_delivery_has_room(const struct simulator *sim)
{
	return sim->undelivered_bytes < SIM_UNDELIVERED_BYTES;
}

void sim_delivery_stop(struct simulator *sim)
{
	for (size_t i = 0; i < sim->customers.n; i++) {
		struct sim_customer *c = sim->customers.list[i];
		/* the first is let go by its attempts or its timer */
		struct sim_notice *waiting = c->first != NULL ? c->first->next : NULL;

		while (waiting != NULL) {
			struct sim_notice *notice = waiting;

			waiting = notice->next;
			notice_unref(notice);
		}
		c->first = c->last = NULL;
	}
}
