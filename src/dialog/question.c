/* question.c - the question now open: its text, its name, what it offers. */
#include "dialog/question.h"

#include "dialog/field.h"
#include "dialog/phone.h"
#include "dialog/text.h"

enum { ORDER_NUMBER_CHARACTERS = 20 };

bool question_is_open(const struct dialog *d)
{
	return d->state.open && d->state.step <= step_confirm(d->form);
}

static bool asks_field(const struct dialog *d)
{
	return d->state.open && d->state.step < d->form->n_fields;
}

struct slice question_name(const struct dialog *d, struct arena *a)
{
	struct buf out = { 0 };

	if (!question_is_open(d))
		return SLICE_NONE;
	buf_printf(&out, "%s %s %s ", d->state.id, state_name(d->form, &d->state), d->form->version);
	if (asks_field(d))
		buf_slice(&out, d->state.offer);
	else
		state_write_values(&out, d->form, d->state.value);
	return text_take(a, &out);
}

/* The number Chat2Desk knows is written without +; names of messengers around it are no number. */
static struct slice known_phone(struct dialog *d)
{
	const struct form_field *f = &d->form->field[d->form->phone];
	struct slice text = text_clean(&d->arena, d->client_phone);
	struct phone_found found = phone_find(&d->arena, text, f->regions, f->n_regions);

	if (text.n == 0 || !(phone_looks_like(text)) || found.verdict != PHONE_VALID)
		return SLICE_NONE;
	return slice_copy(&d->arena, slice_of(found.e164));
}

void question_offer(struct dialog *d)
{
	struct dialog_state *s = &d->state;
	const struct value *last;

	if (!asks_field(d) || s->offer.n > 0 || s->declined || s->changing || s->value[s->step].set)
		return;
	if (turn_language(d)->field[s->step].offer.n == 0 || d->form->field[s->step].type == FIELD_INTEGER)
		return;
	if (s->step == d->form->phone)
		s->offer = known_phone(d);
	last = &d->profile.value[s->step];
	if (s->offer.n == 0 && last->set)
		s->offer = last->text;
}

/* What an offered value looks like to a person. */
static struct slice offered(struct dialog *d)
{
	struct value v = { .text = d->state.offer };

	if (!field_accepts(d->form, d->state.step, &v))
		return d->state.offer;
	return field_show(&d->arena, d->form, turn_language(d), d->state.step, &v);
}

/* Adds a paragraph of the field's texts. */
static void add_field_text(struct dialog *d, struct buf *out, struct slice text)
{
	size_t i = d->state.step;
	const struct form_field *f = &d->form->field[i];
	const struct blank blanks[] = {
		{ "label", turn_language(d)->field[i].label },
		{ "example", f->example },
		{ "min", text_of_number(&d->arena, f->min) },
		{ "max", text_of_number(&d->arena, f->max) },
		{ "value", offered(d) },
	};

	if (out->n > 0)
		buf_char(out, '\n');
	template_fill(out, text, blanks, COUNT_OF(blanks));
}

static void add_line(struct buf *out, struct slice text)
{
	if (text.n == 0)
		return;
	if (out->n > 0)
		buf_char(out, '\n');
	buf_slice(out, text);
}

static void add_options(struct dialog *d, struct buf *out)
{
	const struct form_field *f = &d->form->field[d->state.step];

	for (size_t i = 0; i < f->n_options; i++) {
		const struct blank blanks[] = {
			{ "number", text_of_number(&d->arena, (int64_t)i + 1) },
			{ "option", turn_language(d)->field[d->state.step].option[i] },
		};

		buf_char(out, '\n');
		template_fill(out, turn_language(d)->text[TEXT_OPTION_LINE], blanks, COUNT_OF(blanks));
	}
}

/* The question of a field: the known value, or the field's own words. */
static void add_ask(struct dialog *d, struct buf *out)
{
	const struct form_field_texts *t = &turn_language(d)->field[d->state.step];

	if (d->state.offer.n == 0)
		add_field_text(d, out, t->ask);
	else if (d->state.doubted)
		add_field_text(d, out, turn_language(d)->text[TEXT_PHONE_DOUBT]);
	else if (d->guessed || t->offer.n == 0)
		add_field_text(d, out, turn_language(d)->text[TEXT_PHONE_GUESS]);
	else
		add_field_text(d, out, t->offer);
}

