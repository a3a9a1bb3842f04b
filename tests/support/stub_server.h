/* stub_server.h - a small HTTP/1.1 server that does what a test tells it, on 127.0.0.1.
 *
 * A thread per connection; the handler is called on it, possibly on several at once. Keep-alive, requests
 * with Content-Length only. */
#ifndef TESTS_STUB_SERVER_H
#define TESTS_STUB_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct stub_server;

struct stub_request {
	char method[16], path[512];
	char head[4096];      /* all header lines */
	char body[64 * 1024]; /* with a NUL behind it */
	size_t body_size;
	unsigned nth; /* of its connection, 1 for the first */
};

struct stub_answer {
	enum {
		STUB_ANSWER,
		STUB_CUT, /* close without a word */
		STUB_HANG /* say nothing until the other side gives up */
	} how;
	int status;
	const char *extra; /* more header lines, each ended by CRLF; NULL: none */
	const char *body;
	size_t body_repeat; /* the body that many times; 0 is once */
	int delay_ms;
};

typedef void stub_handler(void *context, const struct stub_request *request, struct stub_answer *ret);

/* port 0: a free one. Aborts when it can't listen. */
struct stub_server *stub_start(uint16_t port, stub_handler *handler, void *context);
uint16_t stub_port(const struct stub_server *server);
unsigned stub_connections(struct stub_server *server); /* accepted so far */
/* Ends all connections and stops listening; *server is NULL afterwards. */
void stub_stop(struct stub_server **server);

#endif
