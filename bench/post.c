/* post.c - how many webhooks a second are answered, and how soon. */
#include "base/clock.h"
#include "figures.h"
#include "load.h"
#include "payload.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WARM_UP_US = 500000, EVENTS = 256 };

struct poster {
	struct wire *wire;
	unsigned client;
	int64_t sent_us;
};

struct run {
	int epoll;
	int64_t from_us, until_us; /* answers in between are counted */
	unsigned under_way;
	uint64_t total, others; /* all answers; those that are not 200 */
	struct figures acks;
};

static void send_one(struct run *r, struct poster *p)
{
	char request[PAYLOAD_SIZE];
	size_t n = payload_make(request, p->client, "hello");

	p->sent_us = clock_mono_us();
	wire_write(p->wire, request, n);
	r->under_way++;
}

static void take_answer(struct run *r, struct poster *p)
{
	struct wire_message m;
	int64_t now_us;

	if (!wire_read(p->wire))
		wire_die("the server closed a connection");
	if (!wire_next(p->wire, &m))
		return;
	now_us = clock_mono_us();
	r->under_way--;
	r->total++;
	r->others += m.status != 200;
	if (p->sent_us >= r->from_us && now_us < r->until_us)
		figures_add(&r->acks, now_us - p->sent_us);
	if (now_us < r->until_us)
		send_one(r, p);
}

static void post_for(struct run *r, uint16_t port, unsigned connections, int64_t seconds)
{
	struct poster posters[LOAD_CONNECTIONS] = { 0 };
	struct epoll_event events[EVENTS];

	*r = (struct run){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	r->from_us = clock_mono_us() + WARM_UP_US;
	r->until_us = r->from_us + seconds * 1000000;
	for (unsigned i = 0; i < connections; i++) {
		posters[i] = (struct poster){ .wire = wire_connect(port), .client = i };
		wire_watch(r->epoll, posters[i].wire->fd, &posters[i]);
		send_one(r, &posters[i]);
	}
	while (r->under_way > 0) {
		int n = epoll_wait(r->epoll, events, EVENTS, 20000);

		if (n <= 0)
			wire_die("no answer for 20 s");
		for (int i = 0; i < n; i++)
			take_answer(r, events[i].data.ptr);
	}
	for (unsigned i = 0; i < connections; i++)
		wire_close(posters[i].wire);
	close(r->epoll);
}

void load_posts(const struct load_options *o)
{
	static struct run many, lone;
	unsigned long long total, others;

	post_for(&many, o->port, LOAD_CONNECTIONS, o->seconds);
	post_for(&lone, o->port, 1, o->seconds < 3 ? o->seconds : 3);
	total = many.total + lone.total;
	others = many.others + lone.others;
	printf(
	    "{\"rate\":%.0f,\"p50_us\":%lld,\"p99_us\":%lld,\"lone_p50_us\":%lld,\"answered\":%llu,\"total\":%llu,\"not_200\":%llu}\n",
	    (double)many.acks.n / (double)o->seconds, (long long)figures_quantile(&many.acks, 0.5),
	    (long long)figures_quantile(&many.acks, 0.99), (long long)figures_quantile(&lone.acks, 0.5),
	    (unsigned long long)many.acks.n, total, others);
}
