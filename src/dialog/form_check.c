/* form_check.c - what must be true of a form beyond its single values. */
#include "dialog/form_read.h"

#include "dialog/text.h"

enum { GRAPHEME_CHARACTERS_MAX = 16, GRAPHEME_CHARACTERS_LEAST = 2, NUMBER_CHARACTERS = 20 };

/* The next {name} in *rest, which moves behind it. False: none, or (*broken) one that never ends. */
static bool next_placeholder(struct slice *rest, struct slice *name, bool *broken)
{
	const char *open = rest->n > 0 ? memchr(rest->p, '{', rest->n) : NULL;
	const char *end = rest->p + rest->n, *close;

	*broken = false;
	if (open == NULL)
		return false;
	close = memchr(open, '}', (size_t)(end - open));
	if (close == NULL) {
		*broken = true;
		return false;
	}
	*name = (struct slice){ open + 1, (size_t)(close - open - 1) };
	*rest = (struct slice){ close + 1, (size_t)(end - close - 1) };
	return true;
}

static bool is_name_of(struct slice name, const char *names, const struct dialog_form *fields)
{
	struct slice rest = slice_of(names);

	while (rest.n > 0)
		if (slice_eq(words_next(&rest), name))
			return true;
	for (size_t i = 0; fields != NULL && i < fields->n_fields; i++)
		if (slice_eq(fields->field[i].name, name))
			return true;
	return false;
}

void form_check_placeholders(
    struct reader *r, const yaml_node_t *at, struct slice text, const char *names, const struct dialog_form *fields)
{
	struct slice rest = text, name;
	bool broken;

	while (!r->failed && next_placeholder(&rest, &name, &broken)) {
		if (!is_name_of(name, names, fields))
			reader_fail(r, at, "unknown placeholder {%.*s}; this text may hold: %s%s", SLICE_PRINT(name),
			    names[0] != '\0' ? names : "none", fields != NULL ? " and the names of fields" : "");
	}
	if (!r->failed && broken)
		reader_fail(r, at, "a { without its }; close it or leave it out");
}

static bool text_holds(struct slice text, struct slice wanted)
{
	struct slice rest = text, name;
	bool broken;

	while (next_placeholder(&rest, &name, &broken))
		if (slice_eq(name, wanted))
			return true;
	return false;
}

/* An order counts only when all its fields were shown: the summary must show them. */
static void check_summary(struct reader *r, const struct dialog_form *form, const struct form_language *l)
{
	struct slice summary = l->text[TEXT_SUMMARY];

	if (!text_holds(l->text[TEXT_SUMMARY_LINE], SLICE("value")))
		reader_fail(r, NULL, "the text \"summary_line\" (%.*s) lacks {value}; add it", SLICE_PRINT(l->code));
	if (text_holds(summary, SLICE("fields")))
		return;
	for (size_t i = 0; i < form->n_fields; i++)
		if (!text_holds(summary, form->field[i].name))
			reader_fail(r, NULL, "the text \"summary\" (%.*s) does not show {%.*s}; add it or use {fields}",
			    SLICE_PRINT(l->code), SLICE_PRINT(form->field[i].name));
}

static size_t times_shown(struct slice summary, struct slice field)
{
	struct slice rest = summary, name;
	size_t n = 0;
	bool broken;

	while (next_placeholder(&rest, &name, &broken))
		n += slice_eq(name, field) || slice_eq(name, SLICE("fields"));
	return n;
}

/* Characters a value takes at most, text fields apart. */
static size_t longest_value(const struct form_field *f, const struct form_field_texts *t)
{
	size_t longest = NUMBER_CHARACTERS;

	for (size_t i = 0; i < f->n_options; i++) {
		size_t n = text_characters(t->option[i]);

		longest = n > longest ? n : longest;
	}
	return longest;
}

static size_t longest_closing(const struct form_language *l)
{
	static const enum form_text closings[] = { TEXT_CONFIRM, TEXT_CONFIRM_HINT_1, TEXT_CONFIRM_HINT_2,
		TEXT_CHANGE_WHICH };
	size_t longest = 0;

	for (size_t i = 0; i < COUNT_OF(closings); i++) {
		size_t n = text_characters(l->text[closings[i]]);

		longest = n > longest ? n : longest;
	}
	return longest + text_characters(l->text[TEXT_WAY_OUT]);
}

