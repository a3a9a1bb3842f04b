/* state.c - where a dialog stands and what was answered, to and from JSON. */
#include "dialog/state.h"

#include "dialog/field.h"
#include "dialog/text.h"

#include <jansson.h>

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

static struct slice text_of(struct arena *a, const json_t *value)
{
	if (!json_is_string(value))
		return SLICE_NONE;
	return slice_copy(a, (struct slice){ json_string_value(value), json_string_length(value) });
}

/* A value as the form would take it: cleaned, so that nothing written elsewhere can bring control characters. */
static struct slice clean_of(struct arena *a, const json_t *value)
{
	return json_is_string(value) ? text_clean(a, text_of(a, value)) : SLICE_NONE;
}

/* A time or a count; 0 when there is none that makes sense. */
static int64_t number_of(const json_t *object, const char *key)
{
	int64_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && n < number_end ? n : 0;
}

static bool flag_of(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void read_values(struct arena *a, const struct dialog_form *form, const json_t *data, struct value *values)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		const json_t *member = json_object_get(data, form->field[i].name.p);
		struct value *v = &values[i];

		*v = (struct value){ .text = clean_of(a, member), .number = json_integer_value(member) };
		v->set = (json_is_string(member) || json_is_integer(member)) && field_accepts(form, i, v);
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

static void read_state(struct arena *a, const struct dialog_form *form, const json_t *json, struct slice fallback_id,
    struct dialog_state *s)
{
	struct slice name = text_of(a, json_object_get(json, "state"));
	struct slice id = text_of(a, json_object_get(json, "dialog_id"));

	s->open = name.n > 0 && !slice_eq(name, slice_of(initial_name));
	if (id.n == 0 || !slice_to_buffer(id, s->id, sizeof s->id))
		(void)slice_to_buffer(fallback_id, s->id, sizeof s->id);
	s->same_form = slice_eq(text_of(a, json_object_get(json, "form")), slice_of(form->version));
	s->opened_ms = number_of(json, "createdAt");
	s->last_ms = number_of(json, "updatedAt");
	s->first_shown_ms = number_of(json, "shown");
	s->messages = number_of(json, "messages");
	s->hints = number_of(json, "hints");
	s->offer = clean_of(a, json_object_get(json, "offer"));
	s->declined = flag_of(json, "declined");
	s->doubted = flag_of(json, "doubted");
	s->changing = flag_of(json, "changing");
	s->questioned = clean_of(a, json_object_get(json, "questioned"));
	s->wishes = flag_of(json, "wishes");
	read_values(a, form, json_object_get(json, "data"), s->value);
	settle_step(form, name, s);
}

void state_decode(struct arena *a, const struct dialog_form *form, struct slice json, struct slice fallback_id,
    struct dialog_state *ret)
{
	json_t *root = json.n > 0 ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL) : NULL;

	*ret = (struct dialog_state){ 0 };
	if (json_is_object(root))
		read_state(a, form, root, fallback_id, ret);
	if (!ret->open)
		*ret = (struct dialog_state){ 0 };
	json_decref(root);
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

static void write_number(struct buf *out, const char *key, int64_t n)
{
	if (n > 0)
		buf_printf(out, ",\"%s\":%lld", key, (long long)n);
}

static void write_flag(struct buf *out, const char *key, bool flag)
{
	if (flag)
		buf_printf(out, ",\"%s\":true", key);
}

static void write_text(struct buf *out, const char *key, struct slice text)
{
	if (text.n == 0)
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json(out, text);
}

struct slice state_encode(struct arena *a, const struct dialog_form *form, const struct dialog_state *s)
{
	struct buf out = { 0 };

	buf_printf(&out, "{\"state\":\"%s\",\"data\":", state_name(form, s));
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
	json_t *root = json.n > 0 ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	size_t shared[] = { form->address, form->phone };

	*ret = (struct profile){ .language = form->standard };
	if (json_is_object(root)) {
		ret->language = language_named(form, text_of(a, json_object_get(root, "language")));
		read_values(a, form, json_object_get(root, "last"), ret->value);
		for (size_t i = 0; i < COUNT_OF(shared); i++) {
			struct value v = { .set = true,
				.text = clean_of(a, json_object_get(root, form->field[shared[i]].name.p)) };

			if (field_accepts(form, shared[i], &v))
				ret->value[shared[i]] = v;
		}
	}
	json_decref(root);
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
