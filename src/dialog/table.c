/* table.c - the step table: what each event does in each kind of step. */
#include "dialog/table.h"

/* clang-format off */
const struct cell step_table[STEP_KIND_COUNT][EVENT_COUNT] = {
	[STEP_NONE] = {
		[EVENT_YES]       = { act_open, 0 },
		[EVENT_NO]        = { act_open, 0 },
		[EVENT_CANCEL]    = { act_nothing_to_cancel, 0 },
		[EVENT_RESTART]   = { act_open, 0 },
		[EVENT_BACK]      = { act_open, 0 },
		[EVENT_HELP]      = { act_help, 0 },
		[EVENT_OPERATOR]  = { act_operator, 0 },
		[EVENT_THANKS]    = { act_thanks, 0 },
		[EVENT_STATUS]    = { act_no_order, 0 },
		[EVENT_CHANGE]    = { act_open, 0 },
		[EVENT_NEW_ORDER] = { act_open, 0 },
		[EVENT_GREETING]  = { act_open, 0 },
		[EVENT_TEXT]      = { act_open, 0 },
		[EVENT_LOCATION]  = { act_open, 0 },
		[EVENT_MEDIA]     = { act_open, 0 },
		[EVENT_YES_ASKED] = { act_open, 0 },
		[EVENT_EXPIRE]    = { act_ignore, 0 },
	},
	[STEP_FIELD] = {
		[EVENT_YES]       = { act_take_offer, 0 },
		[EVENT_NO]        = { act_decline_offer, 0 },
		[EVENT_CANCEL]    = { act_cancel, 0 },
		[EVENT_RESTART]   = { act_restart, 0 },
		[EVENT_BACK]      = { act_back, 0 },
		[EVENT_HELP]      = { act_help, 0 },
		[EVENT_OPERATOR]  = { act_operator, 0 },
		[EVENT_THANKS]    = { act_chat, 0 },
		[EVENT_STATUS]    = { act_no_order, 0 },
		[EVENT_CHANGE]    = { act_chat, 0 },
		[EVENT_NEW_ORDER] = { act_chat, 0 },
		[EVENT_GREETING]  = { act_chat, 0 },
		[EVENT_TEXT]      = { act_answer, CELL_LATE },
		[EVENT_LOCATION]  = { act_place, CELL_LATE },
		[EVENT_MEDIA]     = { act_media, 0 },
		[EVENT_YES_ASKED] = { act_chat, 0 },
		[EVENT_EXPIRE]    = { act_expire, 0 },
	},
	[STEP_CONFIRM] = {
		[EVENT_YES]       = { act_order, CELL_SHOWN },
		[EVENT_NO]        = { act_cancel, CELL_SHOWN },
		[EVENT_CANCEL]    = { act_cancel, 0 },
		[EVENT_RESTART]   = { act_restart, 0 },
		[EVENT_BACK]      = { act_back, 0 },
		[EVENT_HELP]      = { act_help, 0 },
		[EVENT_OPERATOR]  = { act_operator, 0 },
		[EVENT_THANKS]    = { act_chat, 0 },
		[EVENT_STATUS]    = { act_no_order, 0 },
		[EVENT_CHANGE]    = { act_which_line, CELL_SHOWN },
		[EVENT_NEW_ORDER] = { act_chat, 0 },
		[EVENT_GREETING]  = { act_chat, 0 },
		[EVENT_TEXT]      = { act_choose_line, 0 },
		[EVENT_LOCATION]  = { act_place, 0 },
		[EVENT_MEDIA]     = { act_media, 0 },
		[EVENT_YES_ASKED] = { act_chat, 0 },
		[EVENT_EXPIRE]    = { act_expire, 0 },
	},
	[STEP_AFTER] = {
		[EVENT_YES]       = { act_already_placed, 0 },
		[EVENT_NO]        = { act_after, 0 },
		[EVENT_CANCEL]    = { act_change_after, 0 },
		[EVENT_RESTART]   = { act_again, 0 },
		[EVENT_BACK]      = { act_after, 0 },
		[EVENT_HELP]      = { act_help, 0 },
		[EVENT_OPERATOR]  = { act_operator, 0 },
		[EVENT_THANKS]    = { act_thanks, 0 },
		[EVENT_STATUS]    = { act_status, 0 },
		[EVENT_CHANGE]    = { act_change_after, 0 },
		[EVENT_NEW_ORDER] = { act_again, 0 },
		[EVENT_GREETING]  = { act_after, 0 },
		[EVENT_TEXT]      = { act_remark, 0 },
		[EVENT_LOCATION]  = { act_remark, 0 },
		[EVENT_MEDIA]     = { act_remark, 0 },
		[EVENT_YES_ASKED] = { act_already_placed, 0 },
		[EVENT_EXPIRE]    = { act_expire, 0 },
	},
};
/* clang-format on */

static enum step_kind kind_of(const struct dialog *d)
{
	if (!d->state.open)
		return STEP_NONE;
	if (d->state.step < d->form->n_fields)
		return STEP_FIELD;
	return d->state.step == step_confirm(d->form) ? STEP_CONFIRM : STEP_AFTER;
}

/* What answers a question rather than commands. */
static bool is_answer(enum event event)
{
	return event == EVENT_YES || event == EVENT_NO || event == EVENT_CHANGE || event == EVENT_TEXT ||
	       event == EVENT_LOCATION || event == EVENT_MEDIA || event == EVENT_YES_ASKED;
}

/* His step is gone with the form that had it: the questions go on where a field is open, the answer is asked anew. */
static bool greets_moved(struct dialog *d, const struct heard *h)
{
	if (!d->state.moved || h->event == EVENT_EXPIRE)
		return false;
	d->state.moved = false;
	turn_note(d, TEXT_RESUMED);
	return is_answer(h->event);
}

static const char *feed(struct dialog *d, const struct heard *h)
{
	const struct cell *cell = &step_table[kind_of(d)][h->event];

	if (h->late && (cell->flags & CELL_LATE) == 0)
		return turn_late;
	if (greets_moved(d, h))
		return turn_other_form;
	if ((cell->flags & CELL_SHOWN) != 0 && !turn_was_shown(d, h)) {
		turn_note(d, TEXT_EARLY);
		return turn_not_shown;
	}
	return cell->act(d, h);
}

const char *table_feed(struct dialog *d, const struct heard *h)
{
	const char *reason = feed(d, h);

	if (h->late && reason != NULL)
		turn_ask_again(d); /* so that a customer whose messages all look late is not met with silence */
	return reason;
}
