/* call.h - one call of a script: its arguments gathered, sent, its answer read with types checked.
 *
 *     struct redis_call c;
 *     redis_call_begin(&c, s, SCRIPT_SENT);
 *     redis_call_text(&c, s->owner);
 *     redis_call_int(&c, delay);
 *     err = redis_call_run(&c, &why);          one round trip on a borrowed connection
 *     if (err == ERR_OK) how = redis_int(redis_at(redis_answer(&c), 1));
 *     redis_call_end(&c);
 *
 * KEYS are the same for every script (docs/store-protocol.md, 1) and are put before the arguments here; where a script is
 * not known to the server it is loaded and called again. A failed call's outcome may be unknown (ERR_TIMEOUT,
 * ERR_UNREACHABLE): every script is safe to repeat. One thread at a time. */
#ifndef STORE_SHARED_REDIS_CALL_H
#define STORE_SHARED_REDIS_CALL_H

#include "store/shared/redis/redis.h"
#include "store/shared/redis/scripts.h"

struct redisReply;

struct redis_call {
	struct shared *shared;
	enum script script;
	struct buf bytes;           /* the arguments as they are sent */
	size_t n;                   /* of them */
	struct redisReply *answer;  /* NULL before a run that was OK */
	struct redis_identity sent; /* the connection of the last run, for redis_kill(); client_id 0: it was not sent */
	/* The last run ended with ERR_IO by an error of the script's own (WRONGTYPE, ...): one element of the call may be at
	 * fault, and calls with the others go well. */
	bool at_fault;
};

void redis_call_begin(struct redis_call *c, struct shared *s, enum script script);
void redis_call_slice(struct redis_call *c, struct slice argument); /* copied */
void redis_call_text(struct redis_call *c, const char *argument);
void redis_call_int(struct redis_call *c, int64_t argument);
/* why: what the server said, fit for a log. The first element of every answer is Redis' time, which is noted. */
MUST_CHECK enum err redis_call_run(struct redis_call *c, struct why *why);
/* The same on a connection of the caller's own; *broken: to be closed (else not touched). */
MUST_CHECK enum err redis_call_run_on(struct redis_call *c, struct redis *connection, bool *broken, struct why *why);
void redis_call_reset(struct redis_call *c, enum script script); /* for another call, memory kept */
void redis_call_end(struct redis_call *c);

/* ---- the answer: what is no value of the kind asked for counts as empty or 0 ---- */

const struct redisReply *redis_answer(const struct redis_call *c);
size_t redis_n(const struct redisReply *array);
const struct redisReply *redis_at(const struct redisReply *array, size_t i); /* NULL when there is none */
int64_t redis_int(const struct redisReply *r);                               /* an integer, or its digits in a text */
struct slice redis_text(const struct redisReply *r);                         /* valid until the call's end */
bool redis_is_nil(const struct redisReply *r);

#endif
