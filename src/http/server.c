/* server.c - the listener on libmicrohttpd: requests are handed on whole, answers may come from any thread. */
#include "http/server.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/deadline.h"
#include "http/framing.h"
#include "http/listen.h"
#include "http/loop.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTION_MEMORY = 8192, /* bytes for head and buffers; a request's head must fit */
	DISCARD_TIMES = 16,       /* a body thrown away is cut off at so many times its limit */
	BODIES_MAX = 32 << 20,    /* bytes of all bodies held at once, or BODIES_LEAST of the largest if that is more */
	BODIES_LEAST = 4,
	FILES_BESIDE = 128 /* descriptors for everything that is no connection */
};

/* One of the threads that serve, with the connections it took. */
struct serving {
	struct http_server *server;
	struct loop loop;
};

struct http_server {
	struct http_options options;
	struct serving *serving;
	unsigned n_serving;
	struct deadlines *deadlines;
	int listener;
	uint16_t port;
	atomic_bool quiesced, closing;
	_Atomic int64_t held; /* requests not yet gone, and answers under way */
	_Atomic size_t body_bytes;
};

/* Whose a request is: the listener's; the handler's, who is at work or has put it off (WAITING); the listener's again with
 * its answer. LEFT: the connection broke while it waited, and whoever answers clears it away. */
enum state { STATE_ARRIVING, STATE_HANDED, STATE_WAITING, STATE_ANSWERED, STATE_LEFT };

struct http_request {
	struct MHD_Connection *connection;
	struct http_server *server;
	struct loop *loop;
	const char *method, *path;
	struct buf body;
	int64_t body_n;     /* as declared; -1: not */
	int over;           /* the status to refuse with because the body found no room; 0: it did */
	uint64_t discarded; /* bytes of such a body */
	int64_t arrived_us;
	_Atomic int state;
	bool waits; /* the loop counts it */
	struct MHD_Response *response;
	int status;
	bool shared;  /* the response belongs to an http_prepared */
	bool refused; /* by the listener itself: what the client still sends is read away */
	bool cut;     /* as the answer wanted: the connection is broken instead */
};

struct http_prepared {
	struct MHD_Response *response;
	int status;
};

/* HTTP/1.1 has one request a connection at a time. */
struct connection {
	struct http_request request; /* the first member */
	struct deadline deadline;
	_Atomic unsigned holders; /* the library, and who has yet to answer */
};

static struct connection *connection_of(struct MHD_Connection *c)
{
	return MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void release(struct connection *c)
{
	if (atomic_fetch_sub(&c->holders, 1) == 1)
		free(c);
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		abort(); /* no memory left, or a header with a line end in it: a defect of ours */
}

static struct MHD_Response *response_of(const struct http_answer *a)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    a->body.n, (void *)(uintptr_t)a->body.p, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		abort();
	add_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type != NULL ? a->content_type : "application/json");
	if (a->extra_name != NULL)
		add_header(response, a->extra_name, a->extra_value);
	if (a->close)
		add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return response;
}

static void drop_response(struct http_request *r)
{
	if (!r->shared)
		MHD_destroy_response(r->response);
	r->response = NULL;
}

static void drop_body(struct http_request *r)
{
	(void)atomic_fetch_sub(&r->server->body_bytes, r->body.n);
	buf_free(&r->body);
}

/* From here on the request is not the handler's any more; true: the listener waits for it and must be woken. */
static bool hand_back(struct http_request *r)
{
	struct connection *c = (struct connection *)r;
	int was = atomic_exchange(&r->state, STATE_ANSWERED);

	if (was == STATE_LEFT) {
		drop_response(r);
		drop_body(r);
		(void)atomic_fetch_sub(&r->server->held, 1);
	}
	release(c);
	return was == STATE_WAITING;
}

void http_answer(struct http_request *r, const struct http_answer *answer)
{
	struct http_server *server = r->server;
	struct loop *loop = r->loop;

	(void)atomic_fetch_add(&server->held, 1); /* so that the loop is there to be woken */
	r->response = response_of(answer);
	r->status = answer->status;
	r->cut = answer->cut;
	if (hand_back(r))
		loop_wake(loop);
	(void)atomic_fetch_sub(&server->held, 1);
}

struct http_prepared *http_prepare(const struct http_answer *answer)
{
	struct http_prepared *p = mem_alloc(sizeof *p);

