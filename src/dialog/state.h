/* state.h - where a dialog stands and what was answered; the profile that outlives it. Written as JSON. */
#ifndef DIALOG_STATE_H
#define DIALOG_STATE_H

#include "base/buf.h"
#include "dialog/form_data.h"

struct value {
	bool set;
	struct slice text; /* text, phone: as stored; choice: the option's name */
	int64_t number;    /* integer: the number; choice: the option's index */
};

/* step: 0 to n_fields-1 waits for that field, n_fields for the confirmation, n_fields+1 is over (after the order). */
struct dialog_state {
	bool open; /* false: no dialog, the rest is unset */
	size_t step;
	struct value value[DIALOG_FIELDS_MAX];
	char id[DIALOG_ID_MAX];
	int64_t opened_ms, last_ms;
	int64_t first_shown_ms;  /* when its first question was seen to be shown; 0: not yet */
	int64_t messages;        /* of the customer in this dialog */
	int64_t hints;           /* given at this step */
	struct slice offer;      /* a value that a yes takes; empty: none */
	struct slice questioned; /* an address that was asked about: said again, it is taken */
	bool declined;           /* the offer was refused: none is made again at this step */
	bool doubted;            /* the offer is a number we asked about once more */
	bool changing;           /* this field is changed from the summary */
	bool wishes;             /* after the order: he was asked what is to be changed */
	bool same_form;          /* written under this very form */
	bool moved;              /* written under another form, whose step this one lacks */
};

struct profile {
	size_t language;                       /* index in the form */
	struct value value[DIALOG_FIELDS_MAX]; /* of the last order */
};

static inline size_t step_confirm(const struct dialog_form *form)
{
	return form->n_fields;
}

static inline size_t step_after(const struct dialog_form *form)
{
	return form->n_fields + 1;
}

/* "INITIAL", "WAITING_ADDRESS", ...; lives with the form. */
const char *state_name(const struct dialog_form *form, const struct dialog_state *s);
/* The first field without a value, else the confirmation. */
size_t state_next_step(const struct dialog_form *form, const struct dialog_state *s);

/* Reads what a former turn wrote, of any form's version. What can't be read is no dialog; values that this
 * form does not take are left out. fallback_id names a dialog that was written without one. */
void state_decode(struct arena *a, const struct dialog_form *form, struct slice json, struct slice fallback_id,
    struct dialog_state *ret);
struct slice state_encode(struct arena *a, const struct dialog_form *form, const struct dialog_state *s);

void profile_decode(struct arena *a, const struct dialog_form *form, struct slice json, struct profile *ret);
struct slice profile_encode(struct arena *a, const struct dialog_form *form, const struct profile *p);

/* All values that are set, as a JSON object in the form's order. */
void state_write_values(struct buf *out, const struct dialog_form *form, const struct value *values);

#endif
