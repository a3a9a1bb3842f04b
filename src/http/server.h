/* server.h - an HTTP/1.1 listener (on libmicrohttpd) for whole requests and answers at any time.
 *
 * The handler is called once a request has arrived whole, on a thread of the listener; it must not wait.
 * It answers with http_answer(), at once or later from any thread; every request must be answered exactly
 * once, and is gone with its answer. Requests that are slow, half-sent, oversized or malformed are ended
 * by the listener itself: a request has one deadline from its first byte to its last, a connection may
 * idle no longer than the same time, Content-Length beside chunked and two differing Content-Lengths are
 * refused with 400, a body over its limit with 413. All bodies held at once are bounded (32 MiB, or four of the
 * largest); what finds no room is answered 503. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/err.h"
#include "base/slice.h"

struct http_server;
struct http_request;
struct loop;

typedef void http_handler(void *context, struct http_request *request);

struct http_options {
	const char *host; /* numeric address; IPv4 or IPv6 */
	uint16_t port;    /* 0: a free one, see http_port() */
	size_t body_max;  /* bytes */
	unsigned connections_max;
	unsigned timeout_ms;
	unsigned threads; /* that serve; 0 is 1, more call the handler at the same time */
	http_handler *handler;
	void *context;
	/* called on a thread that serves when it has handed on all that was whole and nothing more has come, or now and
	 * then while there is no end of it; may be NULL. Work that is cheaper for many requests at once is best begun here. */
	void (*caught_up)(void *context);
	/* called for each request that the listener refused by itself; may be NULL; any thread */
	void (*refused)(void *context, int status);
};

/* Listens and serves; why says which port is taken and what to do. */
MUST_CHECK enum err http_listen(const struct http_options *options, struct http_server **ret, struct why *why);
uint16_t http_port(const struct http_server *server);
/* Takes no new connections, waits until every request handed to the handler is answered, closes.
 * The caller sees to it that they are answered. NULL is fine; *server is NULL afterwards. */
void http_close(struct http_server **server);
/* Takes no new connections from now on; those that live go on. */
void http_quiesce(struct http_server *server);

/* Of a request. Valid until the handler returns or the request is answered, what comes first; the body and the
 * time until it is answered. */
struct slice http_method(const struct http_request *r);
struct slice http_path(const struct http_request *r);               /* decoded, without the query */
struct slice http_query(struct http_request *r, const char *name);  /* decoded; SLICE_NONE if absent */
struct slice http_header(struct http_request *r, const char *name); /* SLICE_NONE if absent */
struct slice http_body(const struct http_request *r);               /* raw bytes */
int64_t http_arrived_us(const struct http_request *r);              /* monotonic, when it was whole */

struct http_answer {
	int status;
	const char *content_type;             /* NULL: application/json */
	struct slice body;                    /* copied */
	const char *extra_name, *extra_value; /* one more header, as Allow or Retry-After; NULL: none */
	bool close;                           /* ends the connection after the answer */
	bool cut;                             /* breaks the connection instead of answering; the rest is unused */
};
void http_answer(struct http_request *request, const struct http_answer *answer);

/* An answer that many requests get; made once, it costs least. It must stay until the listeners of those requests
 * are closed. It cannot be one that cuts. */
struct http_prepared;
struct http_prepared *http_prepare(const struct http_answer *answer);
void http_unprepare(struct http_prepared **prepared); /* NULL is fine; *prepared is NULL afterwards */

/* Answers to several requests, sent together: the listener is woken once for all. A zeroed struct is empty. */
struct http_answers {
	struct http_server *server;
	struct loop *loop; /* that waits for them; NULL: none */
};
/* A request that is added is gone as with http_answer(); its answer leaves at the latest with http_answers_send(). */
void http_answers_add(struct http_answers *all, struct http_request *request, const struct http_prepared *answer);
void http_answers_send(struct http_answers *all); /* empty afterwards */

#endif
