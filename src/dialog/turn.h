/* turn.h - one turn under way: what the actions of the step table read and change. This room only. */
#ifndef DIALOG_TURN_H
#define DIALOG_TURN_H

#include "dialog/state.h"
#include "dialog/template.h"

/* What a message is to the dialog. The first ones are the meanings of words, in their order. */
enum event {
#define X(name, key) EVENT_##name,
	MEANING_LIST(X)
#undef X
	    EVENT_TEXT = EVENT_POLITE, /* politeness alone is a text like any other */
	EVENT_LOCATION,
	EVENT_MEDIA,     /* photo, voice, ... without words */
	EVENT_YES_ASKED, /* "yes?": a yes with a question mark, which is none */
	EVENT_EXPIRE,
	EVENT_COUNT
};

struct heard {
	enum event event;
	enum kind kind;
	struct slice text, folded; /* cleaned; folded for word lists */
	struct slice coordinates;
	int64_t said_ms;
	bool late;
};

enum { TURN_NOTES_MAX = TEXT_COUNT }; /* each text once */

struct dialog {
	struct arena arena;
	struct dialog_context context;
	const struct dialog_form *form;
	struct dialog_state state;
	struct profile profile;
	bool profile_changed;
	struct slice shown_question; /* what context.shown_ms is about; empty: nothing was shown */
	struct slice client_phone;   /* the latest that came with a message */
	unsigned begun;              /* dialogs begun in this turn */
	bool cancelled;              /* a dialog was cancelled in this turn */

	/* the reply so far */
	struct slice note[TURN_NOTES_MAX]; /* results, in order */
	size_t n_notes;
	bool speaks;         /* the turn has something to answer */
	bool hinted;         /* the open question was answered wrong in this turn */
	bool guessed;        /* the offer is what he may have meant */
	bool choosing;       /* he wants to change a line and did not say which */
	bool thanked;        /* what he wants changed in a placed order was thanked for */
	struct slice reason; /* why the answer was wrong; empty: none to tell */

	struct dialog_order order;
	bool has_order;
	struct dialog_outcome outcomes[DIALOG_OUTCOMES_MAX];
	size_t n_outcomes;
};

/* Why a message changed nothing; static texts for the log. */
extern const char turn_not_shown[], turn_unasked[], turn_late[], turn_other_form[], turn_cancelled[];

const struct form_language *turn_language(const struct dialog *d);

/* The only function that moves an open dialog from one step to another. */
void turn_move(struct dialog *d, size_t step);
/* Begins a dialog at its first step; none may be open. */
void turn_begin(struct dialog *d);
/* Closes the open dialog: dropped at its state, or silently after its order. */
void turn_close(struct dialog *d);
/* Notes the outcome of the open dialog. */
void turn_outcome(struct dialog *d, bool completed);

/* The reply has the open question, if there is one, though nothing was applied. */
void turn_ask_again(struct dialog *d);
/* Adds a result to the reply; one said already in this turn is not said again. */
void turn_note(struct dialog *d, enum form_text text);
/* The open question was answered wrong, for this reason (or SLICE_NONE): the next hint, once a turn. */
void turn_hint(struct dialog *d, struct slice reason);
/* A text of the form with its placeholders filled, in the turn's arena. */
struct slice turn_text(struct dialog *d, enum form_text text, const struct blank *blanks, size_t n);

/* Whether he said it after the question now open was shown to him with these very fields. */
bool turn_was_shown(struct dialog *d, const struct heard *h);
/* Whether he said it after this dialog had asked him anything. */
bool turn_was_asked(const struct dialog *d, const struct heard *h);

#endif
