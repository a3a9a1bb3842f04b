/* test_csv.c - cells that spreadsheets take for text, and nothing else. */
#include "command/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void texts_are_quoted_and_protected(void **state)
{
	static const struct {
		const char *text, *safe, *plain;
	} cases[] = {
		{ "Lenin str 5", "\"Lenin str 5\"", "\"Lenin str 5\"" },
		{ "", "\"\"", "\"\"" },
		{ "a,b;c\r\nd", "\"a,b;c\r\nd\"", "\"a,b;c\r\nd\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"", "\"say \"\"hi\"\"\"" },
		{ "=1+1", "\"'=1+1\"", "\"=1+1\"" },
		{ "+1", "\"'+1\"", "\"+1\"" },
		{ "-1", "\"'-1\"", "\"-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"", "\"@SUM(A1)\"" },
		{ "\t=1", "\"'\t=1\"", "\"\t=1\"" },
		{ "\r=1", "\"'\r=1\"", "\"\r=1\"" },
		{ "\n=1", "\"'\n=1\"", "\"\n=1\"" },
		{ "＝1+1", "\"'＝1+1\"", "\"＝1+1\"" },
		{ "a=1", "\"a=1\"", "\"a=1\"" },
		{ "ул. Ленина 5", "\"ул. Ленина 5\"", "\"ул. Ленина 5\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf safe = { 0 }, plain = { 0 };
		struct csv s = { .out = &safe, .delimiter = ',' },
			   p = { .out = &plain, .delimiter = ',', .plain = true };

		csv_text(&s, slice_of(cases[i].text));
		csv_text(&p, slice_of(cases[i].text));
		assert_string_equal(safe.p, cases[i].safe);
		assert_string_equal(plain.p, cases[i].plain);
		buf_free(&safe);
		buf_free(&plain);
	}
}

static void digits_stay_text(void **state)
{
	static const struct {
		const char *text, *safe;
	} cases[] = {
		{ "+996700123456", "\"=\"\"+996700123456\"\"\"" },
		{ "90071992547409930", "\"=\"\"90071992547409930\"\"\"" },
		{ "client-7", "\"client-7\"" },
		{ "+1\"&A1", "\"'+1\"\"&A1\"" },
		{ "+", "\"'+\"" },
		{ "", "\"\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = { 0 };
		struct csv c = { .out = &out, .delimiter = ',' };

		csv_digits(&c, slice_of(cases[i].text));
		assert_string_equal(out.p, cases[i].safe);
		buf_free(&out);
	}
}

static void rows_have_mark_delimiter_and_crlf(void **state)
{
	struct buf out = { 0 };
	struct csv c = { .out = &out, .delimiter = ';' };

	csv_begin(&c);
	csv_number(&c, -17);
	csv_time(&c, 1743681006984);
	csv_time(&c, 0);
	csv_row_end(&c);
	csv_text(&c, SLICE("x"));
	csv_row_end(&c);
	assert_string_equal(out.p, "\xef\xbb\xbf-17;\"2025-04-03T11:50:06.984Z\";\"\"\r\n\"x\"\r\n");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_quoted_and_protected),
		cmocka_unit_test(digits_stay_text),
		cmocka_unit_test(rows_have_mark_delimiter_and_crlf),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
