/* store.h - everything that outlives a crash: messages in lanes, dialogs, profiles, the outbox, orders, logs.
 *
 * One interface, several implementations; one conformance suite (tests/conformance) runs over each, and
 * behaviour that differs is a bug. All verbs work on arrays and block until their batch is true; what
 * arrives while one batch is under way becomes the next: there is no timer and no added delay.
 *
 * A verb's own result is about the batch: ERR_OK, or a RETRY outcome (NO_SPACE, IO, AGAIN, STOPPED) after
 * which nothing of it has happened. What concerns a single element is in that element's own field. Any
 * thread may call any verb at any time. Times are wall ms UTC on the store's clock unless a name says
 * otherwise. Lanes, turns, leases, late and stale: docs/architecture.md.
 * What a verb has to say of its failure is asked for by store_said().
 *
 *   stage    verbs
 *   intake   store_add, or store_add_begin
 *   worker   store_take -> store_finish or store_fail
 *   sender   store_claim, store_sent, store_rate
 *   keeper   store_keep
 *   people   store_counts, store_dead*, store_order*, store_logs, store_funnel
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/kind.h"
#include "base/slice.h"

struct store;

enum {
	STORE_TURN_MESSAGES_MAX = 32, /* messages of one turn */
	STORE_TURN_ID_SIZE = 48,      /* bytes of a turn's or reply's id with its NUL */
	STORE_REASON_MAX = 300,       /* bytes of a reason kept */
	STORE_NOTES_MAX = 8           /* checks that a store adds to health's own */
};

enum store_role {
	STORE_SERVICE, /* all in one: takes messages in, works, sends. Embedded: the one service, which takes the lock */
	STORE_INTAKE,  /* shared store only: takes messages in, and spools them while Redis is away */
	STORE_WORKER,  /* shared store only: works, sends, keeps */
	STORE_BESIDE   /* a command beside them: looks and acts in small steps */
};

struct settings;
/* The embedded store, or the shared one where the settings name Redis and PostgreSQL.
 * why: which folder or server, what is wrong with it, what to do. ERR_IN_USE: another service runs on it;
 * ERR_NEWER_VERSION: a newer chat2order wrote it; ERR_NOT_FOUND: BESIDE, and there is no store. ERR_INVALID: the settings
 * name only one of the two servers, or a role that the store does not have. */
MUST_CHECK enum err store_open(
    const struct settings *settings, enum store_role role, struct store **ret, struct why *why);
/* An open store may lack servers that it stands on (shared, not BESIDE): until this is OK only store_add() (which spools meanwhile),
 * store_keep() and store_counts() may be called. It tells what is waited for (waiting.h) and returns when they are there; OK at
 * once where nothing is missing. STOPPED: it was told to give up. A REFUSE outcome as of store_open(): seen only now. */
MUST_CHECK enum err store_wait(struct store *s, struct why *why);
/* Wakes every blocked take and claim with ERR_STOPPED; verbs other than these two still work. */
void store_stop_waiting(struct store *s);
void store_close(struct store **s); /* no verb may be under way; NULL is fine, *s is NULL afterwards */

/* The sentence of the calling thread's last verb, which ended with e: cause and cure, for logs and health, without a customer's
 * words and without secrets; err_text(e) where the verb had nothing to add. Until that thread's next verb. */
const char *store_said(enum err e);
/* May the store be opened with these settings, as far as they tell by themselves? INVALID: why begins with the setting's name, where
 * one is at fault, and names the cure. */
MUST_CHECK enum err store_check_settings(const struct settings *settings, struct why *why);

/* ---- intake ------------------------------------------------------------------------------------- */

struct store_message {
	struct slice message_id, client_id;
	enum kind kind;
	struct slice text, coordinates, transport, client_phone;
	int64_t channel_id; /* 0: not said */
	int64_t event_ms;   /* raw, as Chat2Desk wrote it; 0: none */
	/* given by the store: */
	int64_t arrived_ms;
	int64_t said_ms; /* event_ms moved onto the store's clock, never after arrived_ms */
	bool late;       /* a dead letter retried within its dialog */
	bool forced;     /* a dead letter retried as a new arrival */
	int64_t place;   /* the store's own: where it stands in the order of arrival */
};