	p->response = response_of(answer);
	p->status = answer->status;
	return p;
}

void http_unprepare(struct http_prepared **prepared)
{
	if (*prepared == NULL)
		return;
	MHD_destroy_response((*prepared)->response);
	free(*prepared);
	*prepared = NULL;
}

void http_answers_add(struct http_answers *all, struct http_request *r, const struct http_prepared *prepared)
{
	r->response = prepared->response;
	r->shared = true;
	r->status = prepared->status;
	if (all->loop != r->loop) {
		http_answers_send(all);
		*all = (struct http_answers){ r->server, r->loop };
		(void)atomic_fetch_add(&r->server->held, 1);
	}
	(void)hand_back(r);
}

void http_answers_send(struct http_answers *all)
{
	if (all->loop == NULL)
		return;
	loop_wake(all->loop);
	(void)atomic_fetch_sub(&all->server->held, 1);
	*all = (struct http_answers){ 0 };
}

static void wait_is_over(struct http_request *r)
{
	if (r->waits)
		loop_wait_over(r->loop);
	r->waits = false;
}

static enum MHD_Result queue_answer(struct http_request *r)
{
	enum MHD_Result queued;

	wait_is_over(r);
	loop_again(r->loop, 2); /* to send it, and to see that it is sent */
	deadline_enter(&connection_of(r->connection)->deadline, DEADLINE_ANSWERING);
	queued = r->cut ? MHD_NO : MHD_queue_response(r->connection, (unsigned)r->status, r->response);
	drop_response(r);
	return queued;
}

static enum MHD_Result refuse(struct http_request *r, int status, const char *text)
{
	struct http_server *s = r->server;

	if (s->options.refused != NULL)
		s->options.refused(s->options.context, status);
	r->refused = true;
	r->status = status;
	r->response = response_of(&(struct http_answer){ .status = status,
	    .body = slice_of(text),
	    .extra_name = status == MHD_HTTP_SERVICE_UNAVAILABLE ? MHD_HTTP_HEADER_RETRY_AFTER : NULL,
	    .extra_value = "5",
	    .close = true });
	return queue_answer(r);
}

static enum MHD_Result refuse_too_large(struct http_request *r)
{
	return refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, "{\"success\":false,\"error\":\"The body is too large\"}");
}

/* ---- a request's head ------------------------------------------------------------------------------ */

static enum MHD_Result begin(struct http_request *r)
{
	struct framing f;

	deadline_enter(&connection_of(r->connection)->deadline, DEADLINE_ARRIVING);
	switch (framing_read(r->connection, r->server->options.body_max, &f)) {
	case FRAMING_SOUND:
		break;
	case FRAMING_CONTRADICTS:
		return refuse(r, MHD_HTTP_BAD_REQUEST,
		    "{\"success\":false,\"error\":\"The request declares its length in two ways\"}");
	case FRAMING_UNKNOWN_CODING:
		return refuse(r, MHD_HTTP_NOT_IMPLEMENTED,
		    "{\"success\":false,\"error\":\"Of the transfer codings only chunked is known\"}");
	case FRAMING_TOO_LARGE:
		return refuse_too_large(r);
	}
	r->body_n = f.length;
	if (f.expects_continue)
		loop_again(r->loop, 2); /* to send "100 Continue", and to read on */
	return MHD_YES;
}

/* 0 when n more bytes find room, else the status to refuse with. */
static int room_for(struct http_request *r, size_t n)
{
	struct http_server *s = r->server;
	size_t most = s->options.body_max > BODIES_MAX / BODIES_LEAST ? BODIES_LEAST * s->options.body_max : BODIES_MAX;

	if (r->body.n + n > s->options.body_max)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	if (atomic_fetch_add(&s->body_bytes, n) + n <= most)
		return 0;
	(void)atomic_fetch_sub(&s->body_bytes, n);
	return MHD_HTTP_SERVICE_UNAVAILABLE;
}

/* What finds no room is thrown away; the library can answer only when the body has ended. */
static enum MHD_Result take_body(struct http_request *r, const char *data, size_t n)
{
	if (r->over == 0)
		r->over = room_for(r, n);
	if (r->over == 0) {
		buf_add(&r->body, data, n);
		if (r->body_n != (int64_t)r->body.n)
			loop_again(r->loop, 1); /* more of it may be there already */
		return MHD_YES;
	}
	loop_again(r->loop, 1);
	drop_body(r);
	r->discarded += n;
	return r->discarded <= DISCARD_TIMES * (uint64_t)r->server->options.body_max ? MHD_YES : MHD_NO;
}

