/* metrics.h - what the service counts, in one list, rendered as Prometheus text (exposition format 0.0.4).
 *
 * Counters only grow and start at 0 with the process; gauges are set; histograms have fixed bounds in
 * microseconds and are shown in seconds. A name that appears several times in the list is one family
 * with a label. A label whose values are known only at run time has a list of its own. Any thread; only
 * metric_add_by() and its readers take a lock. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

/*  id, kind, family, label pair or "", help (of the first in the family) */
#define METRIC_LIST(X)                                                                                                 \
	X(RECEIVED, COUNTER, "webhook_received_total", "", "Customer messages accepted (durable, answered 200).")      \
	X(DUPLICATES, COUNTER, "webhook_duplicates_total", "", "Messages whose id was seen before.")                   \
	X(IGNORED_OUTBOX, COUNTER, "webhook_ignored_total", "kind=\"outbox\"", "Events that are no customer message.") \
	X(IGNORED_OUTBOX_STATUS, COUNTER, "webhook_ignored_total", "kind=\"outbox_status\"", "")                       \
	X(IGNORED_NEW_CLIENT, COUNTER, "webhook_ignored_total", "kind=\"new_client\"", "")                             \
	X(IGNORED_CLIENT_UPDATED, COUNTER, "webhook_ignored_total", "kind=\"client_updated\"", "")                     \
	X(IGNORED_TAG, COUNTER, "webhook_ignored_total", "kind=\"tag\"", "")                                           \
	X(IGNORED_DIALOG, COUNTER, "webhook_ignored_total", "kind=\"dialog\"", "")                                     \
	X(IGNORED_REQUEST, COUNTER, "webhook_ignored_total", "kind=\"request\"", "")                                   \
	X(IGNORED_COMMENT, COUNTER, "webhook_ignored_total", "kind=\"comment\"", "")                                   \
	X(IGNORED_SYSTEM, COUNTER, "webhook_ignored_total", "kind=\"system_message\"", "")                             \
	X(IGNORED_IMPORTED, COUNTER, "webhook_ignored_total", "kind=\"imported_message\"", "")                         \
	X(IGNORED_OPERATOR, COUNTER, "webhook_ignored_total", "kind=\"operator_status\"", "")                          \
	X(IGNORED_INBOX, COUNTER, "webhook_ignored_total", "kind=\"inbox_not_from_client\"", "")                       \
	X(IGNORED_OTHER, COUNTER, "webhook_ignored_total", "kind=\"other\"", "")                                       \
	X(REFUSED_MALFORMED, COUNTER, "webhook_refused_total", "reason=\"malformed\"", "Requests refused.")            \
	X(REFUSED_SIGNATURE, COUNTER, "webhook_refused_total", "reason=\"signature\"", "")                             \
	X(REFUSED_NOT_FOUND, COUNTER, "webhook_refused_total", "reason=\"not_found\"", "")                             \
	X(REFUSED_METHOD, COUNTER, "webhook_refused_total", "reason=\"method\"", "")                                   \
	X(REFUSED_TOO_LARGE, COUNTER, "webhook_refused_total", "reason=\"too_large\"", "")                             \
	X(REFUSED_UNAVAILABLE, COUNTER, "webhook_refused_total", "reason=\"unavailable\"", "")                         \
	X(REFUSED_DRAINING, COUNTER, "webhook_refused_total", "reason=\"draining\"", "")                               \
	X(TURNS, COUNTER, "turns_total", "outcome=\"finished\"", "Turns that workers ran.")                            \
	X(TURNS_FAILED, COUNTER, "turns_total", "outcome=\"failed\"", "")                                              \
	X(TURNS_STALE, COUNTER, "turns_total", "outcome=\"lease_lost\"", "")                                           \
	X(TURNS_RECOVERED, COUNTER, "turns_total", "outcome=\"recovered\"", "")                                        \
	X(TURNS_RECORDED, COUNTER, "turns_recorded_total", "",                                                         \
	    "Turns that were finished as a process had recorded them in PostgreSQL before it died.")                   \
	X(ROLLED_BACK_REDIS, COUNTER, "store_rolled_back_total", "server=\"redis\"",                                   \
	    "Turns that met a server which had lost what it had acknowledged.")                                        \
	X(ROLLED_BACK_POSTGRES, COUNTER, "store_rolled_back_total", "server=\"postgresql\"", "")                       \
	X(LANES_FREED, COUNTER, "lanes_freed_total", "", "Lanes that people's hands had stopped, set going.")          \
	X(REPLIES_RECALLED, COUNTER, "replies_recalled_total", "", "Replies that people removed from the outbox.")     \
	X(MESSAGES_FOUND, COUNTER, "messages_found_total", "", "Jobs that stood in no list, listed again.")            \
	X(REDIS_CONNECTIONS, COUNTER, "store_connections_total", "server=\"redis\"",                                   \
	    "Connections made to the servers.")                                                                        \
	X(POSTGRES_CONNECTIONS, COUNTER, "store_connections_total", "server=\"postgresql\"", "")                       \
	X(REDIS_LOST, COUNTER, "store_connections_lost_total", "server=\"redis\"",                                     \
	    "Connections that broke while in use or idle.")                                                            \
	X(POSTGRES_LOST, COUNTER, "store_connections_lost_total", "server=\"postgresql\"", "")                         \
	X(MESSAGES_APPLIED, COUNTER, "messages_total", "fate=\"applied\"", "Messages by what became of them.")         \
	X(MESSAGES_LATE, COUNTER, "messages_total", "fate=\"late\"", "")                                               \
	X(MESSAGES_STALE, COUNTER, "messages_total", "fate=\"stale\"", "")                                             \
	X(MESSAGES_DEAD, COUNTER, "messages_total", "fate=\"dead\"", "")                                               \
	X(MESSAGES_DUPLICATE, COUNTER, "messages_total", "fate=\"duplicate\"", "")                                     \
	X(REPLIES_SENT, COUNTER, "replies_total", "outcome=\"sent\"", "Replies by what became of a POST.")             \
	X(REPLIES_RETRIED, COUNTER, "replies_total", "outcome=\"retried\"", "")                                        \
	X(REPLIES_DEAD, COUNTER, "replies_total", "outcome=\"dead\"", "")                                              \
	X(MAYBE_DOUBLED, COUNTER, "replies_maybe_doubled_total", "",                                                   \
	    "Replies posted again where nobody can know whether the first POST was accepted.")                         \
	X(API_CALLS, COUNTER, "api_calls_total", "", "Calls of the Chat2Desk API, all kinds.")                         \
	X(API_429, COUNTER, "api_rate_limited_total", "",                                                              \
	    "Calls that Chat2Desk answered with its rate limit or quota.")                                             \
	X(ORDERS, COUNTER, "orders_total", "", "Orders placed.")                                                       \
	X(API_AWAY, GAUGE, "api_away", "", "1 while the Chat2Desk API is taken to be away.")                           \
	X(ACK_LATENCY, HISTOGRAM, "webhook_ack_seconds", "", "From the whole request to its answer.")                  \
	X(TURN_LATENCY, HISTOGRAM, "turn_seconds", "", "From taking a turn to its finish being true.")                 \
	X(REPLY_LATENCY, HISTOGRAM, "webhook_to_reply_seconds", "",                                                    \
	    "From a message's arrival to its reply being accepted by Chat2Desk.")                                      \
	X(API_LATENCY, HISTOGRAM, "api_call_seconds", "", "One call of the Chat2Desk API.")                            \
	X(STORE_LATENCY, HISTOGRAM, "store_commit_seconds", "", "One commit of the store, all verbs of its batch.")    \
	X(POSTGRES_LATENCY, HISTOGRAM, "postgres_seconds", "",                                                         \
	    "One transaction of finishes in PostgreSQL, all its turns.")                                               \
	X(STORE_SYNC, HISTOGRAM, "store_sync_seconds", "", "Making commits durable: one fdatasync of the log.")