enum store_added { STORE_ADDED, STORE_DUPLICATE };

/* ERR_OK: each is on stable storage, or is a duplicate of one that is; ret[i] says which. Two equal ids
 * in one call are a message and its duplicate. Order of arrival is order in the arrays. */
MUST_CHECK enum err store_add(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret);

/* store_add() for one who does not wait. When it returns, the messages have their place before all that are begun later; the
 * outcome of store_add() is told to added(), once, by a thread of the store and never within the begin; store_said() is that
 * thread's. added() must not wait, and calls no verb but the next begin. Until then messages and ret stay where they are, and the
 * store is not closed. Not BESIDE. */
struct store_adding {
	const struct store_message *messages;
	size_t n;
	enum store_added *ret;
	void (*added)(struct store_adding *adding, enum err err);
	struct store_adding *next; /* the store's own */
};
void store_add_begin(struct store *s, struct store_adding *adding);
/* How many adds are worth being under way at once: 1 where each waits for the one before it. */
size_t store_adds_at_once(const struct store *s);

/* ---- worker ------------------------------------------------------------------------------------- */

struct store_lease {
	uint64_t owner;   /* random per start of a process */
	uint64_t counter; /* that owner's own */
};

struct store_turn {
	struct store_lease lease;
	char turn_id[STORE_TURN_ID_SIZE]; /* unique for ever; also the id of its reply */
	struct slice client_id;
	bool alone;                     /* held in a crash before: the only turn in this process */
	unsigned attempt;               /* 1 for the first run */
	bool expired;                   /* no messages: the dialog was silent too long and is to be closed */
	struct store_message *messages; /* oldest first */
	size_t n_messages;
	struct slice dialog, dialog_id, profile; /* as a former finish gave them; empty: none */
	int64_t shown_ms;                        /* when the open question was shown; 0: not yet */
	int64_t last_event_ms;                   /* largest raw event time applied in this lane; 0: none */
	int64_t order_number;                    /* of this dialog's order; 0: none */
	struct slice order_status;
	int64_t taken_ms;
	int64_t lane, held_to;     /* the store's own: its number of the lane; the place of the last message held */
	struct slice asked;        /* the store's own: the question that is open */
	int64_t oldest_arrived_us; /* monotonic arrival of the oldest message if it arrived in this process, else 0 */
};

/* An array of turns with all that they point to. A zeroed struct is empty. */
struct store_turns {
	struct arena arena;
	struct store_turn *turn;
	size_t n;
};

/* Takes up to most turns; waits up to wait_ms for the first. ERR_OK with n == 0: none was due.
 * Turns taken stay held until finished, failed or their lease ends. */
MUST_CHECK enum err store_take(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret);
void store_turns_free(struct store_turns *turns);

struct store_log { /* one for each message of the turn, in its order */
	const char *dialog_state;
	bool success;
	const char *reason; /* NULL on success */
};

struct store_order_new {
	struct slice dialog_id, address, phone, fields;
	int64_t quantity;
};

struct store_outcome {
	struct slice dialog_id, dropoff_state;
	bool completed;
	int64_t total_messages, duration_s;
};

struct store_result {
	const struct store_turn *turn;
	struct slice dialog, dialog_id; /* empty dialog: none is open any more */
	struct slice profile;           /* p == NULL: unchanged */
	struct slice question;          /* the question now open; when it equals the former one, shown_ms is kept */
	struct slice reply;             /* empty: none. Each byte STORE_ORDER_MARK becomes the order's number */
	int64_t reply_channel_id;
	struct slice reply_transport;
	int64_t last_event_ms;
	const struct store_log *logs;        /* turn->n_messages of them */
	const struct store_order_new *order; /* NULL: none */
	const struct store_outcome *outcomes;
	size_t n_outcomes;
	/* given by the store: */
	/* OK; STALE_LEASE: nothing of it happened by this call (in a shared store it may yet become true as recorded); or
	 * FAILED: its own failure, see store_fail() */
	enum err err;
	int64_t order_number; /* of the order placed; 0: none */
};
#define STORE_ORDER_MARK '\x1a'

