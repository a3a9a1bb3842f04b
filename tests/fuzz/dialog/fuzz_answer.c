/* fuzz_answer.c - any text as phone, quantity and yes or no. */
#include "dialog/field.h"
#include "dialog/integer.h"
#include "dialog/phone.h"
#include "dialog/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const regions[] = { "KG", "US" };

static void must(bool what)
{
	if (!what)
		abort();
}

static const struct dialog_form *builtin(void)
{
	static struct dialog_form *form;

	if (form == NULL)
		must(dialog_form_load(NULL, &form, NULL) == ERR_OK);
	return form;
}

/* What was found is E.164 and is found again as itself. */
static void check_phone(struct arena *a, struct slice text, size_t n_regions)
{
	struct phone_found found = phone_find(a, text, regions, n_regions), again;

	if (found.verdict == PHONE_NONE)
		return;
	must(found.e164[0] == '+' && strlen(found.e164) >= 4 && strlen(found.e164) < PHONE_SIZE);
	again = phone_find(a, slice_of(found.e164), NULL, 0);
	must(again.verdict == found.verdict && !again.guessed && strcmp(again.e164, found.e164) == 0);
}

static void check_integer(struct arena *a, const struct dialog_form *form, struct slice text)
{
	const struct integer_words words = { &form->field[form->quantity].units, &form->numbers, &form->meanings };
	int64_t number = -1;
	enum integer_verdict verdict = integer_read(&words, a, text, &number);

	must((verdict == INTEGER_READ) == (number >= 0));
}

/* Behind "not" nothing is a yes any more. */
static void check_yes(struct arena *a, const struct dialog_form *form, struct slice text)
{
	char *negated = arena_alloc(a, text.n + 5);

	memcpy(negated, "not ", 4);
	if (text.n > 0)
		memcpy(negated + 4, text.p, text.n);
	must(words_meaning(&form->meanings, words_fold(a, (struct slice){ negated, text.n + 4 })) != MEANING_YES);
}

static void check_fields(struct arena *a, const struct dialog_form *form, struct slice text)
{
	struct slice folded = words_fold(a, text);

	for (size_t i = 0; i < form->n_fields; i++) {
		struct answer answer;

		field_read(a, form, i, text, folded, &answer);
		must(answer.how == ANSWER_REFUSED || field_accepts(form, i, &answer.value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct dialog_form *form = builtin();
	struct arena a = { 0 };
	struct slice text = text_clean(&a, (struct slice){ (const char *)data, n });

	must(slice_is_utf8(text));
	must(slice_eq(text_clean(&a, text), text));
	must(text_graphemes(text) <= text_characters(text));
	check_phone(&a, text, 0);
	check_phone(&a, text, COUNT_OF(regions));
	check_integer(&a, form, text);
	check_yes(&a, form, text);
	check_fields(&a, form, text);
	arena_free(&a);
	return 0;
}
