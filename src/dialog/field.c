/* field.c - what a message says for a field: the value, or why it is none. */
#include "dialog/field.h"

#include "dialog/integer.h"
#include "dialog/phone.h"
#include "dialog/text.h"

static void refuse(struct answer *ret, enum form_text reason, struct slice seen)
{
	ret->how = ANSWER_REFUSED;
	ret->reason = reason;
	ret->seen = seen;
}

/* Emoji families have many characters behind one seen; a reply has room for so many on average. */
static bool fits_reply(const struct dialog_form *form, const struct form_field *f, struct slice text)
{
	return text_characters(text) <= (size_t)f->max * form->characters_a_grapheme;
}

/* A question is no address, nor is a phone number. */
static bool is_no_address(struct slice text)
{
	bool question = text.n > 0 && text.p[text.n - 1] == '?' && !text_has_digit(text);

	return question || phone_looks_like(text);
}

/* Nothing but punctuation: folding left nothing of it. */
static bool is_empty_talk(struct slice text, struct slice folded)
{
	return folded.n == 0 && text.n <= WORDS_TEXT_MAX;
}

static void read_text(
    const struct dialog_form *form, size_t field, struct slice text, struct slice folded, struct answer *ret)
{
	const struct form_field *f = &form->field[field];

	ret->count = text_graphemes(text);
	if (ret->count < (size_t)f->min)
		refuse(ret, TEXT_TOO_SHORT, text);
	else if (ret->count > (size_t)f->max || !fits_reply(form, f, text))
		refuse(ret, TEXT_TOO_LONG, text);
	else if (is_empty_talk(text, folded) || (field == form->address && is_no_address(text)))
		refuse(ret, TEXT_NOT_AN_ANSWER, text);
	else
		ret->value = (struct value){ .set = true, .text = text };
}

static void read_phone(struct arena *a, const struct form_field *f, struct slice text, struct answer *ret)
{
	struct phone_found found = phone_find(a, text, f->regions, f->n_regions);

	if (found.verdict == PHONE_NONE) {
		refuse(ret, TEXT_NO_PHONE, text);
		return;
	}
	ret->value = (struct value){ .set = true, .text = slice_copy(a, slice_of(found.e164)) };
	if (found.guessed)
		ret->how = ANSWER_GUESSED;
	else if (found.verdict == PHONE_POSSIBLE)
		ret->how = ANSWER_DOUBTED;
}

static void read_integer(
    struct arena *a, const struct dialog_form *form, const struct form_field *f, struct slice text, struct answer *ret)
{
	const struct integer_words words = { &f->units, &form->numbers, &form->meanings };
	int64_t number = 0;

	switch (integer_read(&words, a, text, &number)) {
	case INTEGER_READ:
		if (number < f->min || number > f->max)
			refuse(ret, TEXT_OUT_OF_RANGE, text_of_number(a, number));
		else
			ret->value = (struct value){ .set = true, .number = number };
		break;
	case INTEGER_SEVERAL:
		refuse(ret, TEXT_SEVERAL_NUMBERS, text);
		break;
	case INTEGER_NOT_WHOLE:
		refuse(ret, TEXT_NOT_WHOLE, text);
		break;
	case INTEGER_HUGE:
		refuse(ret, TEXT_OUT_OF_RANGE, text);
		break;
	default:
		refuse(ret, TEXT_NO_NUMBER, text);
	}
}

size_t field_line_number(struct arena *a, const struct dialog_form *form, struct slice text, size_t most)
{
	const struct integer_words words = { NULL, &form->numbers, &form->meanings };
	int64_t number = 0;

	if (integer_read(&words, a, text, &number) != INTEGER_READ || number < 1 || number > (int64_t)most)
		return 0;
	return (size_t)number;
}

static void read_choice(struct arena *a, const struct dialog_form *form, const struct form_field *f, struct slice text,
    struct slice folded, struct answer *ret)
{
	int64_t option = words_find(&f->option_words, folded);
	size_t line;

	if (option == WORDS_NONE)
		option = words_find(&f->option_words, words_strip(&form->meanings, folded));
	if (option == WORDS_NONE) {
		line = field_line_number(a, form, text, f->n_options);
		ret->by_number = line > 0;
		option = (int64_t)line - 1;
	}
	if (option < 0)
		refuse(ret, TEXT_NO_OPTION, text);
	else
		ret->value = (struct value){ .set = true, .text = f->option[option], .number = option };
}

void field_read(struct arena *a, const struct dialog_form *form, size_t field, struct slice text, struct slice folded,
    struct answer *ret)
{
	const struct form_field *f = &form->field[field];

	*ret = (struct answer){ .how = ANSWER_TAKEN };
	switch (f->type) {
	case FIELD_TEXT:
		read_text(form, field, text, folded, ret);
		break;
	case FIELD_PHONE:
		read_phone(a, f, text, ret);
		break;
	case FIELD_INTEGER:
		read_integer(a, form, f, text, ret);
		break;
	default:
		read_choice(a, form, f, text, folded, ret);
	}
}

static bool is_e164(struct slice s)
{
	if (s.n < 4 || s.n >= PHONE_SIZE || s.p[0] != '+')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!text_is_digit(s.p[i]))
			return false;
	return true;
}

static bool accepts_text(const struct dialog_form *form, const struct form_field *f, struct slice text)
{
	size_t n = text_graphemes(text);

	return text.n > 0 && n >= (size_t)f->min && n <= (size_t)f->max && fits_reply(form, f, text) &&
	       slice_is_utf8(text);
}

static bool accepts_option(const struct form_field *f, struct value *v)
{
	for (size_t i = 0; i < f->n_options; i++) {
		if (slice_eq(f->option[i], v->text)) {
			v->number = (int64_t)i;
			return true;
		}
	}
	return false;
}

bool field_accepts(const struct dialog_form *form, size_t field, struct value *v)
{
	const struct form_field *f = &form->field[field];

	switch (f->type) {
	case FIELD_TEXT:
		return accepts_text(form, f, v->text);
	case FIELD_PHONE:
		return is_e164(v->text);
	case FIELD_INTEGER:
		return v->text.p == NULL && v->number >= f->min && v->number <= f->max;
	default:
		return accepts_option(f, v);
	}
}

struct slice field_show(
    struct arena *a, const struct dialog_form *form, const struct form_language *l, size_t field, const struct value *v)
{
	switch (form->field[field].type) {
	case FIELD_INTEGER:
		return text_of_number(a, v->number);
	case FIELD_CHOICE:
		return l->field[field].option[v->number];
	default:
		return v->text;
	}
}