/* ---- a whole request ------------------------------------------------------------------------------- */

/* Counts the request as held unless the server is closing. */
static bool may_hand_over(struct http_server *s)
{
	(void)atomic_fetch_add(&s->held, 1);
	if (!atomic_load(&s->closing))
		return true;
	(void)atomic_fetch_sub(&s->held, 1);
	return false;
}

static enum MHD_Result hand_over(struct http_request *r)
{
	struct http_server *s = r->server;
	int handed = STATE_HANDED;

	if (r->over == MHD_HTTP_CONTENT_TOO_LARGE)
		return refuse_too_large(r);
	if (r->over != 0)
		return refuse(r, r->over, "{\"success\":false,\"error\":\"Too many requests are being handled\"}");
	if (!may_hand_over(s))
		return refuse(
		    r, MHD_HTTP_SERVICE_UNAVAILABLE, "{\"success\":false,\"error\":\"The service is stopping\"}");
	r->arrived_us = clock_mono_us();
	(void)atomic_fetch_add(&connection_of(r->connection)->holders, 1);
	atomic_store(&r->state, STATE_HANDED);
	deadline_enter(&connection_of(r->connection)->deadline, DEADLINE_HANDED);
	s->options.handler(s->options.context, r);
	if (!atomic_compare_exchange_strong(&r->state, &handed, STATE_WAITING))
		return queue_answer(r);
	loop_wait(r->loop);
	r->waits = true;
	return MHD_YES;
}

/* Called for the head, for each piece of the body, at its end, and then in every pass until an answer is queued. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_n, void **request)
{
	struct serving *serving = context;
	struct http_request *r = *request;

	(void)version;
	if (r == NULL) {
		*request = r = &connection_of(connection)->request;
		*r = (struct http_request){ .connection = connection,
			.server = serving->server,
			.loop = &serving->loop,
			.method = method,
			.path = url };
		return begin(r);
	}
	if (*data_n > 0) {
		size_t n = *data_n;

		*data_n = 0;
		return take_body(r, data, n);
	}
	switch (atomic_load(&r->state)) {
	case STATE_ARRIVING:
		return hand_over(r);
	case STATE_WAITING:
		return MHD_YES;
	default:
		return queue_answer(r);
	}
}

/* True when the request still waits for its answer: then it is not the listener's to clear away. */
static bool leave_to_handler(struct http_request *r)
{
	int waiting = STATE_WAITING;

	return atomic_compare_exchange_strong(&r->state, &waiting, STATE_LEFT);
}

