/* dialog.h - one turn of one customer's dialog. Pure: no socket, no clock, no store.
 *
 *   struct dialog *d = dialog_begin(&context);
 *   for each message, oldest first: dialog_step(d, &message, &mark);
 *   dialog_end(&d, arena, &result);
 *
 * The same context and messages give the same result, byte for byte. All results of the turn's messages
 * (order placed, cancelled, a field refused) are kept and only the last question is asked: they leave as
 * one reply. A struct dialog belongs to one thread. Rules: docs/dialogs.md. */
#ifndef DIALOG_DIALOG_H
#define DIALOG_DIALOG_H

#include "base/err.h"
#include "base/kind.h"
#include "base/slice.h"
#include "dialog/form.h"

struct dialog;

/* In a reply's text, stands where the order's number belongs: the store, which gives the number, puts it
 * there. Customers' texts can't hold it: control characters are dropped. */
#define DIALOG_ORDER_MARK '\x1a'

/* What the turn starts from; everything is borrowed until dialog_end(). */
struct dialog_context {
	const struct dialog_form *form;
	struct slice turn_id;      /* unique; a dialog that begins in this turn is named after it */
	struct slice state;        /* as a former result gave it; empty: no dialog is open */
	struct slice profile;      /* the same; empty: none yet */
	int64_t shown_ms;          /* when the open question was shown (start of the accepted POST); 0: not yet */
	int64_t order_number;      /* of this dialog's placed order; 0: none */
	struct slice order_status; /* "new", "processing", "completed", "cancelled"; empty: none */
	int64_t now_ms;            /* wall time of the turn: for durations, and the latest time a state can hold */
};

struct dialog_message {
	enum kind kind;
	struct slice text; /* UTF-8 or not: checked and cleaned here */
	struct slice coordinates;
	struct slice client_phone; /* the number Chat2Desk knows of this client, or empty: is offered */
	int64_t said_ms;           /* on the store's clock; equal to shown_ms counts as before it */
	bool late;                 /* said before the last applied message: may fill an open field, no more */
};

/* What became of one message: for its log row. */
struct dialog_mark {
	const char
	    *state; /* the state it found: INITIAL, WAITING_ADDRESS, ..., COMPLETED; lives with the dialog's form */
	bool
	    applied; /* false: it changed nothing, reason says why ("late", "said before the question was shown", ...) */
	const char *reason; /* static text, NULL when applied */
};

enum { DIALOG_OUTCOMES_MAX = 64, DIALOG_FIELDS_MAX = 32, DIALOG_ID_MAX = 80 };

struct dialog_order {
	struct slice dialog_id; /* makes the order unique */
	struct slice address, phone;
	int64_t quantity;
	struct slice fields; /* all fields, JSON object */
};

struct dialog_outcome {
	struct slice dialog_id;
	bool completed;
	struct slice dropoff_state; /* empty when completed */
	int64_t total_messages, duration_s;
};

/* Everything lives in the arena given to dialog_end(). */
struct dialog_result {
	struct slice state;     /* opaque to all others (JSON); empty: no dialog is open any more */
	struct slice dialog_id; /* of the dialog now open (also in its after-order state); empty: none */
	struct slice profile;   /* opaque (JSON) */
	bool profile_changed;
	struct slice reply;    /* at most the form's reply limit; empty: say nothing */
	struct slice question; /* names the question now open and the fields shown in it; equal text means the
	                           same question shown again; empty: none is open */
	struct dialog_order order;
	bool has_order; /* at most one a turn: a second summary can't have been shown yet */
	struct dialog_outcome outcomes[DIALOG_OUTCOMES_MAX];
	size_t n_outcomes;
};

struct dialog *dialog_begin(const struct dialog_context *context);
void dialog_step(struct dialog *d, const struct dialog_message *message, struct dialog_mark *ret);
/* The dialog was idle too long: closes it as dropped with its state; says nothing. */
void dialog_expire(struct dialog *d);
/* Makes the result and frees d; *d is NULL afterwards. */
void dialog_end(struct dialog **d, struct arena *arena, struct dialog_result *ret);

/* Loads the telephone number plans, which takes some 10 ms at the first use: call it once at start. */
void dialog_phone_warm(void);

#endif
