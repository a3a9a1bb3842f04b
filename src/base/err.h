/* err.h - the one vocabulary of outcomes, each with its verdict.
 *
 * Library code returns an outcome and does not log it; the edge (a stage's loop, a command) logs
 * once and acts on the verdict:
 *
 *   ACK     the work is done, now or before
 *   RETRY   the surroundings failed: nothing is spent, the same work is tried again
 *   BURY    this very input can't be worked on: dead letter, with the reason
 *   REFUSE  the caller may not do this: tell him why, change nothing
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/*        name          verdict  text for people */
#define ERR_LIST(X)                                                                                                    \
	X(OK, ACK, "ok")                                                                                               \
	X(DUPLICATE, ACK, "already handled")                                                                           \
	X(AGAIN, RETRY, "temporarily unavailable")                                                                     \
	X(TIMEOUT, RETRY, "no answer in time")                                                                         \
	X(UNREACHABLE, RETRY, "cannot be reached")                                                                     \
	X(NO_SPACE, RETRY, "no space left on the store")                                                               \
	X(IO, RETRY, "the store cannot be read or written")                                                            \
	X(STOPPED, RETRY, "is stopping")                                                                               \
	X(MALFORMED, BURY, "malformed input")                                                                          \
	X(TOO_LARGE, BURY, "input is larger than allowed")                                                             \
	X(FAILED, BURY, "failed")                                                                                      \
	X(CONFLICT, REFUSE, "in conflict with what is there")                                                          \
	X(STALE_LEASE, REFUSE, "the lease has passed to another")                                                      \
	X(NOT_FOUND, REFUSE, "not found")                                                                              \
	X(DENIED, REFUSE, "not permitted")                                                                             \
	X(INVALID, REFUSE, "invalid setting or argument")                                                              \
	X(NEWER_VERSION, REFUSE, "was written by a newer version")                                                     \
	X(IN_USE, REFUSE, "is in use by another process")

enum err {
#define X(name, verdict, text) ERR_##name,
	ERR_LIST(X)
#undef X
	    ERR_COUNT
};

enum verdict { VERDICT_ACK, VERDICT_RETRY, VERDICT_BURY, VERDICT_REFUSE };

enum verdict err_verdict(enum err e);
const char *err_text(enum err e); /* static text, never NULL */
const char *err_name(enum err e); /* "NO_SPACE": for logs and JSON */

/* why - the sentence that goes with an outcome: it names the cause and the cure. The caller owns it
 * (on the stack); functions that take one accept NULL and fill it only when they fail. */
struct why {
	char text[512];
};

void why_set(struct why *why, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Sets the sentence and returns e, so that "return why_fail(why, ERR_INVALID, ...)" reads well. */
MUST_CHECK enum err why_fail(struct why *why, enum err e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