static void write_field_question(struct dialog *d, struct buf *out)
{
	const struct form_field_texts *t = &turn_language(d)->field[d->state.step];
	bool way_out = d->state.hints > FORM_HINTS;

	if (d->hinted) {
		add_line(out, d->reason);
		add_line(out, way_out ? turn_language(d)->text[TEXT_WAY_OUT] : SLICE_NONE);
		if (!way_out)
			add_field_text(d, out, t->hint[d->state.hints - 1]);
	}
	if (!d->hinted || way_out || d->state.offer.n > 0)
		add_ask(d, out);
	add_options(d, out);
}

static struct slice summary_lines(struct dialog *d)
{
	const struct form_language *l = turn_language(d);
	struct buf out = { 0 };

	for (size_t i = 0; i < d->form->n_fields; i++) {
		const struct blank blanks[] = {
			{ "number", text_of_number(&d->arena, (int64_t)i + 1) },
			{ "label", l->field[i].label },
			{ "value", field_show(&d->arena, d->form, l, i, &d->state.value[i]) },
		};

		if (i > 0)
			buf_char(&out, '\n');
		template_fill(&out, l->text[TEXT_SUMMARY_LINE], blanks, COUNT_OF(blanks));
	}
	return text_take(&d->arena, &out);
}

static void write_summary(struct dialog *d, struct buf *out)
{
	const struct form_language *l = turn_language(d);
	struct blank blanks[DIALOG_FIELDS_MAX + 1];
	size_t n = d->form->n_fields;

	for (size_t i = 0; i < n; i++)
		blanks[i] = (struct blank){ d->form->field[i].name.p,
			field_show(&d->arena, d->form, l, i, &d->state.value[i]) };
	blanks[n] = (struct blank){ "fields", summary_lines(d) };
	template_fill(out, l->text[TEXT_SUMMARY], blanks, n + 1);
}

static void write_confirm_question(struct dialog *d, struct buf *out)
{
	const struct form_language *l = turn_language(d);
	int64_t hints = d->hinted ? d->state.hints : 0;

	write_summary(d, out);
	buf_char(out, '\n');
	if (d->choosing) {
		add_line(out, l->text[TEXT_CHANGE_WHICH]);
		return;
	}
	add_line(out, d->hinted ? d->reason : SLICE_NONE);
	if (hints > FORM_HINTS)
		add_line(out, l->text[TEXT_WAY_OUT]);
	add_line(out, l->text[hints == 1 ? TEXT_CONFIRM_HINT_1 : hints == 2 ? TEXT_CONFIRM_HINT_2 : TEXT_CONFIRM]);
}

/* Notes are cut where the whole would be longer than a reply; the store's order number is reckoned in. */
static struct slice join_notes(struct dialog *d, size_t room)
{
	struct buf out = { 0 };
	struct slice notes;
	size_t marks = 0;

	for (size_t i = 0; i < d->n_notes; i++) {
		if (i > 0)
			buf_text(&out, "\n\n");
		buf_slice(&out, d->note[i]);
	}
	notes = text_take(&d->arena, &out);
	for (size_t i = 0; i < notes.n; i++)
		marks += notes.p[i] == DIALOG_ORDER_MARK;
	room -= marks * ORDER_NUMBER_CHARACTERS < room ? marks * ORDER_NUMBER_CHARACTERS : room;
	return text_cut(notes, room);
}

struct slice question_reply(struct dialog *d, struct arena *a)
{
	size_t limit = (size_t)d->form->reply_max, asked;
	struct buf question = { 0 }, reply = { 0 };

	if (!d->speaks)
		return SLICE_NONE;
	if (asks_field(d))
		write_field_question(d, &question);
	else if (question_is_open(d))
		write_confirm_question(d, &question);
	asked = text_characters(buf_as_slice(&question)) + 2;
	buf_slice(&reply, join_notes(d, limit > asked ? limit - asked : 0));
	if (reply.n > 0 && question.n > 0)
		buf_text(&reply, "\n\n");
	buf_slice(&reply, buf_as_slice(&question));
	buf_free(&question);
	return text_take(a, &reply);
}
