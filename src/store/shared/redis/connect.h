/* connect.h - one connection to Redis with its greeting: found (by Sentinel, where there are some), logged in, named,
 * and seen to be a primary of 6.2 or newer that is no cluster. docs/store-protocol.md, 10. One thread at a time. */
#ifndef STORE_SHARED_REDIS_CONNECT_H
#define STORE_SHARED_REDIS_CONNECT_H

#include "store/shared/redis/redis.h"
#include "store/shared/redis/url.h"

#include <hiredis/hiredis.h>

enum { REDIS_CALL_MS = 2000, REDIS_CONNECT_MS = 1000 };

struct redis {
	struct redisContext *context;
	struct redis_identity identity;
	char address[300];  /* "host:port" or a path: for sentences, and for who was met */
	bool has_functions; /* scripts are called by FCALL, else by EVALSHA */
	bool is_made;       /* it was greeted and met, and lent */
	bool has_broken;    /* the other end closed it, or hangs */
	bool call_at_fault; /* its last answer was an error of what was called: redis_error_is_of_call() */
	int64_t timeout_ms; /* of a call, as set now */
	struct redis *next; /* idle ones of the pool */
};

/* TIMEOUT, UNREACHABLE, AGAIN: later, perhaps. DENIED, INVALID: somebody must change a setting. */
MUST_CHECK enum err redis_connect(
    const struct redis_target *target, const char *owner, struct redis **ret, struct why *why);
void redis_disconnect(struct redis **c); /* *c is NULL afterwards; NULL is fine */

/* Its data_id as it is now: a connection stays when the server gets other data. */
MUST_CHECK enum err redis_see_data(struct redis *c, bool *broken, struct why *why);
/* How long its next calls wait for their answer. */
void redis_set_timeout(struct redis *c, int64_t ms);
/* The server closed it, or sent what nobody asked for, while it lay idle. */
bool redis_is_stale(const struct redis *c);
/* One plain command; *ret is to be freed with freeReplyObject. An error reply is an error with its sentence.
 * *broken: the connection is of no use any more (not touched otherwise). */
MUST_CHECK enum err redis_ask(struct redis *c, size_t n, const char *const *words, const size_t *lengths,
    struct redisReply **ret, bool *broken, struct why *why);
/* What is sent already is answered: the next reply. */
MUST_CHECK enum err redis_read(struct redis *c, struct redisReply **ret, bool *broken, struct why *why);

#endif
