/* owner.h - this process as an owner of turns and claims: its name, its leases, its beats. docs/store-protocol.md, 3.5.
 *
 * A thread with a connection of its own beats every min(1 s, LEASE_MS / 4) and does nothing else. Only processes with workers
 * and senders beat; in others owner_start() is not called, and a take there finds its owner unknown. Any thread. */
#ifndef STORE_SHARED_OWNER_H
#define STORE_SHARED_OWNER_H

#include "store/shared/shared.h"

/* ---- names ---- */

void owner_name(struct shared *s); /* s->owner, s->owner_number: random, once at open */
/* The first of n counters that no other call gets. */
uint64_t owner_counters(struct shared *s, size_t n);
/* "<owner>-<counter>": a lease, a turn's id, the id of its reply. */
void owner_lease_text(const struct shared *s, uint64_t counter, char ret[STORE_TURN_ID_SIZE]);
/* False: the text is no lease. */
bool owner_lease_read(struct slice text, struct store_lease *ret);
static inline struct store_lease owner_lease(const struct shared *s, uint64_t counter)
{
	return (struct store_lease){ .owner = s->owner_number, .counter = counter };
}

/* ---- beats ---- */

/* Beats once before it returns, so that a take finds its owner; then by its thread. An error of that first beat is no
 * error of the start: the thread goes on trying. */
void owner_start(struct shared *s);
/* The thread has ended when this returns. Nothing to do where it was not started. */
void owner_stop(struct shared *s);
/* One beat now, on a connection of the pool: take or claim answered "unknown". */
MUST_CHECK enum err owner_beat(struct shared *s, struct why *why);

/* Answered beats were at most a lease / 2 apart, by the own clock and by Redis', for a whole lease until now: every other
 * process that lives has had time to beat too, so that what is found dead is dead. */
bool owner_may_sweep(struct shared *s);
/* A turn taken then (clock_boot_ms()) may be another's by now, so that Redis is asked before PostgreSQL: the last answered
 * beat is older than a lease / 2, or the turn than a lease. */
bool owner_was_cut_off(struct shared *s, int64_t taken_ms);

#endif
