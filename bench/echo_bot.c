/* echo_bot.c - the least that a bot must do: answer the webhook, post one reply. It stores nothing. */
#include "child.h"
#include "load.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 256 };

/* Each webhook connection has an API connection of its own; both name the pair as owner. */
struct pair {
	struct wire *webhook, *api;
};

static void post_reply(struct wire *api, long client)
{
	char body[160], request[512];
	int n = snprintf(body, sizeof body,
	    "{\"client_id\":%ld,\"text\":\"echo\",\"type\":\"to_client\",\"transport\":\"widget\",\"channel_id\":1,"
	    "\"external_id\":\"echo\"}",
	    client);
	int size = snprintf(request, sizeof request,
	    "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: bench\r\n"
	    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
	    n, body);

	wire_write(api, request, (size_t)size);
}

static void take_webhook(struct pair *p)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
				 "{\"success\":true}";
	static const char name[] = "\"client_id\":";
	struct wire_message m;

	if (!wire_read(p->webhook))
		_exit(0);
	while (wire_next(p->webhook, &m)) {
		const char *id = memmem(m.body.p, m.body.n, name, sizeof name - 1);

		wire_write(p->webhook, ok, sizeof ok - 1);
		post_reply(p->api, id == NULL ? 0 : strtol(id + sizeof name - 1, NULL, 10));
	}
}

static void take_answer(struct pair *p)
{
	struct wire_message m;

	if (!wire_read(p->api))
		_exit(0);
	while (wire_next(p->api, &m))
		if (m.status != 200)
			_exit(1);
}

static void accept_all(int epoll, int listener, uint16_t api_port)
{
	struct wire *webhook;

	while ((webhook = wire_accept(listener)) != NULL) {
		struct pair *p = mem_alloc(sizeof *p);

		*p = (struct pair){ .webhook = webhook, .api = wire_connect(api_port) };
		webhook->owner = p->api->owner = p;
		wire_watch(epoll, webhook->fd, webhook);
		wire_watch(epoll, p->api->fd, p->api);
	}
}

static void serve_until_killed(int listener, uint16_t api_port)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	wire_watch(epoll, listener, NULL);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct wire *w = events[i].data.ptr;

			if (w == NULL)
				accept_all(epoll, listener, api_port);
			else if (((struct pair *)w->owner)->webhook == w)
				take_webhook(w->owner);
			else
				take_answer(w->owner);
		}
	}
}

uint16_t echo_bot_start(uint16_t api_port)
{
	uint16_t port = 0;
	int listener = wire_listen(&port);

	if (child_start() == 0)
		serve_until_killed(listener, api_port);
	close(listener);
	return port;
}
