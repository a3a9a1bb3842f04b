/* turn.c - one turn under way: moving, noting results, knowing what was shown. */
#include "dialog/turn.h"

#include "dialog/question.h"
#include "dialog/text.h"

#include <stdio.h>

const char turn_not_shown[] = "said before the question was shown";
const char turn_unasked[] = "said before the first question was shown";
const char turn_late[] = "late";
const char turn_cancelled[] = "said right behind a cancel";
const char turn_other_form[] = "answers a question of another form";

const struct form_language *turn_language(const struct dialog *d)
{
	return d->form->language[d->profile.language];
}

void turn_move(struct dialog *d, size_t step)
{
	struct dialog_state *s = &d->state;

	s->step = step;
	s->hints = 0;
	s->offer = s->questioned = SLICE_NONE;
	s->declined = s->doubted = s->changing = false;
	d->hinted = d->guessed = d->choosing = false;
	d->reason = SLICE_NONE;
	d->speaks = true;
}

/* The turn's id names the first dialog that begins in it; further ones get -2, -3. */
static void name_dialog(struct dialog *d)
{
	enum { ROOM = DIALOG_ID_MAX - 12 };
	struct slice turn = d->context.turn_id;
	int n = turn.n < ROOM ? (int)turn.n : ROOM;

	if (++d->begun == 1)
		(void)snprintf(d->state.id, sizeof d->state.id, "%.*s", n, n > 0 ? turn.p : "");
	else
		(void)snprintf(d->state.id, sizeof d->state.id, "%.*s-%u", n, n > 0 ? turn.p : "", d->begun);
}

void turn_begin(struct dialog *d)
{
	d->state = (struct dialog_state){ .open = true, .same_form = true };
	d->state.opened_ms = d->context.now_ms;
	name_dialog(d);
	turn_move(d, 0);
}

void turn_outcome(struct dialog *d, bool completed)
{
	struct dialog_state *s = &d->state;
	int64_t open_ms = s->opened_ms > 0 ? d->context.now_ms - s->opened_ms : 0;

	if (d->n_outcomes == DIALOG_OUTCOMES_MAX)
		return; /* no turn has so many messages */
	d->outcomes[d->n_outcomes++] = (struct dialog_outcome){
		.dialog_id = slice_copy(&d->arena, slice_of(s->id)),
		.completed = completed,
		.dropoff_state = completed ? SLICE_NONE : slice_of(state_name(d->form, s)),
		.total_messages = s->messages,
		.duration_s = open_ms > 0 ? open_ms / 1000 : 0,
	};
}

void turn_close(struct dialog *d)
{
	if (d->state.step != step_after(d->form))
		turn_outcome(d, false);
	d->state = (struct dialog_state){ 0 };
	d->hinted = d->guessed = d->choosing = false;
	d->reason = SLICE_NONE;
}

struct slice turn_text(struct dialog *d, enum form_text text, const struct blank *blanks, size_t n)
{
	struct buf out = { 0 };

	template_fill(&out, turn_language(d)->text[text], blanks, n);
	return text_take(&d->arena, &out);
}

/* The number of this dialog's order, or the mark where the store will put it. */
static struct slice order_number(struct dialog *d)
{
	static const char mark[] = { DIALOG_ORDER_MARK, '\0' };

	if (d->has_order)
		return slice_of(mark);
	return d->context.order_number > 0 ? text_of_number(&d->arena, d->context.order_number) : SLICE_NONE;
}

void turn_ask_again(struct dialog *d)
{
	d->speaks = d->speaks || question_is_open(d);
}

void turn_note(struct dialog *d, enum form_text text)
{
	const struct blank blanks[] = { { "order", order_number(d) } };
	struct slice note = turn_text(d, text, blanks, COUNT_OF(blanks));

	d->speaks = true;
	for (size_t i = 0; i < d->n_notes; i++)
		if (slice_eq(d->note[i], note))
			return;
	if (d->n_notes < TURN_NOTES_MAX)
		d->note[d->n_notes++] = note;
}

void turn_hint(struct dialog *d, struct slice reason)
{
	d->speaks = true;
	d->reason = reason;
	if (!d->hinted)
		d->state.hints++;
	d->hinted = true;
}

bool turn_was_shown(struct dialog *d, const struct heard *h)
{
	if (d->context.shown_ms == 0 || h->said_ms <= d->context.shown_ms || d->shown_question.n == 0)
		return false;
	return slice_eq(question_name(d, &d->arena), d->shown_question);
}

bool turn_was_asked(const struct dialog *d, const struct heard *h)
{
	return d->state.first_shown_ms != 0 && h->said_ms > d->state.first_shown_ms;
}