enum metric {
#define X(id, kind, family, label, help) METRIC_##id,
	METRIC_LIST(X)
#undef X
	    METRIC_COUNT
};

/*  id, family, label, help: counters by a label with values of run time, as the states of a form */
#define METRIC_BY_LIST(X)                                                                                              \
	X(DROPPED_BY_STATE, "dialogs_dropped_total", "state", "Dialogs closed without an order, by their last state.") \
	X(REDIS_ERRORS, "redis_errors_total", "error", "Calls of Redis that failed, by the kind of failure.")          \
	X(POSTGRES_ERRORS, "postgres_errors_total", "error",                                                           \
	    "Transactions of PostgreSQL that failed, by the kind of failure.")

enum metric_by {
#define X(id, family, label, help) METRIC_##id,
	METRIC_BY_LIST(X)
#undef X
	    METRIC_BY_COUNT
};

enum {
	METRIC_VALUES_MAX = 64,     /* values of one label; what comes after them is counted as "other" */
	METRIC_VALUE_BYTES_MAX = 64 /* a longer value is "other" too */
};

void metric_add_by(enum metric_by m, struct slice value, int64_t n);
int64_t metric_value_by(enum metric_by m, struct slice value);

void metric_add(enum metric m, int64_t n);                /* counter */
void metric_set(enum metric m, int64_t value);            /* gauge */
void metric_observe(enum metric m, int64_t microseconds); /* histogram */
int64_t metric_value(enum metric m);                      /* counter or gauge; a histogram's count */
/* Appends all of them; names get the prefix chat2order_. The store's queue sizes are added by the page. */
void metrics_render(struct buf *out);

#endif
