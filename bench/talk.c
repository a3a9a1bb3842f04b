/* talk.c - customers on one side, the API on the other, and a bot under test between them. */
#include "base/buf.h"
#include "base/clock.h"
#include "figures.h"
#include "load.h"
#include "payload.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { WARM_UP_US = 1000000, EVENTS = 256, SILENCE_MS = 20000 };

/* What each customer writes in turn, and a part of the reply that shows the bot has followed. */
static const struct {
	const char *says, *reply;
} talk[] = {
	{ "new order", "deliver" },
	{ "12 Main Street, apartment 4", "courier" },
	{ "+996 700 123 456", "How many" },
	{ "3", "everything correct" },
	{ "yes", "is placed" },
};

struct customer {
	struct wire *wire;
	unsigned number, step;
	bool acked, replied; /* the webhook is answered, the reply has come */
	int64_t sent_us;
};

static struct {
	int epoll, listener;
	bool echo;
	bool talking;
	struct customer customer[LOAD_CONNECTIONS];
	unsigned waiting; /* customers without answer or reply */
	int64_t from_us, until_us, most;
	uint64_t total, replies, orders; /* all replies; those in the time measured */
	uint64_t again;  /* a yes within the very millisecond of its question is early: it is asked for again */
	uint64_t astray; /* not the reply that should follow */
	struct figures latency;
} all;

static void say(struct customer *c)
{
	char request[PAYLOAD_SIZE];
	size_t n = payload_make(request, c->number, talk[c->step].says);

	c->acked = c->replied = false;
	c->sent_us = clock_mono_us();
	all.waiting++;
	wire_write(c->wire, request, n);
}

static void go_on(struct customer *c)
{
	if (!c->acked || !c->replied)
		return;
	all.waiting--;
	if (all.talking)
		say(c);
}

static void take_ack(struct customer *c)
{
	struct wire_message m;

	if (!wire_read(c->wire))
		wire_die("the bot closed a webhook's connection");
	while (wire_next(c->wire, &m)) {
		if (m.status != 200)
			wire_die("a webhook was not answered 200");
		c->acked = true;
		go_on(c);
	}
}

static bool holds(struct slice text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* The reply decides what the customer says next. */
static void follow(struct customer *c, struct slice reply)
{
	bool last = c->step == COUNT_OF(talk) - 1;

	if (!all.echo && last && holds(reply, talk[c->step - 1].reply)) {
		all.again++;
		return;
	}
	if (!all.echo && !holds(reply, talk[c->step].reply) && all.astray++ == 0)
		fprintf(stderr, "load: after \"%s\" came %.*s\n", talk[c->step].says, SLICE_PRINT(reply));
	all.orders += last;
	c->step = last ? 0 : c->step + 1;
}

static void note_reply(struct customer *c, struct slice body)
{
	int64_t now_us = clock_mono_us();

	all.total++;
	if (c->sent_us >= all.from_us && now_us < all.until_us) {
		figures_add(&all.latency, now_us - c->sent_us);
		all.replies++;
	}
	follow(c, body);
	all.talking = now_us < all.until_us && (all.most == 0 || all.latency.n < (uint64_t)all.most);
}

static struct customer *customer_of(struct slice body)
{
	static const char name[] = "\"client_id\":";
	const char *p = memmem(body.p, body.n, name, sizeof name - 1);
	long id = p == NULL ? 0 : strtol(p + sizeof name - 1, NULL, 10) - PAYLOAD_CLIENT_BASE;

	if (p == NULL || id < 0 || id >= LOAD_CONNECTIONS)
		wire_die("a reply to nobody we know");
	return &all.customer[id];
}

/* The API's side of a reply: accepted at once. */
static void take_reply(struct wire *w)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n"
				     "{\"status\":\"success\",\"data\":{\"message_id\":99,\"type\":\"to_client\"}}";
	struct wire_message m;

	if (!wire_read(w)) {
		wire_close(w);
		return;
	}
	while (wire_next(w, &m)) {
		struct customer *c = customer_of(m.body);

		wire_write(w, answer, sizeof answer - 1);
		if (c->replied)
			wire_die("a second reply to one message");
		c->replied = true;
		note_reply(c, m.body);
		go_on(c);
	}
}

static void on_event(void *owner)
{
	struct customer *c = owner;

	if (owner == &all.listener) {
		struct wire *w;

		while ((w = wire_accept(all.listener)) != NULL)
			wire_watch(all.epoll, w->fd, w);
	} else if (c >= all.customer && c < all.customer + LOAD_CONNECTIONS) {
		take_ack(c);
	} else {
		take_reply(owner);
	}
}

static void talk_until_done(void)
{
	struct epoll_event events[EVENTS];

	while (all.waiting > 0) {
		int n = epoll_wait(all.epoll, events, EVENTS, SILENCE_MS);

		if (n <= 0)
			wire_die("nothing came for 20 s");
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
	}
}

static void begin(const struct load_options *o, uint16_t port)
{
	all.from_us = clock_mono_us() + WARM_UP_US;
	all.until_us = o->messages > 0 ? INT64_MAX : all.from_us + o->seconds * 1000000;
	all.most = o->messages;
	all.talking = true;
	for (unsigned i = 0; i < o->customers; i++) {
		struct customer *c = &all.customer[i];

		*c = (struct customer){ .wire = wire_connect(port), .number = i };
		wire_watch(all.epoll, c->wire->fd, c);
		say(c);
	}
}

void load_talks(const struct load_options *o, bool echo)
{
	uint16_t api_port = o->api_port;
	int64_t began_us, took_us;

	all.echo = echo;
	all.epoll = epoll_create1(EPOLL_CLOEXEC);
	all.listener = wire_listen(&api_port);
	wire_watch(all.epoll, all.listener, &all.listener);
	begin(o, echo ? echo_bot_start(api_port) : o->port);
	began_us = all.from_us;
	talk_until_done();
	took_us = (o->messages > 0 ? clock_mono_us() : all.until_us) - began_us;
	printf(
	    "{\"rate\":%.0f,\"p50_us\":%lld,\"p99_us\":%lld,\"replies\":%llu,\"total\":%llu,\"orders\":%llu,\"again\":%llu,\"astray\":%llu}\n",
	    (double)all.replies * 1e6 / (double)took_us, (long long)figures_quantile(&all.latency, 0.5),
	    (long long)figures_quantile(&all.latency, 0.99), (unsigned long long)all.replies,
	    (unsigned long long)all.total, (unsigned long long)all.orders, (unsigned long long)all.again,
	    (unsigned long long)all.astray);
}
