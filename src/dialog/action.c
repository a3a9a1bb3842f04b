/* action.c - what can be done with a message: the actions of the step table. */
#include "dialog/action.h"

#include "dialog/address.h"
#include "dialog/field.h"
#include "dialog/text.h"

static const char *repeat_early(struct dialog *d)
{
	turn_note(d, TEXT_EARLY);
	return turn_not_shown;
}

static void fill(struct dialog *d, size_t field, struct value value)
{
	bool was_open = d->state.step == field;

	d->state.value[field] = value;
	if (was_open)
		turn_move(d, state_next_step(d->form, &d->state));
	d->speaks = true;
}

/* Said before the first question, other texts fill a field only where answers were already given in order. */
static bool may_fill(struct dialog *d, const struct heard *h)
{
	size_t field = d->state.step;

	if (d->form->field[field].type != FIELD_TEXT || turn_was_asked(d, h))
		return true;
	if (field == d->form->address)
		return text_has_digit(h->text) && !address_is_doubtful(d, h);
	for (size_t i = 0; i < field; i++)
		if (d->state.value[i].set)
			return true;
	return false;
}

static struct slice refusal(struct dialog *d, const struct answer *answer)
{
	const struct form_field *f = &d->form->field[d->state.step];
	const struct blank blanks[] = {
		{ "text", text_quote(&d->arena, answer->seen) },
		{ "example", f->example },
		{ "min", text_of_number(&d->arena, f->min) },
		{ "max", text_of_number(&d->arena, f->max) },
		{ "count", text_of_number(&d->arena, (int64_t)answer->count) },
	};

	return turn_text(d, answer->reason, blanks, COUNT_OF(blanks));
}

/* Asks about a number that is not plainly right. The second one of the merely possible is taken, and so is what he says
 * again when he is asked whether he meant it. */
static const char *ask_about(struct dialog *d, const struct heard *h, const struct answer *answer)
{
	struct dialog_state *s = &d->state;
	bool again = slice_eq(s->offer, answer->value.text) && turn_was_shown(d, h);

	if (again || (answer->how == ANSWER_DOUBTED && s->doubted)) {
		fill(d, s->step, answer->value);
		return NULL;
	}
	s->offer = answer->value.text;
	s->doubted = answer->how == ANSWER_DOUBTED;
	d->guessed = answer->how == ANSWER_GUESSED;
	d->hinted = false;
	d->speaks = true;
	return NULL;
}

/* An option's number, and yes or no as an option's words, mean nothing before the options were shown. */
static bool needs_shown(const struct heard *h, const struct answer *answer)
{
	return answer->by_number || h->event == EVENT_YES || h->event == EVENT_NO;
}

static const char *apply(struct dialog *d, const struct heard *h, const struct answer *answer)
{
	switch (answer->how) {
	case ANSWER_TAKEN:
		if (needs_shown(h, answer) && !turn_was_shown(d, h))
			return h->late ? turn_late : repeat_early(d);
		fill(d, d->state.step, answer->value);
		return NULL;
	case ANSWER_REFUSED:
		if (h->late)
			return turn_late;
		turn_hint(d, refusal(d, answer));
		return NULL;
	default:
		return h->late ? turn_late : ask_about(d, h, answer);
	}
}

/* What is hardly an address is asked about; who says it again means it ("Hi-Tech Park"). */
static bool asks_about_address(struct dialog *d, const struct heard *h)
{
	if (d->state.step != d->form->address || !address_is_doubtful(d, h))
		return false;
	if (!d->hinted && address_is_said_again(d, h))
		return false;
	if (!h->late)
		d->state.questioned = h->text;
	return true;
}

const char *act_answer(struct dialog *d, const struct heard *h)
{
	struct answer answer;

	if (h->late && d->state.value[d->state.step].set)
		return turn_late;
	if (!may_fill(d, h)) {
		d->speaks = true;
		return turn_unasked;
	}
	field_read(&d->arena, d->form, d->state.step, h->text, h->folded, &answer);
	if (answer.how == ANSWER_TAKEN && asks_about_address(d, h))
		answer = (struct answer){ .how = ANSWER_REFUSED, .reason = TEXT_NOT_AN_ANSWER, .seen = h->text };
	return apply(d, h, &answer);
}

/* Any first message is greeted; what it already answers is not asked again. What he adds to a cancel in the same
 * breath ("I found another shop") begins nothing. */
const char *act_open(struct dialog *d, const struct heard *h)
{
	struct answer answer = { .how = ANSWER_REFUSED };

	if (d->cancelled && h->event == EVENT_TEXT)
		return turn_cancelled;
	turn_begin(d);
	turn_note(d, TEXT_GREETING);
	if (h->event == EVENT_LOCATION)
		return act_place(d, h);
	if (h->event == EVENT_TEXT && may_fill(d, h))
		field_read(&d->arena, d->form, d->state.step, h->text, h->folded, &answer);
	if (answer.how == ANSWER_TAKEN && !answer.by_number)
		fill(d, d->state.step, answer.value);
	return NULL;
}

