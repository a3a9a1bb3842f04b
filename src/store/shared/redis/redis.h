/* redis.h - the connections to Redis: addresses, greeting, pool, errors. docs/store-protocol.md, 10 and 13.
 *
 * A connection is lent to one thread at a time. One that broke is made anew by the next who borrows; while the server is
 * away borrowing fails at once between the tries (50 ms doubling to 2 s). Before a connection is lent for the first time its
 * server was met (script met), so that a restarted or rolled-back one is noticed before anything is done on it. Any thread. */
#ifndef STORE_SHARED_REDIS_H
#define STORE_SHARED_REDIS_H

#include "store/shared/shared.h"

struct redisContext;
struct redisReply;
struct redis; /* a connection */

struct redis_identity {
	int64_t client_id; /* CLIENT ID: unique while the server runs */
	char run_id[48];   /* of the server's run */
	/* master_replid: of its data, which others can replace under the same run; "" where it is not told */
	char data_id[48];
};

/* Can Redis' settings be understood, and kept by this build? INVALID: why begins with the setting's name. */
MUST_CHECK enum err redis_check_settings(const struct settings *settings, struct why *why);
/* Checks the settings and opens nothing yet. INVALID: why names the setting. */
MUST_CHECK enum err redis_pool_open(struct shared *s, struct redis_pool **ret, struct why *why);
void redis_pool_close(struct redis_pool **pool); /* nothing may be lent; *pool is NULL afterwards; NULL is fine */
/* Connects and asks what must be so: version, no cluster, role. INVALID, DENIED: no sense in trying again. Once it was OK
 * these two are UNREACHABLE to all who borrow: a running process waits for the server to be put right. */
MUST_CHECK enum err redis_prepare(struct redis_pool *pool, struct why *why);

MUST_CHECK enum err redis_borrow(struct redis_pool *pool, struct redis **ret, struct why *why);
/* broken: its last call failed by the connection, which is closed. */
void redis_give_back(struct redis_pool *pool, struct redis *connection, bool broken);
/* A connection of the caller's own, greeted as the lent ones; tried at once, however long the server was away. */
MUST_CHECK enum err redis_open(struct redis_pool *pool, struct redis **ret, struct why *why);
void redis_close(struct redis **connection); /* *connection is NULL afterwards; NULL is fine */

const struct redis_identity *redis_identity(const struct redis *connection);
/* The number of the database that all connections use. */
int redis_database(const struct redis_pool *pool);

/* One plain command of n words on a borrowed connection; *ret is to be freed with freeReplyObject. lengths: NULL where
 * the words are texts. An error reply is an error, with its sentence. */
MUST_CHECK enum err redis_command(struct redis_pool *pool, size_t n, const char *const *words, const size_t *lengths,
    struct redisReply **ret, struct why *why);

/* Ends a connection on which a call's outcome became unknown, so that what still lies in its socket is not run later. OK
 * also when it, or the server's run it was to, is over. */
MUST_CHECK enum err redis_kill(struct redis_pool *pool, const struct redis_identity *lost, struct why *why);

/* Meets the server again if that was not possible when the connection was made (memory full), or if it has got other data
 * since; else does nothing. */
MUST_CHECK enum err redis_meet(struct redis_pool *pool, struct redis *connection, struct why *why);
/* `meta run` is missing though the server was met: it is written again, so that its next run is told from a new store. */
MUST_CHECK enum err redis_mend_run(struct redis_pool *pool, struct why *why);

/* The verdict on an error reply ("LOADING Redis is loading ..."). */
enum err redis_error(const char *text);
/* It says nothing of the server's state (WRONGTYPE, an error in the script): what the call was about is at fault. */
bool redis_error_is_of_call(const char *text);

/* Counts a call that failed, and gives the error back. */
enum err redis_count_error(enum err err);
/* Connections made so far by this pool. */
uint64_t redis_connections(struct redis_pool *pool);

#endif