struct store_reply {
	char reply_id[STORE_TURN_ID_SIZE];
	struct store_lease lease;
	struct slice client_id, text, transport;
	struct slice question;   /* the store's own: the question it asks, */
	int64_t lane;            /* and its number of the lane */
	struct slice message_id; /* the newest message it answers */
	int64_t channel_id;
	unsigned attempt; /* of its own attempts, 1 for the first */
	bool doubtful;    /* an earlier POST of it may have been accepted: posting again counts as maybe doubled */
	int64_t created_ms;
	int64_t arrived_us;     /* monotonic arrival of the oldest message it answers, in this process; 0: unknown */
	int64_t post_before_ms; /* monotonic: no POST begins later, the claim may then be another's; 0: not said */
};

struct store_replies {
	struct arena arena;
	struct store_reply *reply;
	size_t n;
};

/* Makes results true, each whole or not at all. claimed: NULL, or receives those of the new replies that
 * this very step also claimed for this process's sender, as far as it granted rate slots (at most
 * claim_most); the others are in the outbox for store_claim(). */
MUST_CHECK enum err store_finish(
    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed);

struct store_failure {
	const struct store_turn *turn;
	bool give_back;     /* the surroundings failed: nothing is spent, due again at once */
	const char *reason; /* of the turn's own failure */
	enum err err;       /* given by the store: OK or STALE_LEASE */
	bool buried;        /* given by the store: attempts were used up, its one message is now a dead letter */
};
/* A turn's own failure: a turn of several messages is run again message by message; a turn of one spends
 * an attempt, backs off, and with the last one its message becomes a dead letter. */
MUST_CHECK enum err store_fail(struct store *s, struct store_failure *failures, size_t n);

/* ---- sender ------------------------------------------------------------------------------------- */

/* Claims up to most replies that are due, each with one slot of the rate window; waits up to wait_ms for
 * the first. ERR_OK with n == 0: none was due or no slot free. Oldest due first; one given back goes to
 * the end, so that a probe's next claim meets another client. */
MUST_CHECK enum err store_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret);
void store_replies_free(struct store_replies *replies);

struct store_sent {
	const struct store_reply *reply;
	enum store_sent_how {
		STORE_SENT_ACCEPTED,
		STORE_SENT_RETRY, /* an attempt is spent; due again after delay_ms */
		STORE_SENT_DEAD,  /* dead letter with reason; its lane goes on */
		STORE_SENT_BACK   /* nothing spent; due again after delay_ms */
	} how;
	bool doubtful;     /* RETRY, BACK: the POST may have been accepted */
	bool unused;       /* BACK: no call was made, its rate slot is returned */
	int64_t posted_ms; /* wall start of the accepted POST: becomes shown_ms of its question */
	int64_t delay_ms;
	const char *reason; /* RETRY, DEAD, BACK */
	enum err err;       /* given by the store: OK or STALE_LEASE */
};
MUST_CHECK enum err store_sent(struct store *s, struct store_sent *sent, size_t n);

/* One slot of the rate window for a call that is no reply. ERR_AGAIN: none free now. */
MUST_CHECK enum err store_rate(struct store *s);

/* ---- keeper ------------------------------------------------------------------------------------- */

struct store_kept {
	size_t leases_ended; /* turns taken back from a hung thread */
	size_t pruned;       /* rows removed */
	bool more;           /* call again soon: a step was cut short */
	int64_t
	    clock_jump_ms; /* the wall clock was set back by so much since the last call; stored times were mended */
	enum err writable; /* OK, or why intake is refused: NO_SPACE, IO */
	struct why why;    /* the sentence for health when not writable */
	const char *
	    durability; /* what an answered message survives: "fsync"; shared: as Redis is set, "always", "everysec", ... */
	size_t n_notes;
	struct store_note {
		const char *check; /* "redis": a literal */
		bool ok;
		bool grave;       /* where not ok, the process is not healthy */
		char text[256];   /* the sentence; may be told though ok */
	} notes[STORE_NOTES_MAX]; /* what else health should show */
};
/* Renews this process's leases (not of a turn older than STORE_HUNG_MS), takes back ended ones, prunes in
 * small steps, watches disk and clock. To be called about once a second. */
