/* form_read.c - fills a form from its YAML document. */
#include "dialog/form_read.h"

#include "dialog/phone_lib.h"

enum {
	NAME_CHARACTERS_MAX = 30,
	LABEL_CHARACTERS_MAX = 60,
	TEXT_CHARACTERS_MAX = 1000,
	EXAMPLE_CHARACTERS_MAX = 100,
	WORD_CHARACTERS_MAX = 60,
	TEXT_FIELD_MAX = 1000
};

static const char *const type_names[FIELD_TYPE_COUNT] = {
#define X(name, key) key,
	FIELD_TYPE_LIST(X)
#undef X
};
static const char *const text_keys[TEXT_COUNT] = {
#define X(name, key, placeholders) key,
	FORM_TEXT_LIST(X)
#undef X
};
static const char *const text_placeholders[TEXT_COUNT] = {
#define X(name, key, placeholders) placeholders,
	FORM_TEXT_LIST(X)
#undef X
};
static const char *const meaning_keys[MEANING_COUNT] = {
#define X(name, key) key,
	MEANING_LIST(X)
#undef X
};

const char *form_text_key(enum form_text t)
{
	return text_keys[t];
}

/* A word of small letters, digits and _ that begins with a letter. */
static struct slice read_name(struct reader *r, const yaml_node_t *node)
{
	struct slice name = reader_text(r, node, NAME_CHARACTERS_MAX);

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = c >= 'a' && c <= 'z';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			reader_fail(r, node,
			    "\"%.*s\" is no name; use small letters a to z, digits and _, a letter first",
			    SLICE_PRINT(name));
	}
	return name;
}

static enum field_type read_type(struct reader *r, const yaml_node_t *node)
{
	struct slice word = reader_raw(node);
	const char *near;

