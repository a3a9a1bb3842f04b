/* client.c - blocking sockets with a receive timeout. */
#include "client.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int client_connect(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { .tv_sec = CLIENT_PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

bool client_send(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return true;
}

/* Byte by byte, so that nothing of the next answer is taken. */
static bool read_head(int fd, struct client_answer *a)
{
	size_t n = 0;

	while (n + 1 < sizeof a->head && recv(fd, a->head + n, 1, 0) == 1) {
		a->head[++n] = '\0';
		if (n >= 4 && memcmp(a->head + n - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

void client_read(int fd, bool without_body, struct client_answer *a)
{
	const char *length;
	size_t wanted;

	*a = (struct client_answer){ 0 };
	if (!read_head(fd, a))
		return;
	assert_int_equal(sscanf(a->head, "HTTP/1.1 %d", &a->status), 1);
	if (a->status == 100 || without_body)
		return;
	length = strcasestr(a->head, "\r\nContent-Length:");
	assert_non_null(length);
	wanted = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	assert_true(wanted < sizeof a->body);
	while (a->body_n < wanted) {
		ssize_t n = recv(fd, a->body + a->body_n, wanted - a->body_n, 0);

		if (n <= 0)
			fail_msg("the answer's body ended after %zu of %zu bytes", a->body_n, wanted);
		a->body_n += (size_t)n;
	}
}

int64_t client_wait_end(int fd)
{
	int64_t from = clock_mono_ms();
	char bytes[4096];
	ssize_t n;

	do {
		n = recv(fd, bytes, sizeof bytes, 0);
	} while (n > 0);
	return clock_mono_ms() - from;
}

void client_ask(uint16_t port, struct slice bytes, struct client_answer *ret)
{
	int fd = client_connect(port);

	(void)client_send(fd, bytes);
	client_read(fd, bytes.n > 5 && memcmp(bytes.p, "HEAD ", 5) == 0, ret);
	assert_int_equal(close(fd), 0);
}
