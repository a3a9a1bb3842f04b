/* test_words.c - whole messages against the built-in form's word lists. */
#include "check.h"

#include "dialog/form_data.h"
#include "dialog/text.h"

static const struct {
	const char *said;
	int64_t meaning;
} rows[] = {
	{ "yes", MEANING_YES },
	{ "Yes", MEANING_YES },
	{ "YES!!!", MEANING_YES },
	{ "  yes  ", MEANING_YES },
	{ "yesss", MEANING_YES },
	{ "Yes.", MEANING_YES },
	{ "yes, please", MEANING_YES },
	{ "please, yes", MEANING_YES },
	{ "yes yes yes", MEANING_YES },
	{ "ok", MEANING_YES },
	{ "Okkk", MEANING_YES },
	{ "ok, thank you", MEANING_YES },
	{ "that's right", MEANING_YES },
	{ "that’s right", MEANING_YES },
	{ "да", MEANING_YES },
	{ "ДА!", MEANING_YES },
	{ "да, пожалуйста", MEANING_YES },
	{ "ооба", MEANING_YES },
	{ "sí", MEANING_YES },
	{ "Si\xcc\x81", MEANING_YES }, /* decomposed */
	{ "sim", MEANING_YES },
	{ "+", MEANING_YES },
	{ "++", MEANING_YES },
	{ "👍", MEANING_YES },
	{ "👍🏽", MEANING_YES },
	{ "👍👍👍", MEANING_YES },
	{ "yes 👍", MEANING_YES },
	{ "yes👍🏿", MEANING_YES },
	{ "✔️", MEANING_YES },
	{ "no", MEANING_NO },
	{ "Nooo", MEANING_NO },
	{ "no, thanks", MEANING_NO },
	{ "no no", MEANING_NO },
	{ "нет", MEANING_NO },
	{ "жок", MEANING_NO },
	{ "não", MEANING_NO },
	{ "👎🏻", MEANING_NO },
	{ "not ok", WORDS_NONE },
	{ "no, not correct", MEANING_CHANGE },
	{ "not correct", MEANING_CHANGE },
	{ "not yes", WORDS_NONE },
	{ "yes no", WORDS_NONE },
	{ "yes but change the phone", WORDS_NONE },
	{ "Why is it so expensive?", WORDS_NONE },
	{ "yesterday", WORDS_NONE },
	{ "second one", WORDS_NONE },
	{ "I do not want it", WORDS_NONE },
	{ "don't cancel", WORDS_NONE },
	{ "оба", WORDS_NONE }, /* Russian "both" lacks a letter of Kyrgyz "yes" */
	{ "cancel", MEANING_CANCEL },
	{ "/cancel", MEANING_CANCEL },
	{ "please cancel", MEANING_CANCEL },
	{ "Отмена", MEANING_CANCEL },
	{ "start over", MEANING_RESTART },
	{ "back", MEANING_BACK },
	{ "/help", MEANING_HELP },
	{ "Help!", MEANING_HELP },
	{ "Operator", MEANING_OPERATOR },
	{ "Thanks", MEANING_THANKS },
	{ "thank you!", MEANING_THANKS },
	{ "спасибо", MEANING_THANKS },
	{ "where is my order?", MEANING_STATUS },
	{ "new order", MEANING_NEW_ORDER },
	{ "/start", MEANING_GREETING },
	{ "Hello", MEANING_GREETING },
	{ "👋", MEANING_GREETING },
	{ "please", MEANING_POLITE },
	{ "12 Main street 4", WORDS_NONE },
	{ "", WORDS_NONE },
	{ "...", WORDS_NONE },
};

static void test_meanings(void **state)
{
	struct dialog_form *form = NULL;
	struct why why = { "" };
	struct arena a = { 0 };

	CHECK(dialog_form_load(NULL, &form, &why) == ERR_OK, "%s\n", why.text);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice folded = words_fold(&a, text_clean(&a, slice_of(rows[i].said)));
		int64_t meaning = words_meaning(&form->meanings, folded);

		CHECK(meaning == rows[i].meaning, "\"%s\" means %d, not %d\n", rows[i].said, (int)meaning,
		    (int)rows[i].meaning);
	}
	arena_free(&a);
	dialog_form_free(&form);
	assert_null(form);
}

static void test_contradiction_is_found(void **state)
{
	struct words w = { 0 };
	struct arena a = { 0 };

	assert_true(words_add(&w, &a, SLICE("Yes!"), 1));
	assert_true(words_add(&w, &a, SLICE("yes"), 1));
	assert_false(words_add(&w, &a, SLICE("..."), 1));
	assert_null(words_finish(&w));
	assert_true(words_add(&w, &a, SLICE("YES"), 2));
	assert_non_null(words_finish(&w));
	words_free(&w);
	arena_free(&a);
}

static void test_long_text_is_no_word(void **state)
{
	char text[WORDS_TEXT_MAX + 2];
	struct arena a = { 0 };

	memset(text, 'y', sizeof text);
	assert_int_equal(words_fold(&a, (struct slice){ text, sizeof text }).n, 0);
	assert_int_equal(words_fold(&a, (struct slice){ text, WORDS_TEXT_MAX }).n, WORDS_TEXT_MAX);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_contradiction_is_found),
		cmocka_unit_test(test_long_text_is_no_word),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
