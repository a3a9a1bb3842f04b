/* state.c - where a dialog stands and what was answered, to and from JSON. */
#include "dialog/state.h"

#include "base/jdoc.h"
#include "dialog/field.h"
#include "dialog/text.h"

static const int64_t number_end = 1000000000000000; /* far behind every time in ms */
static const char after_name[] = "COMPLETED", confirm_name[] = "WAITING_CONFIRMATION", initial_name[] = "INITIAL";

const char *state_name(const struct dialog_form *form, const struct dialog_state *s)
{
	if (!s->open)
		return initial_name;
	if (s->step < form->n_fields)
		return form->field[s->step].state;
	return s->step == step_confirm(form) ? confirm_name : after_name;
}

size_t state_next_step(const struct dialog_form *form, const struct dialog_state *s)
{
	for (size_t i = 0; i < form->n_fields; i++)
		if (!s->value[i].set)
			return i;
	return step_confirm(form);
}

static struct slice text_of(struct arena *a, struct jdoc value)
{
	return jdoc_kind(value) == JDOC_STRING ? slice_copy(a, jdoc_string(value)) : SLICE_NONE;
}

/* A value as the form would take it: cleaned, so that nothing written elsewhere can bring control characters. */
static struct slice clean_of(struct arena *a, struct jdoc value)
{
	return jdoc_kind(value) == JDOC_STRING ? text_clean(a, text_of(a, value)) : SLICE_NONE;
}

/* A time or a count; 0 when there is none that makes sense. */
static int64_t number_of(struct jdoc object, const char *key)
{
	int64_t n = jdoc_integer(jdoc_member(object, key));

	return n > 0 && n < number_end ? n : 0;
}

static bool flag_of(struct jdoc object, const char *key)
{
	return jdoc_is_true(jdoc_member(object, key));
}

static void read_values(struct arena *a, const struct dialog_form *form, struct jdoc data, struct value *values)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		struct jdoc member = jdoc_member(data, form->field[i].name.p);
		enum jdoc_kind kind = jdoc_kind(member);
		struct value *v = &values[i];

		*v = (struct value){ .text = clean_of(a, member), .number = jdoc_integer(member) };
		v->set = (kind == JDOC_STRING || kind == JDOC_INTEGER) && field_accepts(form, i, v);
		if (!v->set)
			*v = (struct value){ 0 };
	}
}

/* False: this form has no such step. */
static bool find_step(const struct dialog_form *form, struct slice name, size_t *ret)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		if (slice_eq(name, slice_of(form->field[i].state))) {
			*ret = i;
			return true;
		}
	}
	*ret = slice_eq(name, slice_of(after_name)) ? step_after(form) : step_confirm(form);
	return *ret == step_after(form) || slice_eq(name, slice_of(confirm_name));
}

/* An order needs all its fields: a form that grew meanwhile asks for the new ones first. */
static void settle_step(const struct dialog_form *form, struct slice name, struct dialog_state *s)
{
	s->moved = !find_step(form, name, &s->step);
	if (s->moved || s->step == step_confirm(form))
		s->step = state_next_step(form, s);
	if (!s->same_form || s->moved) {
		s->offer = s->questioned = SLICE_NONE;
		s->doubted = false;
	}
}

static void read_state(
    struct arena *a, const struct dialog_form *form, struct jdoc json, struct slice fallback_id, struct dialog_state *s)
{
	struct slice name = text_of(a, jdoc_member(json, "state"));
	struct slice id = text_of(a, jdoc_member(json, "dialog_id"));

	s->open = name.n > 0 && !slice_eq(name, slice_of(initial_name));
	if (id.n == 0 || !slice_to_buffer(id, s->id, sizeof s->id))
		(void)slice_to_buffer(fallback_id, s->id, sizeof s->id);
	s->same_form = slice_eq(text_of(a, jdoc_member(json, "form")), slice_of(form->version));
	s->opened_ms = number_of(json, "createdAt");
	s->last_ms = number_of(json, "updatedAt");
	s->first_shown_ms = number_of(json, "shown");
	s->messages = number_of(json, "messages");
	s->hints = number_of(json, "hints");
	s->offer = clean_of(a, jdoc_member(json, "offer"));
	s->declined = flag_of(json, "declined");
	s->doubted = flag_of(json, "doubted");
	s->changing = flag_of(json, "changing");
	s->questioned = clean_of(a, jdoc_member(json, "questioned"));
	s->wishes = flag_of(json, "wishes");
	read_values(a, form, jdoc_member(json, "data"), s->value);
	settle_step(form, name, s);
}

