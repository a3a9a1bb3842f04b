/* test_integer.c - how many a customer wants, and what is not guessed at. */
#include "check.h"

#include "dialog/form_data.h"
#include "dialog/integer.h"
#include "dialog/text.h"

static const struct {
	const char *said;
	enum integer_verdict verdict;
	int64_t number;
} rows[] = {
	{ "3", INTEGER_READ, 3 },
	{ " 3 ", INTEGER_READ, 3 },
	{ "3.", INTEGER_READ, 3 },
	{ "3!", INTEGER_READ, 3 },
	{ "(3)", INTEGER_READ, 3 },
	{ "03", INTEGER_READ, 3 },
	{ "000000000000000000003", INTEGER_READ, 3 },
	{ "0", INTEGER_READ, 0 },
	{ "51", INTEGER_READ, 51 },
	{ "#3", INTEGER_READ, 3 },
	{ "x3", INTEGER_READ, 3 },
	{ "3x", INTEGER_READ, 3 },
	{ "3 bottles", INTEGER_READ, 3 },
	{ "3 Bottles, please!", INTEGER_READ, 3 },
	{ "3bottles", INTEGER_READ, 3 },
	{ "bottles: 3", INTEGER_READ, 3 },
	{ "please 3", INTEGER_READ, 3 },
	{ "3 thanks", INTEGER_READ, 3 },
	{ "3 шт", INTEGER_READ, 3 },
	{ "3шт.", INTEGER_READ, 3 },
	{ "٣", INTEGER_READ, 3 },
	{ "१२", INTEGER_READ, 12 },
	{ "５", INTEGER_READ, 5 },
	{ "5️⃣", INTEGER_READ, 5 },
	{ "three", INTEGER_READ, 3 },
	{ "Three!", INTEGER_READ, 3 },
	{ "three bottles", INTEGER_READ, 3 },
	{ "a bottle", INTEGER_READ, 1 },
	{ "a dozen", INTEGER_READ, 12 },
	{ "twenty-five", INTEGER_READ, 25 },
	{ "twenty five pieces please", INTEGER_READ, 25 },
	{ "пять", INTEGER_READ, 5 },
	{ "двадцать пять штук", INTEGER_READ, 25 },
	{ "үч даана", INTEGER_READ, 3 },
	{ "2 or 3", INTEGER_SEVERAL, 0 },
	{ "2-3", INTEGER_SEVERAL, 0 },
	{ "2 - 3", INTEGER_SEVERAL, 0 },
	{ "([$A[", INTEGER_NONE, 0 },
	{ "10:30", INTEGER_NOT_WHOLE, 0 },
	{ "2 3", INTEGER_SEVERAL, 0 },
	{ "1 000", INTEGER_SEVERAL, 0 },
	{ "10 (apartment 4)", INTEGER_SEVERAL, 0 },
	{ "2 bottles of 19 l", INTEGER_SEVERAL, 0 },
	{ "two three", INTEGER_SEVERAL, 0 },
	{ "1.5", INTEGER_NOT_WHOLE, 0 },
	{ "1,5", INTEGER_NOT_WHOLE, 0 },
	{ "1/2", INTEGER_NOT_WHOLE, 0 },
	{ "-5", INTEGER_NOT_WHOLE, 0 },
	{ "−5", INTEGER_NOT_WHOLE, 0 },
	{ "minus 5", INTEGER_NONE, 0 },
	{ "two or three", INTEGER_NONE, 0 },
	{ "about 5", INTEGER_NONE, 0 },
	{ "not 5", INTEGER_NONE, 0 },
	{ "5%", INTEGER_NONE, 0 },
	{ "5$", INTEGER_NONE, 0 },
	{ "5+", INTEGER_NONE, 0 },
	{ "+5", INTEGER_NONE, 0 },
	{ ">5", INTEGER_NONE, 0 },
	{ "5th", INTEGER_NONE, 0 },
	{ "5²", INTEGER_NONE, 0 },
	{ "½", INTEGER_NONE, 0 },
	{ "many", INTEGER_NONE, 0 },
	{ "bottles", INTEGER_NONE, 0 },
	{ "", INTEGER_NONE, 0 },
	{ "?", INTEGER_NONE, 0 },
	{ "9999999999999999999999", INTEGER_HUGE, 0 },
};

static void test_numbers(void **state)
{
	struct dialog_form *form = NULL;
	struct why why = { "" };
	struct arena a = { 0 };

	CHECK(dialog_form_load(NULL, &form, &why) == ERR_OK, "%s\n", why.text);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct integer_words words = { &form->field[form->quantity].units, &form->numbers,
			&form->meanings };
		struct slice text = text_clean(&a, slice_of(rows[i].said));
		int64_t number = 0;
		enum integer_verdict verdict = integer_read(&words, &a, text, &number);

		CHECK(verdict == rows[i].verdict && number == rows[i].number, "\"%s\" is read as %d (verdict %d)\n",
		    rows[i].said, (int)number, (int)verdict);
	}
	arena_free(&a);
	dialog_form_free(&form);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers) };

	return cmocka_run_group_tests_name("integer", tests, NULL, NULL);
}