static void on_completed(
    void *context, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode how)
{
	struct http_server *s = ((struct serving *)context)->server;
	struct http_request *r = *request;
	struct connection *c = connection_of(connection);

	if (r == NULL)
		return;
	*request = NULL;
	wait_is_over(r);
	loop_again(r->loop, 1); /* the next request may be there already */
	if (leave_to_handler(r))
		return;
	if (atomic_load(&r->state) == STATE_ANSWERED && r->response != NULL)
		drop_response(r); /* the other side went away before its answer was queued */
	drop_body(r);
	if (r->refused && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		deadlines_linger(s->deadlines, c->deadline.fd);
	deadline_enter(&c->deadline, DEADLINE_IDLE_NEW);
	if (atomic_load(&r->state) != STATE_ARRIVING)
		(void)atomic_fetch_sub(&s->held, 1);
}

static void on_connection(
    void *context, struct MHD_Connection *connection, void **mine, enum MHD_ConnectionNotificationCode what)
{
	struct serving *serving = context;
	struct http_server *s = serving->server;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		struct connection *c = mem_alloc(sizeof *c);

		atomic_init(&c->holders, 1);
		*mine = c;
		deadlines_watch(s->deadlines, &c->deadline,
		    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	} else {
		struct connection *c = *mine;

		deadlines_forget(s->deadlines, &c->deadline);
		release(c);
		*mine = NULL;
		loop_again(&serving->loop, 1);
	}
}

/* ---- what handlers ask ------------------------------------------------------------------------------ */

struct slice http_method(const struct http_request *r)
{
	return slice_of(r->method);
}

struct slice http_path(const struct http_request *r)
{
	return slice_of(r->path);
}

static struct slice value_of(struct http_request *r, enum MHD_ValueKind kind, const char *name)
{
	struct slice value = SLICE_NONE;

	(void)MHD_lookup_connection_value_n(r->connection, kind, name, strlen(name), &value.p, &value.n);
	return value;
}

struct slice http_query(struct http_request *r, const char *name)
{
	return value_of(r, MHD_GET_ARGUMENT_KIND, name);
}

struct slice http_header(struct http_request *r, const char *name)
{
	return value_of(r, MHD_HEADER_KIND, name);
}

struct slice http_body(const struct http_request *r)
{
	return buf_as_slice(&r->body);
}

int64_t http_arrived_us(const struct http_request *r)
{
	return r->arrived_us;
}

/* ---- life ------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct serving *serving, unsigned connections_max)
{
	const struct http_server *s = serving->server;

	return MHD_start_daemon(MHD_USE_EPOLL, s->port, NULL, NULL, on_request, serving, MHD_OPTION_LISTEN_SOCKET,
	    s->listener, MHD_OPTION_CONNECTION_LIMIT, connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    serving, MHD_OPTION_NOTIFY_CONNECTION, on_connection, serving, MHD_OPTION_END);
}

static bool start_serving(struct http_server *s, struct serving *serving, unsigned connections_max)
{
	struct MHD_Daemon *daemon;

	serving->server = s;
	daemon = start_daemon(serving, connections_max);
	if (daemon == NULL)
		return false;
	if (loop_start(&serving->loop, daemon, s->options.caught_up, s->options.context))
		return true;
	MHD_stop_daemon(daemon);
	return false;
}

/* Each thread has a share of the connections. */
static bool start_all(struct http_server *s)
{
	unsigned n = s->options.threads > 1 ? s->options.threads : 1;
	unsigned connections_max = (s->options.connections_max + n - 1) / n;

	s->serving = mem_alloc(n * sizeof *s->serving);
	while (s->n_serving < n && start_serving(s, &s->serving[s->n_serving], connections_max))
		s->n_serving++;
	return s->n_serving == n;
}

static void stop_all(struct http_server *s)
{
	for (unsigned i = 0; i < s->n_serving; i++)
		loop_stop(&s->serving[i].loop);
	deadlines_stop(&s->deadlines);
	(void)close(s->listener);
	free(s->serving);
	free(s);
}

enum err http_listen(const struct http_options *options, struct http_server **ret, struct why *why)
{
	struct http_server *s;
	int listener = -1;
	enum err e = listen_socket(options->host, options->port, &listener, why);

	if (e != ERR_OK)
		return e;
	listen_allow_files(options->connections_max + FILES_BESIDE);
	s = mem_alloc(sizeof *s);
	s->options = *options;
	s->listener = listener;
	s->port = listen_port(listener);
	s->deadlines = deadlines_start(options->timeout_ms, options->connections_max);
	if (s->deadlines != NULL && start_all(s)) {
		*ret = s;
		return ERR_OK;
	}
	stop_all(s);
	return why_fail(why, ERR_FAILED,
	    "cannot start the threads of the listener on port %u: raise the limits of"
	    " processes and open files (ulimit -u, ulimit -n)",
	    options->port);
}

uint16_t http_port(const struct http_server *server)
{
	return server->port;
}

void http_quiesce(struct http_server *server)
{
	if (atomic_exchange(&server->quiesced, true))
		return;
	/* The descriptor stays ours until the end, so that its number can't be taken by another socket. */
	for (unsigned i = 0; i < server->n_serving; i++)
		loop_quiesce(&server->serving[i].loop);
	(void)shutdown(server->listener, SHUT_RDWR);
}

void http_close(struct http_server **server)
{
	const struct timespec a_moment = { .tv_nsec = 1000000 };
	struct http_server *s = *server;

	if (s == NULL)
		return;
	http_quiesce(s);
	atomic_store(&s->closing, true);
	/* Whoever has yet to answer would wake a loop that is gone. */
	while (atomic_load(&s->held) > 0)
		(void)nanosleep(&a_moment, NULL);
	stop_all(s);
	*server = NULL;
}