/* The longest summary: *fixed characters, and *seen seen characters of text fields. */
static void measure_summary(const struct dialog_form *form, const struct form_language *l, size_t *fixed, size_t *seen)
{
	*fixed = text_characters(l->text[TEXT_SUMMARY]) + longest_closing(l) + 8;
	*seen = 0;
	for (size_t i = 0; i < form->n_fields; i++) {
		const struct form_field *f = &form->field[i];
		size_t times = times_shown(l->text[TEXT_SUMMARY], f->name);

		*fixed += times *
			  (text_characters(l->text[TEXT_SUMMARY_LINE]) + text_characters(l->field[i].label) + 4);
		if (f->type == FIELD_TEXT)
			*seen += times * (size_t)f->max;
		else
			*fixed += times * longest_value(f, &l->field[i]);
	}
}

static void check_summary_size(struct reader *r, struct dialog_form *form, const struct form_language *l)
{
	size_t fixed, seen, most;

	measure_summary(form, l, &fixed, &seen);
	most = (size_t)form->reply_max > fixed ? ((size_t)form->reply_max - fixed) / (seen > 0 ? seen : 1) : 0;
	if (most < GRAPHEME_CHARACTERS_LEAST)
		reader_fail(r, NULL,
		    "the summary (%.*s) can become longer than a reply of %lld characters; lower max of text fields or shorten texts",
		    SLICE_PRINT(l->code), (long long)form->reply_max);
	if (most < form->characters_a_grapheme)
		form->characters_a_grapheme = most;
}

/* The longest question about one field: reason, hint, offer and options together. */
static void check_field_size(struct reader *r, const struct dialog_form *form, const struct form_language *l, size_t i)
{
	const struct form_field_texts *t = &l->field[i];
	size_t n = text_characters(t->ask) + text_characters(t->offer) + text_characters(l->text[TEXT_WAY_OUT]);
	size_t hints = text_characters(t->hint[0]) + text_characters(t->hint[1]);

	for (size_t k = 0; k < form->field[i].n_options; k++)
		n += text_characters(t->option[k]) + text_characters(l->text[TEXT_OPTION_LINE]) + 4;
	if (form->field[i].type == FIELD_TEXT && t->offer.n > 0)
		n += (size_t)form->field[i].max * form->characters_a_grapheme;
	if (n + hints + 4 * text_characters(form->field[i].example) > (size_t)form->reply_max)
		reader_fail(r, NULL,
		    "the texts of the field \"%.*s\" (%.*s) together are longer than a reply of %lld characters; shorten them",
		    SLICE_PRINT(form->field[i].name), SLICE_PRINT(l->code), (long long)form->reply_max);
}

static void check_unequal(struct reader *r, struct words *words, const char *what)
{
	const struct word *twice = words_finish(words);

	if (twice != NULL)
		reader_fail(r, NULL,
		    "the word \"%.*s\" stands in two lists of %s; it can mean only one thing, remove one",
		    SLICE_PRINT(twice->folded), what);
}

/* A command wins over an answer, so an option must not be called like one; yes and no may be options. */
static void check_options(struct reader *r, const struct dialog_form *form, const struct form_field *f)
{
	for (size_t i = 0; i < f->option_words.n; i++) {
		struct slice word = f->option_words.word[i].folded;
		int64_t meaning = words_meaning(&form->meanings, word);

		if (meaning != WORDS_NONE && meaning != MEANING_YES && meaning != MEANING_NO)
			reader_fail(r, NULL,
			    "the word \"%.*s\" of an option of \"%.*s\" is also a word of the dialog; use another",
			    SLICE_PRINT(word), SLICE_PRINT(f->name));
	}
}

static void check_words(struct reader *r, struct dialog_form *form)
{
	for (size_t i = 0; i < form->n_fields && !r->failed; i++)
		(void)words_add(&form->field_names, &form->arena, form->field[i].name, (int64_t)i);
	check_unequal(r, &form->meanings, "`words`");
	check_unequal(r, &form->numbers, "`numbers`");
	check_unequal(r, &form->field_names, "field names and labels");
	for (size_t i = 0; i < form->n_fields && !r->failed; i++) {
		check_unequal(r, &form->field[i].units, "`units`");
		check_unequal(r, &form->field[i].option_words, "`options`");
		check_options(r, form, &form->field[i]);
	}
}

void form_check(struct reader *r, struct dialog_form *form)
{
	if (r->failed)
		return;
	form->characters_a_grapheme = GRAPHEME_CHARACTERS_MAX;
	check_words(r, form);
	for (size_t i = 0; i < form->n_languages && !r->failed; i++) {
		check_summary(r, form, form->language[i]);
		check_summary_size(r, form, form->language[i]);
	}
	for (size_t i = 0; i < form->n_languages && !r->failed; i++)
		for (size_t k = 0; k < form->n_fields; k++)
			check_field_size(r, form, form->language[i], k);
}