const char *act_again(struct dialog *d, const struct heard *h)
{
	turn_close(d);
	turn_begin(d);
	turn_note(d, TEXT_GREETING);
	return NULL;
}

static struct slice place_text(struct dialog *d, const struct heard *h)
{
	const struct blank blanks[] = { { "coordinates", h->coordinates } };
	struct slice place = turn_text(d, TEXT_LOCATION_ADDRESS, blanks, COUNT_OF(blanks));
	struct buf out = { 0 };

	if (h->text.n == 0)
		return place;
	buf_slice(&out, h->text);
	buf_text(&out, ", ");
	buf_slice(&out, place);
	return text_take(&d->arena, &out);
}

/* A location is an address, whichever question is open. */
const char *act_place(struct dialog *d, const struct heard *h)
{
	size_t field = d->form->address;
	bool wanted = d->state.step == field || !d->state.value[field].set;
	struct value place = { .set = true };

	if (h->late && d->state.value[field].set)
		return turn_late;
	if (wanted && d->state.step <= d->form->n_fields) {
		place.text = place_text(d, h);
		if (field_accepts(d->form, field, &place)) {
			fill(d, field, place);
			return NULL;
		}
	}
	if (h->late)
		return turn_late;
	turn_hint(d, turn_text(d, TEXT_LOCATION, NULL, 0));
	return NULL;
}

static bool offer_value(const struct dialog *d, struct value *ret)
{
	*ret = (struct value){ .set = true, .text = d->state.offer };
	return d->state.offer.n > 0 && field_accepts(d->form, d->state.step, ret);
}

/* Yes and no may be options of a choice; anywhere else they answer nothing without an offer. */
static const char *yes_or_no_as_answer(struct dialog *d, const struct heard *h)
{
	if (d->form->field[d->state.step].type == FIELD_CHOICE)
		return act_answer(d, h);
	return act_chat(d, h);
}

const char *act_take_offer(struct dialog *d, const struct heard *h)
{
	struct value value;

	if (!offer_value(d, &value))
		return yes_or_no_as_answer(d, h);
	if (!turn_was_shown(d, h))
		return repeat_early(d);
	fill(d, d->state.step, value);
	return NULL;
}

const char *act_decline_offer(struct dialog *d, const struct heard *h)
{
	struct value value;

	if (!offer_value(d, &value))
		return yes_or_no_as_answer(d, h);
	if (!turn_was_shown(d, h))
		return repeat_early(d);
	d->state.offer = SLICE_NONE;
	d->state.doubted = d->guessed = false;
	d->state.declined = true;
	d->speaks = true;
	return NULL;
}

static void keep_for_next_time(struct dialog *d)
{
	memcpy(d->profile.value, d->state.value, sizeof d->profile.value);
	d->profile_changed = true;
}

/* The only place where an order is made: the step table calls it for a yes after these very fields were shown. */
const char *act_order(struct dialog *d, const struct heard *h)
{
	const struct dialog_form *form = d->form;
	const struct value *v = d->state.value;
	struct buf fields = { 0 };

	state_write_values(&fields, form, v);
	d->order = (struct dialog_order){
		.dialog_id = slice_copy(&d->arena, slice_of(d->state.id)),
		.address = v[form->address].text,
		.phone = v[form->phone].text,
		.quantity = v[form->quantity].number,
		.fields = text_take(&d->arena, &fields),
	};
	d->has_order = true;
	keep_for_next_time(d);
	turn_outcome(d, true);
	turn_move(d, step_after(form));
	turn_note(d, TEXT_PLACED);
	return NULL;
}

/* "2", "phone", "change phone", "change 2"; n_fields when it names no line. */
static size_t line_named(struct dialog *d, const struct heard *h)
{
	const struct words *names = &d->form->field_names, *meanings = &d->form->meanings;
	struct slice rest = words_strip(meanings, h->folded), first;
	size_t line = field_line_number(&d->arena, d->form, h->text, d->form->n_fields);
	int64_t named = words_find(names, rest);

	if (line == 0 && named == WORDS_NONE) {
		first = words_next(&rest);
		if (words_find(meanings, first) != MEANING_CHANGE)
			return d->form->n_fields;
		line = field_line_number(&d->arena, d->form, rest, d->form->n_fields);
		named = words_find(names, rest);
	}
	if (line > 0)
		return line - 1;
	return named != WORDS_NONE ? (size_t)named : d->form->n_fields;
}

const char *act_choose_line(struct dialog *d, const struct heard *h)
{
	size_t line = line_named(d, h);

	if (!turn_was_shown(d, h)) {
		d->speaks = true;
		return line < d->form->n_fields ? repeat_early(d) : turn_not_shown;
	}
	if (line < d->form->n_fields) {
		turn_move(d, line);
		d->state.changing = true;
	} else {
		turn_hint(d, SLICE_NONE);
	}
	return NULL;
}

