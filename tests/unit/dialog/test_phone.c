/* test_phone.c - telephone numbers found in what customers write. */
#include "check.h"

#include "dialog/phone.h"
#include "dialog/text.h"

static const struct {
	const char *said, *region;
	enum phone_verdict verdict;
	bool guessed;
	const char *e164;
} rows[] = {
	{ "+14155552671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "+1 415 555 2671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "+1 (415) 555-2671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "+1.415.555.2671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "+1 [415] 555 2671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "tel:+1-415-555-2671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "0014155552671", NULL, PHONE_VALID, false, "+14155552671" },
	{ "00996 700 123 456", NULL, PHONE_VALID, false, "+996700123456" },
	{ "+996 700–123–456", NULL, PHONE_VALID, false, "+996700123456" },
	{ "+996 700 123 456 Aibek", NULL, PHONE_VALID, false, "+996700123456" },
	{ "Aibek +996700123456", NULL, PHONE_VALID, false, "+996700123456" },
	{ "my number is +996700123456, apartment 12", NULL, PHONE_VALID, false, "+996700123456" },
	{ "+996700123456 +996555123456", NULL, PHONE_VALID, false, "+996700123456" },
	{ "\xe2\x80\xaa+996 700 123 456\xe2\x80\xac", NULL, PHONE_VALID, false, "+996700123456" },
	{ "+٩٩٦٧٠٠١٢٣٤٥٦", NULL, PHONE_VALID, false, "+996700123456" },
	{ "＋９９６７００１２３４５６", NULL, PHONE_VALID, false, "+996700123456" },
	{ "996700123456", NULL, PHONE_VALID, true, "+996700123456" },
	{ "0700 123 456", NULL, PHONE_NONE, false, "" },
	{ "0700 123 456", "KG", PHONE_VALID, false, "+996700123456" },
	{ "700123456", "KG", PHONE_VALID, false, "+996700123456" },
	{ "996700123456", "KG", PHONE_VALID, false, "+996700123456" },
	{ "(415) 555-2671", "US", PHONE_VALID, false, "+14155552671" },
	{ "+14155552671", "KG", PHONE_VALID, false, "+14155552671" },
	{ "+12001234567", NULL, PHONE_POSSIBLE, false, "+12001234567" },
	{ "+1234", NULL, PHONE_NONE, false, "" },
	{ "+23 456937 565552671", NULL, PHONE_NONE, false, "" }, /* more than 15 digits */
	{ "0[0001084352", "KG", PHONE_NONE, false, "" },         /* reads in two ways */
	{ "+999999999999999", NULL, PHONE_NONE, false, "" },
	{ "+99912345678", NULL, PHONE_NONE, false, "" },
	{ "12345", NULL, PHONE_NONE, false, "" },
	{ "hello", NULL, PHONE_NONE, false, "" },
	{ "", NULL, PHONE_NONE, false, "" },
	{ "12 Main street 4", NULL, PHONE_NONE, false, "" },
	{ "+", NULL, PHONE_NONE, false, "" },
	{ "+++++", NULL, PHONE_NONE, false, "" },
};

static void test_found(void **state)
{
	struct arena a = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice text = text_clean(&a, slice_of(rows[i].said));
		struct phone_found found = phone_find(&a, text, &rows[i].region, rows[i].region != NULL);

		CHECK(found.verdict == rows[i].verdict && found.guessed == rows[i].guessed &&
			  strcmp(found.verdict == PHONE_NONE ? "" : found.e164, rows[i].e164) == 0,
		    "\"%s\" is read as \"%s\" (verdict %d, guessed %d)\n", rows[i].said, found.e164, (int)found.verdict,
		    found.guessed);
	}
	arena_free(&a);
}

/* A number behind the first 100 characters is not looked for. */
static void test_search_ends(void **state)
{
	char text[140];
	struct arena a = { 0 };
	struct phone_found found;

	memset(text, 'a', sizeof text);
	memcpy(text + 100, "+14155552671", 12);
	found = phone_find(&a, (struct slice){ text, sizeof text }, NULL, 0);
	assert_int_equal(found.verdict, PHONE_NONE);
	memcpy(text + 80, "+14155552671", 12);
	found = phone_find(&a, (struct slice){ text, sizeof text }, NULL, 0);
	assert_string_equal(found.e164, "+14155552671");
	arena_free(&a);
}

static void test_regions(void **state)
{
	char example[64] = "";

	assert_true(phone_lib_knows_region("KG"));
	assert_false(phone_lib_knows_region("kg"));
	assert_false(phone_lib_knows_region("XX"));
	assert_true(phone_lib_example("KG", example, sizeof example));
	CHECK(strncmp(example, "+996 ", 5) == 0, "the example of KG is %s\n", example);
	assert_false(phone_lib_example("KG", example, 4));
	assert_false(phone_lib_example("XX", example, sizeof example));
}

static void test_looks_like(void **state)
{
	assert_true(phone_looks_like(SLICE("+1 (415) 555-2671")));
	assert_true(phone_looks_like(SLICE("0700123456")));
	assert_false(phone_looks_like(SLICE("12 Main street 4")));
	assert_false(phone_looks_like(SLICE("720010")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_search_ends),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_looks_like),
	};

	return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