	for (size_t i = 0; i < FIELD_TYPE_COUNT; i++)
		if (slice_eq(word, slice_of(type_names[i])))
			return (enum field_type)i;
	near = reader_nearest(word, type_names, FIELD_TYPE_COUNT);
	reader_fail(r, node, "unknown type \"%.*s\"; it is text, phone, integer or choice%s%s%s", SLICE_PRINT(word),
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	return FIELD_TEXT;
}

static const char *name_state(struct arena *a, struct slice field)
{
	static const char prefix[] = "WAITING_";
	char *state = arena_alloc(a, sizeof prefix + field.n);

	memcpy(state, prefix, sizeof prefix - 1);
	for (size_t i = 0; i < field.n; i++) {
		char c = field.p[i];

		state[sizeof prefix - 1 + i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	return state;
}

static void add_word(
    struct reader *r, const yaml_node_t *node, struct dialog_form *form, struct words *words, int64_t meaning)
{
	struct slice word = reader_text(r, node, WORD_CHARACTERS_MAX);

	if (!r->failed && !words_add(words, &form->arena, word, meaning))
		reader_fail(
		    r, node, "\"%.*s\" has no letter, digit or emoji to recognise; remove it", SLICE_PRINT(word));
}

static void read_words(
    struct reader *r, const yaml_node_t *list, struct dialog_form *form, struct words *words, int64_t meaning)
{
	for (size_t i = 0, n = reader_list_size(r, list); i < n && !r->failed; i++)
		add_word(r, reader_item(r, list, i), form, words, meaning);
}

static void read_limits(struct reader *r, const yaml_node_t *map, struct form_field *f, int64_t least, int64_t most)
{
	f->min = reader_number(r, reader_need(r, map, "min"), least, most);
	f->max = reader_number(r, reader_need(r, map, "max"), least, most);
	if (f->min > f->max)
		reader_fail(r, map, "min is above max in the field \"%.*s\"; exchange them", SLICE_PRINT(f->name));
}

static void read_regions(struct reader *r, const yaml_node_t *list, struct form_field *f)
{
	f->n_regions = reader_list_size(r, list);
	if (f->n_regions > FORM_REGIONS_MAX) {
		reader_fail(r, list, "more than %d regions; name the ones your customers live in", FORM_REGIONS_MAX);
		f->n_regions = 0;
	}
	for (size_t i = 0; i < f->n_regions && !r->failed; i++) {
		const yaml_node_t *node = reader_item(r, list, i);
		struct slice region = reader_text(r, node, 2);

		f->regions[i] = region.p;
		if (!r->failed && (region.n != 2 || !phone_lib_knows_region(region.p)))
			reader_fail(r, node,
			    "unknown region \"%.*s\"; use two capital letters of ISO 3166, as KG or US",
			    SLICE_PRINT(region));
	}
}

static void read_phone_example(struct reader *r, struct dialog_form *form, const yaml_node_t *map, struct form_field *f)
{
	char example[64];

	if (f->example.n > 0)
		return;
	if (f->n_regions > 0 && phone_lib_example(f->regions[0], example, sizeof example))
		f->example = slice_copy(&form->arena, slice_of(example));
	else
		(void)reader_need(r, map, "example");
}

static void read_options(struct reader *r, const yaml_node_t *list, struct dialog_form *form, struct form_field *f)
{
	static const char *const keys[] = { "name", "words" };
	size_t n = reader_list_size(r, list);

	if (list != NULL && (n < 2 || n > FORM_OPTIONS_MAX)) {
		reader_fail(r, list, "a choice has 2 to %d options; this one has %zu", FORM_OPTIONS_MAX, n);
		return;
	}
	for (size_t i = 0; i < n && !r->failed; i++) {
		const yaml_node_t *map = reader_item(r, list, i);

		reader_only(r, map, keys, COUNT_OF(keys));
		f->option[i] = read_name(r, reader_need(r, map, "name"));
		for (size_t k = 0; k < i; k++)
			if (slice_eq(f->option[k], f->option[i]))
				reader_fail(r, map, "a second option \"%.*s\"; rename one", SLICE_PRINT(f->option[i]));
		read_words(r, reader_get(r, map, "words"), form, &f->option_words, (int64_t)i);
	}
	f->n_options = n;
}

static void read_field_kind(struct reader *r, const yaml_node_t *map, struct dialog_form *form, struct form_field *f)
{
	static const char *const text[] = { "name", "type", "min", "max", "example" };
	static const char *const phone[] = { "name", "type", "regions", "example" };
	static const char *const integer[] = { "name", "type", "min", "max", "units", "example" };
	static const char *const choice[] = { "name", "type", "options", "example" };

	switch (f->type) {
	case FIELD_TEXT:
		reader_only(r, map, text, COUNT_OF(text));
		read_limits(r, map, f, 1, TEXT_FIELD_MAX);
		break;
	case FIELD_PHONE:
		reader_only(r, map, phone, COUNT_OF(phone));
		read_regions(r, reader_get(r, map, "regions"), f);
		read_phone_example(r, form, map, f);
		break;
	case FIELD_INTEGER:
		reader_only(r, map, integer, COUNT_OF(integer));
		read_limits(r, map, f, 0, FORM_NUMBER_MAX);
		read_words(r, reader_get(r, map, "units"), form, &f->units, 0);
		break;
	default:
		reader_only(r, map, choice, COUNT_OF(choice));
		read_options(r, reader_need(r, map, "options"), form, f);
	}
}

static void read_field(struct reader *r, const yaml_node_t *map, struct dialog_form *form)
{
	struct form_field *f = &form->field[form->n_fields];

	f->name = read_name(r, reader_need(r, map, "name"));
	f->type = read_type(r, reader_need(r, map, "type"));
	if (r->failed)
		return;
	if (slice_eq(f->name, SLICE("confirmation")))
		reader_fail(r, map, "\"confirmation\" is the name of a state of its own; choose another");
	for (size_t i = 0; i < form->n_fields; i++)
		if (slice_eq(form->field[i].name, f->name))
			reader_fail(r, map, "a second field \"%.*s\"; rename one", SLICE_PRINT(f->name));
	f->state = name_state(&form->arena, f->name);
	if (reader_get(r, map, "example") != NULL)
		f->example = reader_text(r, reader_get(r, map, "example"), EXAMPLE_CHARACTERS_MAX);
	read_field_kind(r, map, form, f);
	form->n_fields++;
}

static void read_fields(struct reader *r, const yaml_node_t *list, struct dialog_form *form)
{
	size_t n = reader_list_size(r, list);

	if (n > DIALOG_FIELDS_MAX)
		reader_fail(r, list, "more than %d fields; no customer answers that many", DIALOG_FIELDS_MAX);
	for (size_t i = 0; i < n && !r->failed; i++)
		read_field(r, reader_item(r, list, i), form);
}

/* Finds a field every order has, of the type its column needs. */
static size_t need_field(
    struct reader *r, const yaml_node_t *fields, struct dialog_form *form, const char *name, enum field_type type)
{
	for (size_t i = 0; i < form->n_fields; i++) {
		if (!slice_eq(form->field[i].name, slice_of(name)))
			continue;
		if (form->field[i].type != type)
			reader_fail(r, fields, "the field \"%s\" must be of type %s, an order needs it so", name,
			    type_names[type]);
		return i;
	}
	reader_fail(r, fields, "there is no field \"%s\"; every order needs address, phone and quantity", name);
	return 0;
}

static void read_all_fields(struct reader *r, const yaml_node_t *list, struct dialog_form *form)
{
	const struct form_field *quantity;

	read_fields(r, list, form);
	if (r->failed)
		return;
	form->address = need_field(r, list, form, "address", FIELD_TEXT);
	form->phone = need_field(r, list, form, "phone", FIELD_PHONE);
	form->quantity = need_field(r, list, form, "quantity", FIELD_INTEGER);
	quantity = &form->field[form->quantity];
	if (quantity->min < 1 || quantity->max > FORM_QUANTITY_MAX)
		reader_fail(
		    r, list, "the field \"quantity\" must stay within 1 to %d, orders take no more", FORM_QUANTITY_MAX);
}

/* A text with its placeholders checked. */
static struct slice read_template(struct reader *r, const yaml_node_t *map, const char *key, const char *placeholders,
    const struct dialog_form *fields)
{
	const yaml_node_t *node = reader_need(r, map, key);
	struct slice text = reader_text(r, node, TEXT_CHARACTERS_MAX);

	form_check_placeholders(r, node, text, placeholders, fields);
	return text;
}

static void read_option_labels(
    struct reader *r, const yaml_node_t *map, struct dialog_form *form, size_t i, struct form_field_texts *t)
{
	struct form_field *f = &form->field[i];
	const char *keys[FORM_OPTIONS_MAX];
	const yaml_node_t *labels;

	if (f->type != FIELD_CHOICE)
		return;
	labels = reader_need(r, map, "options");
	for (size_t k = 0; k < f->n_options; k++)
		keys[k] = f->option[k].p;
	reader_only(r, labels, keys, f->n_options);
	for (size_t k = 0; k < f->n_options && !r->failed; k++) {
		const yaml_node_t *node = reader_need(r, labels, keys[k]);

		t->option[k] = reader_text(r, node, LABEL_CHARACTERS_MAX);
		if (!r->failed)
			(void)words_add(&f->option_words, &form->arena, t->option[k], (int64_t)k);
	}
}

/* What a field's texts may name: only what it has. */
static const char *field_placeholders(const struct form_field *f)
{
	bool limits = f->type == FIELD_TEXT || f->type == FIELD_INTEGER;

	if (f->example.n == 0)
		return limits ? "label min max" : "label";
	return limits ? "label min max example" : "label example";
}

static void read_hints(struct reader *r, const yaml_node_t *list, const char *placeholders, struct form_field_texts *t)
{
	if (list != NULL && reader_list_size(r, list) != FORM_HINTS)
		reader_fail(r, list, "two hints are expected, the second in other words than the first");
	for (size_t i = 0; i < FORM_HINTS && !r->failed; i++) {
		const yaml_node_t *node = reader_item(r, list, i);

		t->hint[i] = reader_text(r, node, TEXT_CHARACTERS_MAX);
		form_check_placeholders(r, node, t->hint[i], placeholders, NULL);
	}
	if (!r->failed && slice_eq(t->hint[0], t->hint[1]))
		reader_fail(r, list, "both hints are the same; say the second in other words");
}

static void read_field_texts(
    struct reader *r, const yaml_node_t *map, struct dialog_form *form, struct form_language *language, size_t i)
{
	static const char *const keys[] = { "label", "words", "ask", "hints", "offer", "options" };
	static const size_t n_keys[FIELD_TYPE_COUNT] = {
		[FIELD_TEXT] = 5, [FIELD_PHONE] = 5, [FIELD_INTEGER] = 4, [FIELD_CHOICE] = 6
	};
	const char *placeholders = field_placeholders(&form->field[i]);
	struct form_field_texts *t = &language->field[i];

	reader_only(r, map, keys, n_keys[form->field[i].type]);
	t->label = reader_text(r, reader_need(r, map, "label"), LABEL_CHARACTERS_MAX);
	t->ask = read_template(r, map, "ask", placeholders, NULL);
	if (reader_get(r, map, "offer") != NULL)
		t->offer = read_template(r, map, "offer", "label value", NULL);
	read_hints(r, reader_need(r, map, "hints"), placeholders, t);
	read_option_labels(r, map, form, i, t);
	read_words(r, reader_get(r, map, "words"), form, &form->field_names, (int64_t)i);
	if (!r->failed)
		(void)words_add(&form->field_names, &form->arena, t->label, (int64_t)i);
}

static void read_language_fields(
    struct reader *r, const yaml_node_t *map, struct dialog_form *form, struct form_language *language)
{
	const char *keys[DIALOG_FIELDS_MAX];

	for (size_t i = 0; i < form->n_fields; i++)
		keys[i] = form->field[i].name.p;
	reader_only(r, map, keys, form->n_fields);
	for (size_t i = 0; i < form->n_fields && !r->failed; i++)
		read_field_texts(r, reader_need(r, map, keys[i]), form, language, i);
}

static void read_language(struct reader *r, const yaml_node_t *code, const yaml_node_t *map, struct dialog_form *form)
{
	struct form_language *language = arena_alloc(&form->arena, sizeof *language);
	const char *keys[TEXT_COUNT + 1];

	language->code = read_name(r, code);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		keys[i] = text_keys[i];
	keys[TEXT_COUNT] = "fields";
	reader_only(r, map, keys, COUNT_OF(keys));
	for (size_t i = 0; i < TEXT_COUNT && !r->failed; i++) {
		language->text[i] = read_template(
		    r, map, text_keys[i], text_placeholders[i], i == TEXT_SUMMARY ? form : NULL);
	}
	read_language_fields(r, reader_need(r, map, "fields"), form, language);
	form->language[form->n_languages++] = language;
}

static void read_languages(struct reader *r, const yaml_node_t *map, struct dialog_form *form)
{
	size_t n = reader_map_size(r, map);

	if (map != NULL && (n == 0 || n > FORM_LANGUAGES_MAX)) {
		reader_fail(r, map, "texts in 1 to %d languages are expected, as `en:`", FORM_LANGUAGES_MAX);
		return;
	}
	for (size_t i = 0; i < n && !r->failed; i++)
		read_language(r, reader_key(r, map, i), reader_value(r, map, i), form);
}

static void read_number_words(struct reader *r, const yaml_node_t *map, struct dialog_form *form)
{
	for (size_t i = 0, n = reader_map_size(r, map); i < n && !r->failed; i++)
		add_word(r, reader_key(r, map, i), form, &form->numbers,
		    reader_number(r, reader_value(r, map, i), 0, FORM_NUMBER_MAX));
}

static void read_language_words(struct reader *r, const yaml_node_t *map, struct dialog_form *form)
{
	const char *keys[MEANING_COUNT + 1];

	for (size_t i = 0; i < MEANING_COUNT; i++)
		keys[i] = meaning_keys[i];
	keys[MEANING_COUNT] = "numbers";
	reader_only(r, map, keys, COUNT_OF(keys));
	for (size_t i = 0; i < MEANING_COUNT && !r->failed; i++)
		read_words(r, reader_need(r, map, meaning_keys[i]), form, &form->meanings, (int64_t)i);
	read_number_words(r, reader_get(r, map, "numbers"), form);
}

/* Every language with texts has words: who is asked in a language answers in it. */
static void read_all_words(struct reader *r, const yaml_node_t *map, struct dialog_form *form)
{
	for (size_t i = 0, n = reader_map_size(r, map); i < n && !r->failed; i++)
		read_language_words(r, reader_value(r, map, i), form);
	for (size_t i = 0; i < form->n_languages && !r->failed; i++)
		(void)reader_need(r, map, form->language[i]->code.p);
}

static void read_standard_language(struct reader *r, const yaml_node_t *node, struct dialog_form *form)
{
	struct slice code = reader_raw(node);

	for (size_t i = 0; i < form->n_languages; i++) {
		if (slice_eq(form->language[i]->code, code)) {
			form->standard = i;
			return;
		}
	}
	reader_fail(
	    r, node, "the language \"%.*s\" has no texts; add them under `texts:` or name another", SLICE_PRINT(code));
}

void form_read(struct reader *r, struct dialog_form *form)
{
	static const char *const keys[] = { "form", "language", "reply_max", "fields", "texts", "words" };
	const yaml_node_t *root = reader_root(r);

	if (r->failed)
		return;
	reader_only(r, root, keys, COUNT_OF(keys));
	form->name = read_name(r, reader_need(r, root, "form")).p;
	form->reply_max = FORM_REPLY_MAX;
	if (reader_get(r, root, "reply_max") != NULL)
		form->reply_max = reader_number(r, reader_get(r, root, "reply_max"), FORM_REPLY_LEAST, FORM_REPLY_MAX);
	read_all_fields(r, reader_need(r, root, "fields"), form);
	read_languages(r, reader_need(r, root, "texts"), form);
	read_all_words(r, reader_need(r, root, "words"), form);
	read_standard_language(r, reader_need(r, root, "language"), form);
	form_check(r, form);
}
