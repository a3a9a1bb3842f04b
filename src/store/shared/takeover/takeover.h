/* takeover.h - the predecessor's tables, dialogs and jobs become ours: docs/store-protocol.md, 12.
 *
 * It must be stopped before. One process does it, under the store's lock; each step looks for what is left, so that all of
 * it may be begun again wherever it was broken off. Only under the default STORE_PREFIX: another one is another shop on the
 * same Redis. */
#ifndef STORE_SHARED_TAKEOVER_H
#define STORE_SHARED_TAKEOVER_H

#include "store/shared/shared.h"

enum { TAKEOVER_LINES_MAX = 16, TAKEOVER_TEXT_SIZE = 240 };

/* What there is, or was before it was taken over; without those of which there is none. */
struct takeover_report {
	bool done_before; /* it was taken over, or found not to be there, at an earlier time: there are no lines */
	size_t n;
	struct takeover_line {
		const char *what; /* "open dialogs": a literal */
		int64_t n;
		int64_t oldest_ms;                /* when the oldest was written; 0: not known */
		char becomes[TAKEOVER_TEXT_SIZE]; /* "go on where they are" */
	} line[TAKEOVER_LINES_MAX];
};

/* `chat2order migrate`: the tables are brought to our version and the predecessor is taken over; dry: only looks, and
 * changes nothing. IN_USE: its worker runs; AGAIN: another process is at it; else as pg_prepare() and redis_prepare(). */
MUST_CHECK enum err takeover_migrate(
    const struct settings *settings, bool dry, struct takeover_report *ret, struct why *why);

/* For a worker's start, behind pg_prepare(): the take-over, if it was not done yet. *ret: what this call took over. */
MUST_CHECK enum err takeover_at_start(struct shared *s, struct takeover_report *ret, struct why *why);

#endif
