/* talk.h - a customer and the dialog in a test: keeps state, profile and what was shown, as a store does. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include "dialog/dialog.h"

enum { TALK_TURN_MESSAGES = 32 };

struct talk {
	const struct dialog_form *form;
	int64_t now_ms;   /* moves on by itself: a second before and after each turn */
	int64_t shown_ms; /* of the open question; 0: not shown */
	bool undelivered; /* replies do not reach the customer */
	struct slice client_phone;
	int64_t order_number;
	struct slice order_status;
	unsigned turns;
	/* after each turn: */
	struct dialog_result result;
	struct dialog_mark marks[TALK_TURN_MESSAGES];
	size_t n_orders; /* over all turns */
	struct arena arena[2];
	struct slice state, profile, question; /* borrowed from result */
};

void talk_begin(struct talk *t, const struct dialog_form *form);
void talk_end(struct talk *t);
/* One turn of these messages; those with said_ms 0 are said now, after what was shown. */
void talk_turn(struct talk *t, struct dialog_message *messages, size_t n);
/* One turn of one text said now. */
void talk_say(struct talk *t, const char *text);
/* One turn of texts said at once, apart by |, after the question was shown. */
void talk_burst(struct talk *t, const char *texts);
void talk_expire(struct talk *t);
/* The name of the state it is in now. */
struct slice talk_state(const struct talk *t);
bool talk_replied(const struct talk *t, const char *part);

#endif
