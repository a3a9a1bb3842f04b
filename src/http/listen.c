/* listen.c - making a listening socket. */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static enum err failed(const char *host, uint16_t port, int error, struct why *why)
{
	if (error == EADDRINUSE)
		return why_fail(why, ERR_IN_USE,
		    "port %u on %s is taken by another program: stop that program or choose another port", port, host);
	if (error == EACCES)
		return why_fail(why, ERR_DENIED,
		    "port %u on %s needs more rights than this user has: choose a port from 1024 on", port, host);
	if (error == EADDRNOTAVAIL)
		return why_fail(why, ERR_INVALID,
		    "%s is no address of this machine: choose one of its own, or 0.0.0.0 for all of them", host);
	return why_fail(why, ERR_FAILED, "cannot listen on %s port %u: %s", host, port, strerror(error));
}

static int bound_socket(const struct addrinfo *address)
{
	const int on = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;

	const int error = errno;

	(void)close(fd);
	errno = error;
	return -1;
}

enum err listen_socket(const char *host, uint16_t port, int *ret_fd, struct why *why)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *address = NULL;
	enum err e = ERR_OK;
	char service[8];
	int fd;

	(void)snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(host, service, &hints, &address) != 0)
		return why_fail(
		    why, ERR_INVALID, "%s is no numeric address: write one such as 0.0.0.0, 127.0.0.1 or ::1", host);
	fd = bound_socket(address);
	if (fd < 0)
		e = failed(host, port, errno, why);
	else
		*ret_fd = fd;
	freeaddrinfo(address);
	return e;
}

uint16_t listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .v6 = { 0 } };
	socklen_t size = sizeof address;

	if (getsockname(fd, &address.any, &size) != 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

void listen_allow_files(unsigned n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= n)
		return;
	limit.rlim_cur = limit.rlim_max < n ? limit.rlim_max : n;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
