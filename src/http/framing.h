/* framing.h - where a request's body ends, as its head says (RFC 9112, 6).
 *
 * A head that leaves it open is how requests are smuggled past a proxy, and libmicrohttpd 0.9.75 accepts such
 * heads. The thread that serves the connection. */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framing_fault {
	FRAMING_SOUND,
	FRAMING_CONTRADICTS,    /* Content-Length beside Transfer-Encoding, or two that differ */
	FRAMING_UNKNOWN_CODING, /* of the transfer codings only chunked is known */
	FRAMING_TOO_LARGE
};

struct framing {
	int64_t length;        /* bytes; -1: it comes in chunks */
	bool expects_continue; /* the client waits for "100 Continue" */
};

/* *ret is filled when the head is sound; body_max in bytes, of a declared length. */
enum framing_fault framing_read(struct MHD_Connection *connection, size_t body_max, struct framing *ret);

#endif
