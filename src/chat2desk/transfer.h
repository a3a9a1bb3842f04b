/* transfer.h - HTTP calls to others (on libcurl's multi interface): keep-alive, many at once, one thread.
 *
 * A pool has one thread of its own that runs all its calls; the callback is called on it, exactly once for
 * each call that was taken, and must not wait. Proxies come from the environment as libcurl knows them;
 * redirects are not followed. A request whose bytes may have reached the other side is never sent a second
 * time by the pool or by libcurl: it ends as TRANSFER_MAYBE_SENT, and the caller decides. */
#ifndef CHAT2DESK_TRANSFER_H
#define CHAT2DESK_TRANSFER_H

#include "base/err.h"
#include "base/slice.h"

struct transfer_pool;

struct transfer_request {
	const char *method; /* "GET", "POST", "PUT" or "DELETE" */
	const char *url;
	const char *const *headers; /* "Name: value", n_headers of them */
	size_t n_headers;
	struct slice body;
	unsigned timeout_ms;     /* for the whole call */
	int64_t begin_before_ms; /* monotonic: no byte of the request goes out later; 0: at any time */
};

struct transfer_result {
	enum transfer_end {
		TRANSFER_ANSWERED,   /* status and body are there; an overlong body is cut */
		TRANSFER_NOT_SENT,   /* DNS, connect or TLS failed: the other side saw nothing */
		TRANSFER_MAYBE_SENT, /* broken or timed out after bytes went out: nobody can know */
		TRANSFER_CANCELLED   /* the pool was closed, or begin_before_ms was over, before it began */
	} end;
	bool timed_out;
	int status;
	int64_t retry_after_s; /* of the answer's Retry-After, seconds or date; 0: none */
	struct slice body;     /* at most TRANSFER_BODY_MAX bytes, valid during the callback */
	int64_t started_ms;    /* wall time at which the call began */
	int64_t took_us;
	const char *error; /* libcurl's words, "" when answered */
};

enum { TRANSFER_BODY_MAX = 1 << 20 };

typedef void transfer_done(void *context, const struct transfer_result *result);

MUST_CHECK enum err transfer_open(unsigned at_once, struct transfer_pool **ret, struct why *why);
/* Everything in the request is copied. Calls over at_once wait their turn in order. Any thread. */
void transfer_start(
    struct transfer_pool *pool, const struct transfer_request *request, transfer_done *done, void *context);
/* Ends the calls under way now (those whose request went out end as TRANSFER_MAYBE_SENT) and cancels those
 * not begun. Any thread. */
void transfer_cut(struct transfer_pool *pool);
/* Lets calls under way end (they have their own timeouts), cancels those not begun, ends the thread. */
void transfer_close(struct transfer_pool **pool);

#endif
