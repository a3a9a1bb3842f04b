/* sender.h - the stage that hands replies to Chat2Desk.
 *
 * It claims what is due in the store, posts up to SEND_CONCURRENCY at once, and reports each outcome; it
 * never holds more than twice that many. A lone reply goes out at once; a flood is claimed and reported in
 * batches. Threads: a claimer and a reporter that face the store and may wait for it, and the transfer
 * pool's own. When the API is in trouble (breaker.h) replies are given back unspent, and single probes find
 * out when it is over. */
#ifndef SERVICE_SENDER_H
#define SERVICE_SENDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sender;
struct settings;
struct store;
struct store_replies;

/* Told when the API's health changes; reason is "" when it is well. Any thread; must not wait, nor call back. */
typedef void sender_report(void *context, bool ok, const char *reason);

/* settings and store must outlive the sender. */
MUST_CHECK enum err sender_start(const struct settings *settings, struct store *store, sender_report *report,
    void *context, struct sender **ret, struct why *why);
/* How many replies a worker may have claimed for this sender within its finish; 0 while the API is in trouble
 * or the sender is stopping. */
size_t sender_room(struct sender *sender);
/* Takes over replies that are claimed already (by store_finish); *replies is empty afterwards. Any thread,
 * until sender_stop() begins. */
void sender_take(struct sender *sender, struct store_replies *replies);
/* Claims no more, gives back what is not posted yet, lets POSTs under way end for up to DRAIN_MS and cuts the
 * rest, reports all of it, ends. The store must still be open. NULL is fine; *sender is NULL afterwards. */
void sender_stop(struct sender **sender);

/* For how long a claim or an outcome has been overdue although the API is well; 0: nothing is. Replies that back
 * off, or wait for the rate limit or for the API, are not overdue. Any thread, until sender_stop() begins. */
int64_t sender_stalled_ms(struct sender *sender);

#endif
