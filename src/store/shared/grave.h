/* grave.h - dead messages on their way into the log: it says that they had no success. docs/store-protocol.md, 3.4 and 5.5.
 *
 * Scripts that bury give what the log needs; `S unlogged` names the dead whose row is still to be written. Any thread. */
#ifndef STORE_SHARED_GRAVE_H
#define STORE_SHARED_GRAVE_H

#include "store/shared/shared.h"

struct redisReply;

/* An element of a script's answer is a grave: {2, job id, data, c, timestamp, reason}. */
bool grave_is(const struct redisReply *element);
/* Logs those of the answer's elements that are graves. What fails is left to graves_log_left(). */
void graves_log(struct shared *s, const struct redisReply *elements);
/* Logs what crashes and failures left; at most 50 a call. */
MUST_CHECK enum err graves_log_left(struct shared *s, struct why *why);

#endif
