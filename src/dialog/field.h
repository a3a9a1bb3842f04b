/* field.h - what a message says for a field: the value, or why it is none. Pure; any thread. */
#ifndef DIALOG_FIELD_H
#define DIALOG_FIELD_H

#include "dialog/state.h"

struct answer {
	enum {
		ANSWER_TAKEN,
		ANSWER_DOUBTED, /* value is possible, no more */
		ANSWER_GUESSED, /* value is what he may have meant */
		ANSWER_REFUSED  /* reason says why, about seen */
	} how;
	struct value value;
	bool by_number; /* an option taken by its number */
	enum form_text reason;
	struct slice seen; /* what the reason is about: his text, or the number understood */
	size_t count;      /* characters, for TOO_SHORT and TOO_LONG */
};

/* text is cleaned; folded is it folded. What is read lives in the arena. */
void field_read(struct arena *a, const struct dialog_form *form, size_t field, struct slice text, struct slice folded,
    struct answer *ret);
/* Whether a value of a former turn, perhaps under another form, fits this field; sets a choice's index. */
bool field_accepts(const struct dialog_form *form, size_t field, struct value *v);
/* The value as a person reads it; numbers are written into the arena. */
struct slice field_show(struct arena *a, const struct dialog_form *form, const struct form_language *l, size_t field,
    const struct value *v);
/* A line's number typed by a customer: "2", "2.", "#2", "two". 0: none. */
size_t field_line_number(struct arena *a, const struct dialog_form *form, struct slice text, size_t most);

#endif
