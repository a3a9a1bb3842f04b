/* load.h - the load generator's measurements; each prints one line of JSON. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "base/slice.h"

enum { LOAD_CONNECTIONS = 64 };

struct load_options {
	uint16_t port;     /* of the service's webhook; 0 where the load generator serves itself */
	uint16_t api_port; /* to be the API on; 0: a free one */
	int64_t seconds;
	int64_t messages;   /* talk until so many were answered; 0: for seconds */
	unsigned customers; /* that talk; 1 to LOAD_CONNECTIONS */
	const char *dir;    /* of the disk measured */
};

/* post.c: closed-loop posts over 64 connections, then over one. */
void load_posts(const struct load_options *o);
/* talk.c: customers, each writing on once the reply to his last message is there. */
void load_talks(const struct load_options *o, bool echo);
/* disk.c: how long one small append with fdatasync takes. */
void load_disk(const struct load_options *o);

/* constant.c, echo_bot.c: the servers to compare with, each a process of its own that ends with this one. */
uint16_t constant_start(void);
uint16_t echo_bot_start(uint16_t api_port);

#endif
