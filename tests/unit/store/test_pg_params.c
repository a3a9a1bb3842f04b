/* test_pg_params.c - texts made fit for PostgreSQL. */
#include "store/shared/pg/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

static const struct {
	struct slice text;
	const char *clean;
} cases[] = {
	{ SLICE(""), "" },
	{ SLICE("abc"), "abc" },
	{ SLICE("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80" },
	{ SLICE("a\0b"), "a" BAD "b" },
	{ SLICE("\0"), BAD },
	{ SLICE("\xff"), BAD },
	{ SLICE("a\xff\xfe"), "a" BAD BAD },
	{ SLICE("\xc3"), BAD },                  /* cut short */
	{ SLICE("\xe2\x82x"), BAD "x" },         /* cut short, then on */
	{ SLICE("\xed\xa0\x80z"), BAD "z" },     /* a surrogate */
	{ SLICE("\xc0\x80z"), BAD "z" },         /* an overlong NUL */
	{ SLICE("\xf4\x90\x80\x80z"), BAD "z" }, /* beyond U+10FFFF */
	{ SLICE("x\0\xff\xc3\xa9"), "x" BAD BAD "\xc3\xa9" },
};

static void test_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf room = { 0 };
		struct slice clean = pg_clean(cases[i].text, &room);

		if (!slice_eq(clean, slice_of(cases[i].clean)) || !slice_is_utf8(clean))
			fail_msg("case %zu: \"%.*s\"", i, SLICE_PRINT(clean));
		buf_free(&room);
	}
}

/* What is right already is not copied. */
static void test_clean_is_no_copy(void **state)
{
	struct slice text = SLICE("Main St 1");
	struct buf room = { 0 };

	(void)state;
	assert_ptr_equal(pg_clean(text, &room).p, text.p);
	assert_int_equal(room.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_is_no_copy),
	};

	return cmocka_run_group_tests_name("pg_params", tests, NULL, NULL);
}
