/* client.h - a raw client for tests: bytes out, answers in, with deadlines. A failure fails the test. */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include "base/slice.h"

enum { CLIENT_PATIENCE_MS = 10000, CLIENT_ANSWER_MAX = 65536 };

struct client_answer {
	int status; /* 0: the connection ended without one */
	char head[8192];
	char body[CLIENT_ANSWER_MAX];
	size_t body_n;
};

int client_connect(uint16_t port);
/* False when the other side does not take them any more. */
bool client_send(int fd, struct slice bytes);
/* One whole answer; without_body: to a HEAD. Bytes behind it stay unread. */
void client_read(int fd, bool without_body, struct client_answer *ret);
/* Waits until the other side ends the connection; returns the milliseconds that took. */
int64_t client_wait_end(int fd);
/* Connects, sends, reads one answer, closes. */
void client_ask(uint16_t port, struct slice bytes, struct client_answer *ret);

#endif
