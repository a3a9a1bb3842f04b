/* stub_server.c - sockets and threads, nothing clever. */
#include "stub_server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 512 };

struct stub_server {
	int listener;
	uint16_t port;
	stub_handler *handler;
	void *context;
	pthread_t acceptor;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t gone;
	int fds[CONNECTIONS_MAX];
	unsigned n_fds, accepted;
};

struct connection {
	struct stub_server *server;
	int fd;
	char in[sizeof(((struct stub_request *)0)->head) + sizeof(((struct stub_request *)0)->body)];
	size_t n;
	struct stub_request request;
};

static void give_up(const char *what)
{
	fprintf(stderr, "stub server: %s: %s\n", what, strerror(errno));
	abort();
}

static bool fill(struct connection *c)
{
	ssize_t n = c->n < sizeof c->in - 1 ? read(c->fd, c->in + c->n, sizeof c->in - 1 - c->n) : -1;

	if (n <= 0)
		return false;
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	return true;
}

static size_t content_length(const char *head)
{
	const char *line = strcasestr(head, "\r\nContent-Length:");

	return line == NULL ? 0 : (size_t)strtoul(line + 17, NULL, 10);
}

static bool read_request(struct connection *c)
{
	struct stub_request *r = &c->request;
	char *end;
	size_t head_size;

	c->in[c->n] = '\0';
	while ((end = strstr(c->in, "\r\n\r\n")) == NULL)
		if (!fill(c))
			return false;
	head_size = (size_t)(end - c->in) + 4;
	if (head_size >= sizeof r->head)
		return false;
	memcpy(r->head, c->in, head_size);
	r->head[head_size] = '\0';
	r->body_size = content_length(r->head);
	if (r->body_size >= sizeof r->body || sscanf(r->head, "%15s %511s", r->method, r->path) != 2)
		return false;
	while (c->n < head_size + r->body_size)
		if (!fill(c))
			return false;
	memcpy(r->body, c->in + head_size, r->body_size);
	r->body[r->body_size] = '\0';
	c->n -= head_size + r->body_size;
	memmove(c->in, c->in + head_size + r->body_size, c->n);
	r->nth++;
	return true;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t written = send(fd, p, n, MSG_NOSIGNAL);

		if (written <= 0)
			return false;
		p += written;
		n -= (size_t)written;
	}
	return true;
}

static bool answer(struct connection *c, const struct stub_answer *a)
{
	size_t times = a->body_repeat == 0 ? 1 : a->body_repeat, size = strlen(a->body);
	char head[1024];
	int n = snprintf(head, sizeof head,
	    "HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", a->status,
	    size * times, a->extra != NULL ? a->extra : "");

	if (!write_all(c->fd, head, (size_t)n))
		return false;
	for (size_t i = 0; i < times; i++)
		if (!write_all(c->fd, a->body, size))
			return false;
	return true;
}

static void hang(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

static bool serve_one(struct connection *c)
{
	struct stub_answer a = { .status = 200, .body = "" };

	if (!read_request(c))
		return false;
	c->server->handler(c->server->context, &c->request, &a);
	if (a.delay_ms > 0)
		poll(NULL, 0, a.delay_ms);
	if (a.how == STUB_HANG)
		hang(c->fd);
	return a.how == STUB_ANSWER && answer(c, &a);
}

static void forget(struct stub_server *s, int fd)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_fds; i++)
		if (s->fds[i] == fd) {
			s->fds[i] = s->fds[--s->n_fds];
			break;
		}
	close(fd);
	pthread_cond_broadcast(&s->gone);
	pthread_mutex_unlock(&s->lock);
}

static void *serve(void *context)
{
	struct connection *c = context;

	while (serve_one(c))
		;
	forget(c->server, c->fd);
	free(c);
	return NULL;
}

static bool remember(struct stub_server *s, int fd)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->n_fds < CONNECTIONS_MAX;
	if (room) {
		s->fds[s->n_fds++] = fd;
		s->accepted++;
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

static void *accept_all(void *context)
{
	struct stub_server *s = context;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		struct connection *c;
		pthread_t thread;

		if (!remember(s, fd)) {
			close(fd);
			continue;
		}
		c = mem_alloc(sizeof *c);
		c->server = s;
		c->fd = fd;
		if (pthread_create(&thread, NULL, serve, c) != 0)
			give_up("thread");
		pthread_detach(thread);
	}
	return NULL;
}

struct stub_server *stub_start(uint16_t port, stub_handler *handler, void *context)
{
	struct stub_server *s = mem_alloc(sizeof *s);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t size = sizeof address;
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->handler = handler;
	s->context = context;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->gone, NULL);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s->listener, (struct sockaddr *)&address, size) != 0 || listen(s->listener, 256) != 0)
		give_up("listen");
	getsockname(s->listener, (struct sockaddr *)&address, &size);
	s->port = ntohs(address.sin_port);
	if (pthread_create(&s->acceptor, NULL, accept_all, s) != 0)
		give_up("thread");
	return s;
}

uint16_t stub_port(const struct stub_server *server)
{
	return server->port;
}

unsigned stub_connections(struct stub_server *server)
{
	unsigned n;

	pthread_mutex_lock(&server->lock);
	n = server->accepted;
	pthread_mutex_unlock(&server->lock);
	return n;
}

void stub_stop(struct stub_server **server)
{
	struct stub_server *s = *server;

	*server = NULL;
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->listener);
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_fds; i++)
		shutdown(s->fds[i], SHUT_RDWR);
	while (s->n_fds > 0)
		pthread_cond_wait(&s->gone, &s->lock);
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&s->gone);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
