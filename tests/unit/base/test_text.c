/* test_text.c - slices and buffers. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void trims(void **state)
{
	assert_true(slice_eq(slice_trim(SLICE(" \t\r\n a b \n")), SLICE("a b")));
	assert_true(slice_eq(slice_trim(SLICE(" \n")), SLICE("")));
	assert_true(slice_eq(slice_trim(SLICE_NONE), SLICE_NONE));
}

static void cuts_no_character(void **state)
{
	assert_true(slice_eq(slice_cut(SLICE("abc"), 3), SLICE("abc")));
	assert_true(slice_eq(slice_cut(SLICE("abc"), 2), SLICE("ab")));
	assert_true(slice_eq(slice_cut(SLICE("Ж!"), 1), SLICE("")));
	assert_true(slice_eq(slice_cut(SLICE("a\xf0\x9f\x8d\x95"), 4), SLICE("a")));
	assert_true(slice_eq(slice_cut(SLICE("\xf0\x9f\x8d\x95"
					     "a"),
				 4),
	    SLICE("\xf0\x9f\x8d\x95")));
	assert_true(slice_eq(slice_cut(SLICE_NONE, 4), SLICE_NONE));
}

static void knows_utf8(void **state)
{
	assert_true(slice_is_utf8(SLICE_NONE));
	assert_true(slice_is_utf8(SLICE("Бишкек \xf0\x9f\x8d\x95")));
	assert_false(slice_is_utf8(SLICE("\xc0\xaf")));         /* overlong */
	assert_false(slice_is_utf8(SLICE("\xed\xa0\x80")));     /* a surrogate */
	assert_false(slice_is_utf8(SLICE("\xf4\x90\x80\x80"))); /* beyond the last */
	assert_false(slice_is_utf8(SLICE("cut \xd0")));
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "17", true, 17 },
		{ "-17", true, -17 },
		{ "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "0x10", false, 0 },
		{ "1e3", false, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t value = 0;

		if (slice_to_int64(slice_of(cases[i].text), &value) != cases[i].ok || value != cases[i].value)
			fail_msg("\"%s\" gives %lld", cases[i].text, (long long)value);
	}
}

static void fills_buffers(void **state)
{
	char four[4];

	assert_true(slice_to_buffer(SLICE("abc"), four, sizeof four));
	assert_string_equal(four, "abc");
	assert_false(slice_to_buffer(SLICE("abcd"), four, sizeof four));
	assert_string_equal(four, "");
	assert_true(slice_to_buffer(SLICE_NONE, four, sizeof four));
}

static void grows(void **state)
{
	struct buf b = { 0 };

	assert_int_equal(buf_as_slice(&b).n, 0);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%04d,", i);
	assert_int_equal(b.n, 50000);
	assert_memory_equal(b.p + 49995, "9999,", 6);
	buf_reset(&b);
	buf_int(&b, INT64_MIN);
	buf_char(&b, '/');
	buf_text(&b, "x");
	assert_string_equal(b.p, "-9223372036854775808/x");
	buf_free(&b);
	assert_null(b.p);
}

static void writes_json_strings(void **state)
{
	static const struct {
		struct slice in;
		const char *out;
	} cases[] = {
		{ { NULL, 0 }, "\"\"" },
		{ { "a\"b\\c/d", 7 }, "\"a\\\"b\\\\c/d\"" },
		{ { "\b\f\n\r\t", 5 }, "\"\\u0008\\u000c\\n\\r\\t\"" },
		{ { "\0\x1f", 2 }, "\"\\u0000\\u001f\"" },
		{ { "Ж\xf0\x9f\x8d\x95", 6 }, "\"Ж\xf0\x9f\x8d\x95\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = { 0 };

		buf_json(&b, cases[i].in);
		assert_string_equal(b.p, cases[i].out);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trims),
		cmocka_unit_test(cuts_no_character),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(fills_buffers),
		cmocka_unit_test(grows),
		cmocka_unit_test(writes_json_strings),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
