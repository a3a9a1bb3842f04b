/* health.h - is the service well, and if not, why and since when.
 *
 * Stages report into it with health_set(), each as a source of its own. A thread of its own asks the store for its counts once a second,
 * so that looking at health never waits for the store and probing it can't load it. Any thread. */
#ifndef SERVICE_HEALTH_H
#define SERVICE_HEALTH_H

#include "store/store.h"

/* A grave check that fails makes the service unhealthy (503). The others are told with their reason, but
 * webhooks are safely taken all the same, and restarting or bypassing this process would not help.
 *        name    shown     grave */
#define HEALTH_LIST(X)                                                                                                 \
	X(STORE, "store", true)                                                                                        \
	X(API, "api", false)                                                                                           \
	X(WORKER, "worker", true)                                                                                      \
	X(SENDER, "sender", true)                                                                                      \
	X(DISK, "disk", true)                                                                                          \
	X(CLOCK, "clock", false)

enum health_check {
#define X(name, shown, grave) HEALTH_##name,
	HEALTH_LIST(X)
#undef X
	    HEALTH_CHECKS
};

/* Who reports to a check. A check is good while all its sources are: that one can use the store says nothing of
 * the others. Only the source itself takes back what it said, once it has done what it failed to do.
 *        name   check  shown */
#define HEALTH_SOURCE_LIST(X)                                                                                          \
	X(INTAKE, STORE, "intake") /* messages are stored */                                                           \
	X(TAKE, STORE, "take")     /* turns are taken */                                                               \
	X(FINISH, STORE, "finish") /* turns are finished */                                                            \
	X(KEEP, STORE, "keep")     /* the keeper's rounds */                                                           \
	X(SENDER, SENDER, "sender")                                                                                    \
	X(API, API, "api")                                                                                             \
	X(SPACE, DISK, "space")                                                                                        \
	X(CLOCK, CLOCK, "clock")

enum health_source {
#define X(name, check, shown) HEALTH_BY_##name,
	HEALTH_SOURCE_LIST(X)
#undef X
	    HEALTH_SOURCES
};

enum {
	HEALTH_REASON_SIZE = sizeof(struct why), /* a whole sentence */
	HEALTH_STORE_SILENT_MS = 5000,           /* the store owes its counts for so long: it hangs */
	HEALTH_STALLED_MS = 60000                /* no turn was taken, or the sender did not move, for so long */
};

struct health_state {
	bool ok;
	int64_t since_ms; /* wall time at which it failed; 0 while ok */
	char reason[HEALTH_REASON_SIZE];
};

/* A check that the store adds to these. */
struct health_note {
	struct store_note said;
	int64_t since_ms; /* as in struct health_state */
};

/* What a look at it shows; a copy. */
struct health_view {
	bool healthy;
	struct health_state check[HEALTH_CHECKS];
	struct health_note notes[STORE_NOTES_MAX];
	size_t n_notes;
	const char *durability;     /* of what was answered 200; "unknown" until the store has said */
	struct store_counts counts; /* at most about a second old while the store answers */
};

struct health;

/* All checks are ok at the start. watches_turns: this process takes turns, and is ill when it does not. The store outlives
 * it. */
MUST_CHECK enum err health_start(struct store *store, bool watches_turns, struct health **ret, struct why *why);
void health_stop(struct health **health); /* NULL is fine; *health is NULL afterwards */

/* Says how a source stands; reason names cause and cure and is kept while it fails, with the time at which
 * it began. A check that fails shows the source that failed first. */
void health_set(struct health *health, enum health_source source, bool ok, const char *reason);
/* What the store's last round said of its own surroundings; replaces what it said before. */
void health_note(struct health *health, const struct store_kept *kept);
void health_look(struct health *health, struct health_view *ret);
const char *health_check_name(enum health_check check);
bool health_is_grave(enum health_check check);

#endif
