/* test_table.c - columns that align whatever customers write, and text that does a terminal no harm. */
#include "command/output.h"
#include "command/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void columns_align(void **state)
{
	struct table t = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *out = tmpfile();

	assert_non_null(out);
	table_heading(&t, "N", TABLE_RIGHT);
	table_heading(&t, "NAME", TABLE_LEFT);
	table_heading(&t, "ADDRESS", TABLE_LEFT);
	table_number(&t, 7);
	table_text(&t, SLICE("東京"));
	table_text(&t, SLICE("a\nb"));
	table_number(&t, 1234);
	table_text(&t, SLICE("e\xcc\x81"));
	table_text(&t, SLICE_NONE);
	assert_int_equal(table_rows(&t), 2);
	table_print(&t, out);
	table_free(&t);
	rewind(out);
	assert_true(getdelim(&text, &n, '\0', out) > 0);
	assert_string_equal(text, "   N  NAME  ADDRESS\n"
				  "   7  東京  a b\n"
				  "1234  e\xcc\x81     \n");
	free(text);
	(void)fclose(out);
}

static void times_are_utc(void **state)
{
	struct table t = { 0 };

	table_heading(&t, "TIME", TABLE_LEFT);
	table_time(&t, 1743681006984);
	table_time(&t, 0);
	assert_true(slice_eq(t.cells[1].text, SLICE("2025-04-03T11:50:06Z")));
	assert_int_equal(t.cells[2].text.n, 0);
	table_free(&t);
}

static void terminals_are_safe(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain Бишкек", "plain Бишкек" },
		{ "\033[31mred\033]0;title\a", " [31mred ]0;title " },
		{ "a\r\nb\tc\x7f", "a  b c " },
		{ "\xc2\x9b"
		  "31m",
		    " 31m" }, /* C1 control */
		{ "a\xe2\x80\xae"
		  "b",
		    "a b" },                            /* turns the direction of writing */
		{ "👩\xe2\x80\x8d👧", "👩\xe2\x80\x8d👧" }, /* a family stays one */
		{ "cut \xd0", "cut \xef\xbf\xbd" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = { 0 };

		terminal_text(&out, slice_of(cases[i].in));
		assert_string_equal(out.p, cases[i].out);
		buf_free(&out);
	}
}

static void clips_between_characters(void **state)
{
	assert_int_equal(terminal_width(SLICE("東京a")), 5);
	assert_int_equal(terminal_width(SLICE("e\xcc\x81")), 1);
	assert_true(slice_eq(terminal_clip(SLICE("東京a"), 3), SLICE("東")));
	assert_true(slice_eq(terminal_clip(SLICE("e\xcc\x81x"), 1), SLICE("e\xcc\x81")));
	assert_true(slice_eq(terminal_clip(SLICE("abc"), 10), SLICE("abc")));
	assert_int_equal(terminal_clip(SLICE("東"), 1).n, 0);
}

static void no_colour_into_files(void **state)
{
	FILE *out = tmpfile();

	assert_non_null(out);
	assert_false(output_colour(out));
	assert_int_equal(output_columns(out), 0);
	(void)fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_align),
		cmocka_unit_test(times_are_utc),
		cmocka_unit_test(terminals_are_safe),
		cmocka_unit_test(clips_between_characters),
		cmocka_unit_test(no_colour_into_files),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
