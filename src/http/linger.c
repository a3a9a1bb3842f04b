/* linger.c - reading away what a refused client still sends. */
#include "http/linger.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void linger_add(struct lingering *l, int fd, int64_t now_us)
{
	if (l->n == LINGER_MOST) {
		(void)close(fd);
		return;
	}
	(void)shutdown(fd, SHUT_WR);
	l->socket[l->n].fd = fd;
	l->socket[l->n].until_us = now_us + (int64_t)LINGER_MS * 1000;
	l->n++;
}

/* False when the client has closed or broken the connection. */
static bool read_away(int fd)
{
	enum { READS_A_PASS = 64 };
	char bytes[16384];

	for (int i = 0; i < READS_A_PASS; i++) {
		ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
	}
	return true;
}

void linger_pass(struct lingering *l, int64_t now_us)
{
	for (size_t i = 0; i < l->n;) {
		if (read_away(l->socket[i].fd) && now_us < l->socket[i].until_us) {
			i++;
			continue;
		}
		(void)close(l->socket[i].fd);
		l->socket[i] = l->socket[--l->n];
	}
}

void linger_close(struct lingering *l)
{
	while (l->n > 0)
		(void)close(l->socket[--l->n].fd);
}
