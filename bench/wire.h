/* wire.h - the least HTTP/1.1 that measures others without costing much itself: whole small messages with
 * Content-Length over kept-alive loopback connections. What it can't read or write ends the program. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/slice.h"

enum { WIRE_SIZE = 16 * 1024 };

struct wire {
	int fd;
	void *owner;
	size_t n, used; /* bytes read; bytes of the message last returned */
	char in[WIRE_SIZE];
};

struct wire_message {
	struct slice first_line, body;
	int status; /* of an answer */
};

int wire_listen(uint16_t *port); /* on 127.0.0.1; 0 becomes the port taken */
/* Of the first waiting connection; NULL: none. */
struct wire *wire_accept(int listener);
struct wire *wire_connect(uint16_t port);
void wire_close(struct wire *w);
void wire_watch(int epoll, int fd, void *owner);
/* Reads what is there. False: the other side closed. */
bool wire_read(struct wire *w);
/* The next whole message of what was read; valid until the next call with this wire. */
bool wire_next(struct wire *w, struct wire_message *ret);
void wire_write(struct wire *w, const char *p, size_t n);
void wire_die(const char *what) __attribute__((noreturn));

#endif
