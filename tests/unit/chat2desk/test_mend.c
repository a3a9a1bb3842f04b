/* test_mend.c - what is mended, and that everything else stays byte for byte. */
#include "chat2desk/mend.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *from, *to;
} cases[] = {
	{ "", "" },
	{ "{\"a\":\"b\"}", "{\"a\":\"b\"}" },
	{ "\xef\xbb\xbf{}", "{}" },
	{ "{}\xef\xbb\xbf", "{}\xef\xbb\xbf" },
	{ "\"a\\u0000b\"", "\"ab\"" },
	{ "{\"k\\u0000\":1}", "{\"k\":1}" },
	{ "\"\\\\u0000\"", "\"\\\\u0000\"" }, /* an escaped backslash, then letters */
	{ "\\u0000", "\\u0000" },             /* not in a string */
	{ "\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\"" },
	{ "\"\\uD83D\\uDE00\"", "\"\\uD83D\\uDE00\"" },
	{ "\"\\ud83d\"", "\"\\ufffd\"" },
	{ "\"\\ude00\"", "\"\\ufffd\"" },
	{ "\"\\ud83dx\\ude00\"", "\"\\ufffdx\\ufffd\"" },
	{ "\"\\ud83d\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\"" },
	{ "\"\\ud83d\\u0041\"", "\"\\ufffd\\u0041\"" },
	{ "\"\\ud83d\\n\"", "\"\\ufffd\\n\"" },
	{ "\"\\ud8", "\"\\ud8" },
	{ "\"\\", "\"\\" },
	{ "\"\\\"\\ud83d\"", "\"\\\"\\ufffd\"" },
	{ "\"\\uZZZZ\"", "\"\\uZZZZ\"" },
	{ "[1,-2,3.5]", "[1,-2,3.5]" },
	{ "[999999999999999999]", "[999999999999999999]" },
	{ "[99999999999999999999]", "[\"99999999999999999999\"]" },
	{ "[-99999999999999999999]", "[\"-99999999999999999999\"]" },
	{ "[1e999]", "[\"1e999\"]" },
	{ "[1.5E+999,2]", "[\"1.5E+999\",2]" },
	{ "[1e]", "[1e]" },
	{ "[012345678901234567890]", "[012345678901234567890]" }, /* no JSON before, none after */
	{ "\"99999999999999999999\"", "\"99999999999999999999\"" },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = { 0 };

		c2d_mend(slice_of(cases[i].from), &out);
		if (!slice_eq(buf_as_slice(&out), slice_of(cases[i].to)))
			fail_msg("%s became %s", cases[i].from, out.p != NULL ? out.p : "");
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
