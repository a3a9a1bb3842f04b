/* dialog.c - one turn of one customer's dialog: begin, step, end. */
#include "dialog/dialog.h"

#include "dialog/question.h"
#include "dialog/table.h"
#include "dialog/text.h"

#include <stdlib.h>

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Times of the state lie ahead when the machine's clock was set back since: nothing in it is later than now, and the
 * first question was not shown after the open one. */
static void mend_times(struct dialog *d)
{
	struct dialog_state *s = &d->state;
	int64_t now = d->context.now_ms, shown = d->context.shown_ms;

	s->opened_ms = least(s->opened_ms, now);
	s->last_ms = least(s->last_ms, now);
	s->first_shown_ms = least(s->first_shown_ms, shown > 0 ? least(shown, now) : now);
}

/* The context knows when a question was shown; the state, read back as it was, knows which. Another form may ask
 * the same in other words, so what it showed counts for nothing. */
static void know_what_was_shown(struct dialog *d)
{
	if (!d->state.open || d->context.shown_ms == 0)
		return;
	if (d->state.first_shown_ms == 0)
		d->state.first_shown_ms = d->context.shown_ms;
	if (d->state.same_form && !d->state.moved)
		d->shown_question = question_name(d, &d->arena);
}

struct dialog *dialog_begin(const struct dialog_context *context)
{
	struct dialog *d = mem_alloc(sizeof *d);

	d->context = *context;
	d->form = context->form;
	profile_decode(&d->arena, d->form, context->profile, &d->profile);
	state_decode(&d->arena, d->form, context->state, context->turn_id, &d->state);
	mend_times(d);
	know_what_was_shown(d);
	return d;
}

/* Words count whatever they came with: a photo's caption is a text. */
static enum event event_of(const struct dialog *d, const struct heard *h)
{
	int64_t meaning;

	if (h->kind == KIND_LOCATION && h->coordinates.n > 0)
		return EVENT_LOCATION;
	if (h->text.n == 0)
		return EVENT_MEDIA;
	meaning = words_meaning(&d->form->meanings, h->folded);
	if (meaning == MEANING_YES && text_asks(h->text))
		return EVENT_YES_ASKED;
	return meaning == WORDS_NONE ? EVENT_TEXT : (enum event)meaning;
}

static struct heard hear(struct dialog *d, const struct dialog_message *message)
{
	struct heard h = { .kind = message->kind, .said_ms = message->said_ms, .late = message->late };

	h.text = text_clean(&d->arena, message->text);
	h.folded = words_fold(&d->arena, h.text);
	h.coordinates = text_clean(&d->arena, message->coordinates);
	h.event = event_of(d, &h);
	return h;
}

void dialog_step(struct dialog *d, const struct dialog_message *message, struct dialog_mark *ret)
{
	struct heard h = hear(d, message);
	unsigned begun = d->begun;

	*ret = (struct dialog_mark){ .state = state_name(d->form, &d->state) };
	if (message->client_phone.n > 0)
		d->client_phone = slice_copy(&d->arena, message->client_phone);
	d->state.messages += d->state.open;
	ret->reason = table_feed(d, &h);
	ret->applied = ret->reason == NULL;
	if (d->state.open) {
		d->state.messages += d->begun != begun; /* the message that began a dialog is its first */
		d->state.last_ms = d->context.now_ms;
	}
}

void dialog_expire(struct dialog *d)
{
	struct heard h = { .event = EVENT_EXPIRE };

	(void)table_feed(d, &h);
}

static void copy_order(const struct dialog *d, struct arena *a, struct dialog_result *ret)
{
	ret->has_order = d->has_order;
	if (!d->has_order)
		return;
	ret->order = d->order;
	ret->order.dialog_id = slice_copy(a, d->order.dialog_id);
	ret->order.address = slice_copy(a, d->order.address);
	ret->order.phone = slice_copy(a, d->order.phone);
	ret->order.fields = slice_copy(a, d->order.fields);
}

static void copy_outcomes(const struct dialog *d, struct arena *a, struct dialog_result *ret)
{
	ret->n_outcomes = d->n_outcomes;
	for (size_t i = 0; i < d->n_outcomes; i++) {
		ret->outcomes[i] = d->outcomes[i];
		ret->outcomes[i].dialog_id = slice_copy(a, d->outcomes[i].dialog_id);
		ret->outcomes[i].dropoff_state = slice_copy(a, d->outcomes[i].dropoff_state);
	}
}

static void copy_profile(const struct dialog *d, struct arena *a, struct dialog_result *ret)
{
	ret->profile = slice_copy(a, d->context.profile);
	if (!d->profile_changed)
		return;
	ret->profile = profile_encode(a, d->form, &d->profile);
	ret->profile_changed = !slice_eq(ret->profile, d->context.profile);
}

void dialog_end(struct dialog **d, struct arena *arena, struct dialog_result *ret)
{
	struct dialog *turn = *d;

	question_offer(turn);
	ret->state = ret->dialog_id = ret->question = SLICE_NONE;
	ret->profile_changed = false;
	if (turn->state.open) {
		ret->state = state_encode(arena, turn->form, &turn->state);
		ret->dialog_id = slice_copy(arena, slice_of(turn->state.id));
		ret->question = question_name(turn, arena);
	}
	ret->reply = question_reply(turn, arena);
	copy_profile(turn, arena, ret);
	copy_order(turn, arena, ret);
	copy_outcomes(turn, arena, ret);
	arena_free(&turn->arena);
	free(turn);
	*d = NULL;
}
