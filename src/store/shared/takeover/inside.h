/* inside.h - the parts of a take-over; for takeover.c. Each adds to the report what it found. */
#ifndef STORE_SHARED_TAKEOVER_INSIDE_H
#define STORE_SHARED_TAKEOVER_INSIDE_H

#include "store/shared/redis/call.h"
#include "store/shared/takeover/takeover.h"

/* Adds a line, unless n is 0. */
void takeover_tell(struct takeover_report *report, const char *what, int64_t n, int64_t oldest_ms, const char *becomes,
    ...) PRINTF_LIKE(5, 6);

/* dry: only look. */
MUST_CHECK enum err takeover_dialogs(struct shared *s, bool dry, struct takeover_report *report, struct why *why);
MUST_CHECK enum err takeover_jobs(struct shared *s, bool dry, struct takeover_report *report, struct why *why);

/* A command of up to 8 words; *ret is to be freed with freeReplyObject. */
MUST_CHECK enum err takeover_ask(
    struct shared *s, const struct slice *words, size_t n, struct redisReply **ret, struct why *why);

/* Goes on with SCAN: *cursor is "0" before the first step and after the last one. kind: "string", or NULL for all. */
enum { TAKEOVER_CURSOR_SIZE = 24 };
MUST_CHECK enum err takeover_scan(struct shared *s, const char *pattern, const char *kind,
    char cursor[TAKEOVER_CURSOR_SIZE], struct redisReply **ret, struct why *why);

#endif
