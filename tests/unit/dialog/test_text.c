/* test_text.c - cleaning, counting and cutting what customers write. */
#include "check.h"

#include "dialog/text.h"

#include <stdlib.h>

#define BYTES(literal)                                                                                                 \
	{                                                                                                              \
		literal, sizeof(literal) - 1                                                                           \
	}
#define FAMILY "👨‍👩‍👧‍👦"

static const struct {
	struct slice raw;
	const char *clean;
	size_t graphemes;
} rows[] = {
	{ BYTES(""), "", 0 },
	{ BYTES("   "), "", 0 },
	{ BYTES(" a "), "a", 1 },
	{ BYTES("a\tb\r\n\nc"), "a b c", 5 },
	{ BYTES("a\0b"), "ab", 2 },
	{ BYTES("a\x1a\x7f"
		"b"),
	    "ab", 2 },
	{ BYTES("a\xc2\xa0\xe2\x80\x83"
		"b"),
	    "a b", 3 },
	{ BYTES("\xe2\x80\xae"
		"abc\xe2\x80\xac"),
	    "abc", 3 },
	{ BYTES("\xef\xbb\xbf"
		"abc"),
	    "abc", 3 },
	{ BYTES("a\xff"
		"b"),
	    "a\xef\xbf\xbd"
	    "b",
	    3 },
	{ BYTES("\xed\xa0\x80"), "\xef\xbf\xbd", 1 }, /* a surrogate */
	{ BYTES("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd", 2 },
	{ BYTES("\xf0\x9f\x98"), "\xef\xbf\xbd", 1 },
	{ BYTES("Чүй 125"), "Чүй 125", 7 },
	{ BYTES(FAMILY), FAMILY, 1 },
	{ BYTES("🇰🇬🇰🇬"), "🇰🇬🇰🇬", 2 },
	{ BYTES("e\xcc\x81"), "e\xcc\x81", 1 },
	{ BYTES("👍🏽"), "👍🏽", 1 },
};

static void test_clean_and_count(void **state)
{
	struct arena a = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice clean = text_clean(&a, rows[i].raw);

		CHECK(slice_is_utf8(clean), "row %zu is not UTF-8 after cleaning\n", i);
		CHECK(slice_eq(clean, slice_of(rows[i].clean)), "row %zu is cleaned to \"%.*s\"\n", i,
		    SLICE_PRINT(clean));
		CHECK(text_graphemes(clean) == rows[i].graphemes, "row %zu counts %zu\n", i, text_graphemes(clean));
	}
	arena_free(&a);
}

static void test_cut(void **state)
{
	struct slice two = SLICE(FAMILY FAMILY);

	assert_int_equal(text_characters(two), 14);
	assert_int_equal(text_cut(two, 14).n, two.n);
	assert_int_equal(text_cut(two, 13).n, two.n / 2);
	assert_int_equal(text_cut(two, 7).n, two.n / 2);
	assert_int_equal(text_cut(two, 6).n, 0);
	assert_int_equal(text_cut(SLICE("abc"), 2).n, 2);
	assert_int_equal(text_cut(SLICE("abc"), 0).n, 0);
}

static void test_quote(void **state)
{
	struct arena a = { 0 };
	char text[500];
	struct slice quote;

	memset(text, 'a', sizeof text);
	quote = text_quote(&a, (struct slice){ text, sizeof text });
	assert_int_equal(text_characters(quote), 61);
	assert_memory_equal(quote.p + quote.n - 3, "…", 3);
	assert_int_equal(text_quote(&a, SLICE("short")).n, 5);
	arena_free(&a);
}

static void test_huge_text_is_bounded(void **state)
{
	enum { SIZE = 1 << 20 };
	struct arena a = { 0 };
	char *text = mem_alloc(SIZE);

	memset(text, 'a', SIZE);
	assert_int_equal(text_clean(&a, (struct slice){ text, SIZE }).n, TEXT_BYTES_MAX);
	memset(text, 0xff, SIZE);
	assert_int_equal(text_clean(&a, (struct slice){ text, SIZE }).n, 3 * TEXT_BYTES_MAX);
	free(text);
	arena_free(&a);
}

static void test_digits_of_any_script(void **state)
{
	assert_true(text_has_digit(SLICE("a1")));
	assert_true(text_has_digit(SLICE("дом ٣")));
	assert_false(text_has_digit(SLICE("hello")));
	assert_false(text_has_digit(SLICE_NONE));
}

static void test_question_marks_of_any_script(void **state)
{
	static const char *const asking[] = { "yes?", "? yes", "да？", "نعم؟", "yes⁉", "¿sí" };

	for (size_t i = 0; i < COUNT_OF(asking); i++)
		CHECK(text_asks(slice_of(asking[i])), "\"%s\" asks nothing\n", asking[i]);
	assert_false(text_asks(SLICE("yes!")));
	assert_false(text_asks(SLICE_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_and_count),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_huge_text_is_bounded),
		cmocka_unit_test(test_digits_of_any_script),
		cmocka_unit_test(test_question_marks_of_any_script),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