enum { STORE_HUNG_MS = 60000 };
MUST_CHECK enum err store_keep(struct store *s, struct store_kept *ret);

/* ---- people ------------------------------------------------------------------------------------- */

struct store_counts {
	int64_t waiting;  /* messages whose lane is free: no worker has seen them yet */
	int64_t in_lanes; /* messages behind a busy lane */
	int64_t active;   /* messages held by workers */
	int64_t lanes_in_turn, lanes_speaking, lanes_backing_off;
	int64_t replies_waiting, replies_claimed;
	int64_t dead_messages, dead_replies;
	int64_t dialogs_open;      /* unfinished */
	int64_t oldest_waiting_ms; /* age of the oldest message not yet held; 0: none */
	int64_t spooled;           /* messages in this process's spool, not yet in the store */
	int64_t spooled_bytes;     /* of that spool's file in use while anything stands there */
	int64_t oldest_spooled_ms; /* age of its oldest message; 0: none */
	int64_t oldest_reply_ms;   /* age of the oldest reply not yet accepted; 0: none */
};
MUST_CHECK enum err store_counts(struct store *s, struct store_counts *ret);

/* Lists are read page by page: ask for rows after the id of the last one until n comes back 0. */

enum store_dead_kind { STORE_DEAD_ANY, STORE_DEAD_MESSAGE, STORE_DEAD_REPLY };
struct store_dead {
	int64_t id;
	enum store_dead_kind kind;
	struct slice client_id;
	struct slice ref; /* message id or reply id */
	struct slice text, reason, dialog_id;
	struct slice transport;
	int64_t channel_id, died_ms, created_ms;
	unsigned attempts;
};
struct store_dead_filter {
	enum store_dead_kind kind;
	struct slice client_id;     /* empty: all */
	struct slice reason;        /* a part of it; empty: all */
	int64_t since_ms, until_ms; /* died; 0: open */
};
MUST_CHECK enum err store_dead_list(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n);
/* NOT_FOUND when there is no such dead letter. */
MUST_CHECK enum err store_dead_show(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret);

enum store_dead_retried { STORE_DEAD_RETRIED, STORE_DEAD_GONE, STORE_DEAD_OTHER_DIALOG };
/* Puts dead letters back. A message counts as late within the dialog it died in; one that died before any dialog
 * was open, while none is, is a new arrival; otherwise it stays dead (OTHER_DIALOG) unless forced, which makes it a
 * new arrival in any case. A reply goes into the outbox again. */
MUST_CHECK enum err store_dead_retry(
    struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret);
MUST_CHECK enum err store_dead_remove(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed);

#define STORE_ORDER_STATUSES "new|processing|completed|cancelled"
struct store_order {
	int64_t id, quantity, created_ms, updated_ms;
	struct slice client_phone, delivery_address, source, client_id, status, dialog_id, fields;
};
struct store_order_filter {
	struct slice status, client_id, phone; /* empty: all */
	int64_t since_ms, until_ms;            /* created; 0: open */
};
/* Newest first: before is the id to continue below, 0 at the start. */
MUST_CHECK enum err store_order_list(struct store *s, const struct store_order_filter *filter, int64_t before,
    size_t most, struct arena *arena, struct store_order **ret, size_t *n);
MUST_CHECK enum err store_order_show(struct store *s, int64_t id, struct arena *arena, struct store_order *ret);
MUST_CHECK enum err store_order_status(struct store *s, int64_t id, struct slice status);

struct store_log_row {
	int64_t id, timestamp_ms, created_ms;
	struct slice client_id, message_id, text, dialog_state, error_reason;
	bool success;
};
MUST_CHECK enum err store_logs(struct store *s, struct slice client_id, int64_t before, size_t most,
    struct arena *arena, struct store_log_row **ret, size_t *n);

struct store_funnel {
	int64_t completed, dropped;
	size_t n_states;
	struct {
		char state[64];
		int64_t dropped;
	} state[64];
};
MUST_CHECK enum err store_funnel(struct store *s, int64_t since_ms, struct store_funnel *ret);

#endif
