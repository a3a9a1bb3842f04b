/* linger.h - sockets that got their last answer while the client may still be sending.
 *
 * Closing such a socket at once would reset it, and the client might never read the answer. They are kept
 * open for a short while and what arrives is thrown away. Bounded; not for several threads. */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINGER_MOST = 64, LINGER_MS = 2000 };

struct lingering {
	size_t n;
	struct {
		int fd;
		int64_t until_us;
	} socket[LINGER_MOST];
};

/* Takes a socket over; when all places are taken it is closed at once. */
void linger_add(struct lingering *l, int fd, int64_t now_us);
/* Reads away what has arrived; closes those that ended or whose time is over. */
void linger_pass(struct lingering *l, int64_t now_us);
void linger_close(struct lingering *l);

#endif
