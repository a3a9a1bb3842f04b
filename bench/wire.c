/* wire.c - sockets, and messages out of bytes. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_die(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	exit(1);
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

int wire_listen(uint16_t *port)
{
	struct sockaddr_in address = loopback(*port);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1024) != 0)
		wire_die("cannot listen");
	getsockname(fd, (struct sockaddr *)&address, &size);
	*port = ntohs(address.sin_port);
	return fd;
}

static struct wire *wire_new(int fd)
{
	struct wire *w = mem_alloc(sizeof *w);
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	w->fd = fd;
	return w;
}

struct wire *wire_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? NULL : wire_new(fd);
}

struct wire *wire_connect(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		wire_die("cannot connect");
	return wire_new(fd);
}

void wire_close(struct wire *w)
{
	close(w->fd);
	free(w);
}

void wire_watch(int epoll, int fd, void *owner)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = owner };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		wire_die("cannot watch a connection");
}

bool wire_read(struct wire *w)
{
	ssize_t n;

	if (w->used > 0) {
		w->n -= w->used;
		memmove(w->in, w->in + w->used, w->n);
		w->used = 0;
	}
	n = recv(w->fd, w->in + w->n, sizeof w->in - 1 - w->n, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	w->n += (size_t)n;
	return true;
}

static size_t content_length(const char *head, const char *end)
{
	static const char name[] = "ontent-Length:";
	const char *line = memmem(head, (size_t)(end - head), name, sizeof name - 1);

	return line == NULL ? 0 : (size_t)strtoul(line + sizeof name - 1, NULL, 10);
}

bool wire_next(struct wire *w, struct wire_message *ret)
{
	const char *start = w->in + w->used, *end = memmem(start, w->n - w->used, "\r\n\r\n", 4);
	size_t head, body;

	if (end == NULL)
		return false;
	head = (size_t)(end + 4 - start);
	body = content_length(start, end);
	if (head + body >= sizeof w->in)
		wire_die("a message is too large");
	if (w->n - w->used < head + body)
		return false;
	ret->first_line = (struct slice){ start, (size_t)((const char *)memchr(start, '\r', head) - start) };
	ret->status = memcmp(start, "HTTP/1.1 ", 9) == 0 ? atoi(start + 9) : 0;
	ret->body = (struct slice){ end + 4, body };
	w->used += head + body;
	return true;
}

void wire_write(struct wire *w, const char *p, size_t n)
{
	if (send(w->fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		wire_die("cannot write");
}