void state_decode(struct arena *a, const struct dialog_form *form, struct slice json, struct slice fallback_id,
    struct dialog_state *ret)
{
	struct jdoc root = JDOC_NONE;

	*ret = (struct dialog_state){ 0 };
	if (jdoc_parse(json, &root) && jdoc_kind(root) == JDOC_OBJECT)
		read_state(a, form, root, fallback_id, ret);
	if (!ret->open)
		*ret = (struct dialog_state){ 0 };
	jdoc_done();
}

static void write_value(struct buf *out, const struct form_field *f, const struct value *v)
{
	buf_json(out, f->name);
	buf_char(out, ':');
	if (f->type == FIELD_INTEGER)
		buf_int(out, v->number);
	else
		buf_json(out, v->text);
}

void state_write_values(struct buf *out, const struct dialog_form *form, const struct value *values)
{
	bool first = true;

	buf_char(out, '{');
	for (size_t i = 0; i < form->n_fields; i++) {
		if (!values[i].set)
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		write_value(out, &form->field[i], &values[i]);
	}
	buf_char(out, '}');
}

static void write_key(struct buf *out, const char *key)
{
	buf_text(out, ",\"");
	buf_text(out, key);
	buf_text(out, "\":");
}

static void write_number(struct buf *out, const char *key, int64_t n)
{
	if (n <= 0)
		return;
	write_key(out, key);
	buf_int(out, n);
}

static void write_flag(struct buf *out, const char *key, bool flag)
{
	if (!flag)
		return;
	write_key(out, key);
	buf_text(out, "true");
}

static void write_text(struct buf *out, const char *key, struct slice text)
{
	if (text.n == 0)
		return;
	write_key(out, key);
	buf_json(out, text);
}

struct slice state_encode(struct arena *a, const struct dialog_form *form, const struct dialog_state *s)
{
	struct buf out = { 0 };

	buf_text(&out, "{\"state\":\"");
	buf_text(&out, state_name(form, s));
	buf_text(&out, "\",\"data\":");
	state_write_values(&out, form, s->value);
	write_text(&out, "form", slice_of(form->version));
	write_text(&out, "dialog_id", slice_of(s->id));
	write_number(&out, "createdAt", s->opened_ms);
	write_number(&out, "updatedAt", s->last_ms);
	write_number(&out, "shown", s->first_shown_ms);
	write_number(&out, "messages", s->messages);
	write_number(&out, "hints", s->hints);
	write_text(&out, "offer", s->offer);
	write_flag(&out, "declined", s->declined);
	write_flag(&out, "doubted", s->doubted);
	write_flag(&out, "changing", s->changing);
	write_text(&out, "questioned", s->questioned);
	write_flag(&out, "wishes", s->wishes);
	buf_char(&out, '}');
	return text_take(a, &out);
}

static size_t language_named(const struct dialog_form *form, struct slice code)
{
	for (size_t i = 0; i < form->n_languages; i++)
		if (slice_eq(form->language[i]->code, code))
			return i;
	return form->standard;
}

void profile_decode(struct arena *a, const struct dialog_form *form, struct slice json, struct profile *ret)
{
	struct jdoc root = JDOC_NONE;
	size_t shared[] = { form->address, form->phone };

	*ret = (struct profile){ .language = form->standard };
	if (jdoc_parse(json, &root) && jdoc_kind(root) == JDOC_OBJECT) {
		ret->language = language_named(form, text_of(a, jdoc_member(root, "language")));
		read_values(a, form, jdoc_member(root, "last"), ret->value);
		for (size_t i = 0; i < COUNT_OF(shared); i++) {
			struct value v = { .set = true,
				.text = clean_of(a, jdoc_member(root, form->field[shared[i]].name.p)) };

			if (field_accepts(form, shared[i], &v))
				ret->value[shared[i]] = v;
		}
	}
	jdoc_done();
}

struct slice profile_encode(struct arena *a, const struct dialog_form *form, const struct profile *p)
{
	struct buf out = { 0 };

	buf_text(&out, "{\"language\":");
	buf_json(&out, form->language[p->language]->code);
	write_text(&out, "address", p->value[form->address].text);
	write_text(&out, "phone", p->value[form->phone].text);
	buf_text(&out, ",\"last\":");
	state_write_values(&out, form, p->value);
	buf_char(&out, '}');
	return text_take(a, &out);
}