const char *act_which_line(struct dialog *d, const struct heard *h)
{
	d->choosing = true;
	d->speaks = true;
	return NULL;
}

const char *act_after(struct dialog *d, const struct heard *h)
{
	static const enum form_text texts[] = { TEXT_AFTER, TEXT_AFTER_HINT, TEXT_WAY_OUT };
	size_t n = (size_t)d->state.hints;

	if (!d->hinted) {
		turn_note(d, texts[n < COUNT_OF(texts) ? n : COUNT_OF(texts) - 1]);
		turn_hint(d, SLICE_NONE);
	}
	return NULL;
}

/* What he wants changed is in the chat, where a person reads it; the rest of such a turn belongs to it. */
const char *act_remark(struct dialog *d, const struct heard *h)
{
	if (!d->state.wishes && !d->thanked)
		return act_after(d, h);
	d->state.wishes = false;
	d->thanked = true;
	turn_note(d, TEXT_CHANGE_NOTED);
	return NULL;
}

/* A yes right behind the one that placed the order needs no second answer. */
const char *act_already_placed(struct dialog *d, const struct heard *h)
{
	if (!d->has_order)
		turn_note(d, TEXT_ALREADY_PLACED);
	return NULL;
}

const char *act_status(struct dialog *d, const struct heard *h)
{
	static const struct {
		const char *status;
		enum form_text text;
	} rows[] = {
		{ "processing", TEXT_STATUS_PROCESSING },
		{ "completed", TEXT_STATUS_COMPLETED },
		{ "cancelled", TEXT_STATUS_CANCELLED },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (slice_eq(d->context.order_status, slice_of(rows[i].status))) {
			turn_note(d, rows[i].text);
			return NULL;
		}
	}
	turn_note(d, TEXT_STATUS_NEW);
	return NULL;
}

const char *act_change_after(struct dialog *d, const struct heard *h)
{
	d->state.wishes = true;
	turn_note(d, TEXT_CHANGE_AFTER);
	return NULL;
}

const char *act_nothing_to_cancel(struct dialog *d, const struct heard *h)
{
	turn_note(d, TEXT_NOTHING_TO_CANCEL);
	return NULL;
}

/* A greeting or a kind word: the open question stands; after it was shown, said in other words. */
const char *act_chat(struct dialog *d, const struct heard *h)
{
	d->speaks = true;
	if (!turn_was_shown(d, h))
		return NULL;
	turn_hint(d, SLICE_NONE);
	return NULL;
}

const char *act_media(struct dialog *d, const struct heard *h)
{
	static const enum form_text texts[KIND_COUNT] = {
		[KIND_TEXT] = TEXT_EMPTY,
		[KIND_PHOTO] = TEXT_PHOTO,
		[KIND_VOICE] = TEXT_VOICE,
		[KIND_VIDEO] = TEXT_VIDEO,
		[KIND_FILE] = TEXT_FILE,
		[KIND_LOCATION] = TEXT_EMPTY,
		[KIND_EMPTY] = TEXT_EMPTY,
	};

	turn_hint(d, turn_text(d, texts[h->kind], NULL, 0));
	return NULL;
}

const char *act_cancel(struct dialog *d, const struct heard *h)
{
	turn_close(d);
	d->cancelled = true;
	turn_note(d, TEXT_CANCELLED);
	return NULL;
}

const char *act_restart(struct dialog *d, const struct heard *h)
{
	memset(d->state.value, 0, sizeof d->state.value);
	turn_move(d, 0);
	turn_note(d, TEXT_RESTARTED);
	return NULL;
}

/* To the question before; from a change to the summary. */
const char *act_back(struct dialog *d, const struct heard *h)
{
	if (d->state.changing)
		turn_move(d, state_next_step(d->form, &d->state));
	else
		turn_move(d, d->state.step > 0 ? d->state.step - 1 : 0);
	return NULL;
}

const char *act_help(struct dialog *d, const struct heard *h)
{
	turn_note(d, TEXT_HELP);
	return NULL;
}

const char *act_operator(struct dialog *d, const struct heard *h)
{
	turn_note(d, TEXT_OPERATOR);
	return NULL;
}

const char *act_thanks(struct dialog *d, const struct heard *h)
{
	turn_note(d, TEXT_THANKS);
	return NULL;
}

const char *act_no_order(struct dialog *d, const struct heard *h)
{
	turn_note(d, TEXT_NO_ORDER);
	return NULL;
}

const char *act_expire(struct dialog *d, const struct heard *h)
{
	turn_close(d);
	return NULL;
}

const char *act_ignore(struct dialog *d, const struct heard *h)
{
	return NULL;
}
