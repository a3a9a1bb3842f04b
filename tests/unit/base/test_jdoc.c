/* test_jdoc.c - what is JSON to us, and that every value is read as it was written. */
#include "base/buf.h"
#include "base/jdoc.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct jdoc parse(const char *text)
{
	struct jdoc root = JDOC_NONE;

	if (!jdoc_parse(slice_of(text), &root))
		fail_msg("%s is refused", text);
	return root;
}

static void check_text(struct slice is, const char *wanted)
{
	if (!slice_eq(is, slice_of(wanted)))
		fail_msg("'%.*s', wanted '%s'", SLICE_PRINT(is), wanted);
}

/* ---- what is accepted --------------------------------------------------------------------------------- */

static const char *const accepted[] = {
	"{}",
	"[]",
	" \t\r\n{ } \n",
	"[[],{},[{}]]",
	"[null,true,false,0,-0,1.5,-1e-2,1E+2,\"\"]",
	"[9223372036854775807,-9223372036854775808]",
	"[1.7976931348623157e308,-1.7976931348623157e308]",
	"[4.9e-324,1e-999,0e999999999999999999999]",
	"[0.95000000000000000000,123456789012345678901.5,1e0000000000000000000001]",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"]",
	"[\"\x7f \xc3\xa9 \xef\xbb\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf\"]",
	"[\"\\\\u0000\"]",
	"{\"\":1,\"a\":1,\"a\":2}",
};

static const struct slice refused[] = {
	SLICE_NONE,
	{ "", 0 },
	{ " ", 1 },
	/* no object, no array */
	{ "1", 1 },
	{ "\"a\"", 3 },
	{ "null", 4 },
	{ "hello", 5 },
	/* not closed, closed twice, closed otherwise, more than one */
	{ "{", 1 },
	{ "[1", 2 },
	{ "[\"a", 3 },
	{ "[]]", 3 },
	{ "[}", 2 },
	{ "{]", 2 },
	{ "{}{}", 4 },
	{ "{} x", 4 },
	{ "{}\0", 3 },
	{ "{\0}", 3 },
	{ "[1\0]", 4 },
	/* commas and colons */
	{ "[1,]", 4 },
	{ "[,1]", 4 },
	{ "[1 2]", 5 },
	{ "{\"a\"}", 5 },
	{ "{\"a\":}", 6 },
	{ "{\"a\":1,}", 8 },
	{ "{\"a\" 1}", 7 },
	{ "{1:1}", 5 },
	{ "{a:1}", 5 },
	/* numbers and words */
	{ "[01]", 4 },
	{ "[-]", 3 },
	{ "[+1]", 4 },
	{ "[1.]", 4 },
	{ "[.5]", 4 },
	{ "[1e]", 4 },
	{ "[0x1]", 5 },
	{ "[1a]", 4 },
	{ "[NaN]", 5 },
	{ "[Infinity]", 10 },
	{ "[nul]", 5 },
	{ "[truee]", 7 },
	{ "['a']", 5 },
	{ "[1]//", 5 },
	/* numbers that do not fit */
	{ "[9223372036854775808]", 21 },
	{ "[18446744073709551615]", 22 },
	{ "[-9223372036854775809]", 22 },
	{ "[123456789012345678901234567890]", 32 },
	{ "[1e309]", 7 },
	{ "[-1.7976931348623159e308]", 25 },
	{ "{\"a\":{\"b\":[18446744073709551615]}}", 35 },
	/* strings */
	{ "[\"\n\"]", 5 },
	{ "[\"\x1f\"]", 5 },
	{ "[\"\0\"]", 5 },
	{ "[\"\\x\"]", 6 },
	{ "[\"\\u12\"]", 8 },
	{ "[\"\\u12g4\"]", 10 },
	{ "[\"\\u0000\"]", 10 },
	{ "{\"\\u0000\":1}", 12 },
	{ "{\"a\":{\"b\":[\"c\\u0000\"]}}", 23 },
	{ "[\"\\ud83d\"]", 10 },
	{ "[\"\\ude00\"]", 10 },
	{ "[\"\\ud83d\\u0041\"]", 16 },
	{ "[\"\\ude00\\ud83d\"]", 16 },
	{ "[\"\\ud83dx\\ude00\"]", 17 },
	/* bytes that are not UTF-8, a byte order mark */
	{ "[\"\xff\"]", 5 },
	{ "[\"\xc3\"]", 5 },
	{ "[\"\xc0\x80\"]", 6 },
	{ "[\"\xed\xa0\x80\"]", 7 },
	{ "[\"\xf4\x90\x80\x80\"]", 8 },
	{ "\xef\xbb\xbf[]", 5 },
};

static void test_accepted(void **state)
{
	for (size_t i = 0; i < COUNT_OF(accepted); i++)
		(void)parse(accepted[i]);
	jdoc_done();
}

static void test_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct jdoc root = JDOC_NONE;

		if (jdoc_parse(refused[i], &root))
			fail_msg("%.*s is accepted", SLICE_PRINT(refused[i]));
		assert_null(root.document);
	}
	jdoc_done();
}

/* n arrays around the text. */
static bool accepts_deep(size_t n, const char *text)
{
	struct jdoc root;
	struct buf all = { 0 };
	bool ok;

	for (size_t i = 0; i < n; i++)
		buf_char(&all, '[');
	buf_text(&all, text);
	for (size_t i = 0; i < n; i++)
		buf_char(&all, ']');
	ok = jdoc_parse(buf_as_slice(&all), &root);
	buf_free(&all);
	jdoc_done();
	return ok;
}

static void test_depth(void **state)
{
	static const char *const innermost[] = { "1", "null", "\"a\"", "[]", "{}" };

	for (size_t i = 0; i < COUNT_OF(innermost); i++) {
		assert_true(accepts_deep(JDOC_DEPTH_MAX - 1, innermost[i]));
		assert_false(accepts_deep(JDOC_DEPTH_MAX, innermost[i]));
	}
	assert_true(accepts_deep(JDOC_DEPTH_MAX, ""));
	assert_true(accepts_deep(JDOC_DEPTH_MAX - 2, "{\"a\":1}"));
	assert_false(accepts_deep(JDOC_DEPTH_MAX - 1, "{\"a\":1}"));
	assert_false(accepts_deep(100000, ""));
}

/* ---- values ------------------------------------------------------------------------------------------- */

static const struct {
	const char *text; /* in an array */
	enum jdoc_kind kind;
	int64_t integer;
	double number;
	const char *string;
	size_t size;
} values[] = {
	{ "null", JDOC_NULL, 0, 0, "", 0 },
	{ "true", JDOC_BOOL, 0, 0, "", 0 },
	{ "false", JDOC_BOOL, 0, 0, "", 0 },
	{ "0", JDOC_INTEGER, 0, 0, "", 0 },
	{ "-7", JDOC_INTEGER, -7, -7, "", 0 },
	{ "9223372036854775807", JDOC_INTEGER, INT64_MAX, 9223372036854775807.0, "", 0 },
	{ "-9223372036854775808", JDOC_INTEGER, INT64_MIN, -9223372036854775808.0, "", 0 },
	{ "7.0", JDOC_REAL, 0, 7, "", 0 },
	{ "-42.875", JDOC_REAL, 0, -42.875, "", 0 },
	{ "1e3", JDOC_REAL, 0, 1000, "", 0 },
	{ "0.95000000000000000000", JDOC_REAL, 0, 0.95, "", 0 },
	{ "0.1276474000000000000000001", JDOC_REAL, 0, 0.1276474, "", 0 },
	{ "\"7\"", JDOC_STRING, 0, 0, "7", 0 },
	{ "\"\"", JDOC_STRING, 0, 0, "", 0 },
	{ "\"a\\n\\\"\\/\\u00e9\\ud83d\\ude00\"", JDOC_STRING, 0, 0, "a\n\"/\xc3\xa9\xf0\x9f\x98\x80", 0 },
	{ "[]", JDOC_ARRAY, 0, 0, "", 0 },
	{ "[1.5,\"a\",[2,3]]", JDOC_ARRAY, 0, 0, "", 3 },
	{ "{}", JDOC_OBJECT, 0, 0, "", 0 },
	{ "{\"a\":{\"b\":1},\"c\":2}", JDOC_OBJECT, 0, 0, "", 2 },
};

static void test_values(void **state)
{
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char text[128];
		struct jdoc value;

		(void)snprintf(text, sizeof text, "[%s]", values[i].text);
		value = jdoc_first(parse(text));
		assert_int_equal(jdoc_kind(value), values[i].kind);
		assert_int_equal(jdoc_integer(value), values[i].integer);
		assert_true(jdoc_number(value) == values[i].number);
		check_text(jdoc_string(value), values[i].string);
		assert_int_equal(jdoc_size(value), values[i].size);
	}
	jdoc_done();
}

static void test_what_is_absent_stays_absent(void **state)
{
	struct jdoc root = parse("{\"a\":[],\"b\":{},\"c\":\"x\"}");
	struct jdoc absent[] = {
		JDOC_NONE,
		jdoc_member(root, "d"),
		jdoc_member(root, ""),
		jdoc_member(jdoc_member(root, "a"), "a"),
		jdoc_member(jdoc_member(root, "b"), "a"),
		jdoc_member(jdoc_member(root, "c"), "x"),
		jdoc_first(jdoc_member(root, "a")),
		jdoc_first(jdoc_member(root, "b")),
		jdoc_first(jdoc_member(root, "c")),
		jdoc_first(JDOC_NONE),
		jdoc_next(root, JDOC_NONE),
		jdoc_next(JDOC_NONE, JDOC_NONE),
	};

	for (size_t i = 0; i < COUNT_OF(absent); i++) {
		assert_null(absent[i].document);
		assert_int_equal(jdoc_kind(absent[i]), JDOC_ABSENT);
		assert_null(jdoc_string(absent[i]).p);
		assert_int_equal(jdoc_integer(absent[i]), 0);
		assert_true(jdoc_number(absent[i]) == 0);
		assert_int_equal(jdoc_size(absent[i]), 0);
	}
	jdoc_done();
}

static void test_members(void **state)
{
	struct jdoc root = parse("{\"a\":1,\"ab\":{\"a\":2},\"a\":[3],\"\\u0061b\":4,\"\":5.5,\"a\":6,\"b\":7}");

	assert_int_equal(jdoc_integer(jdoc_member(root, "a")), 6);
	assert_int_equal(jdoc_integer(jdoc_member(root, "ab")), 4);
	assert_true(jdoc_number(jdoc_member(root, "")) == 5.5);
	assert_int_equal(jdoc_integer(jdoc_member(root, "b")), 7);
	jdoc_done();
}

static void test_items_come_in_order(void **state)
{
	static const char *const names[] = { "a", "b", "a", "c", "", "d" };
	static const enum jdoc_kind kinds[] = { JDOC_INTEGER, JDOC_ARRAY, JDOC_REAL, JDOC_OBJECT, JDOC_STRING,
		JDOC_NULL };
	struct jdoc object = parse("{\"a\":1,\"b\":[[],{\"x\":2}],\"a\":3.5,\"c\":{\"y\":[4]},\"\":\"z\",\"d\":null}");
	struct jdoc array, item;
	size_t n = 0;

	for (item = jdoc_first(object); item.document != NULL; item = jdoc_next(object, item)) {
		assert_true(n < COUNT_OF(names));
		check_text(jdoc_name(item), names[n]);
		assert_int_equal(jdoc_kind(item), kinds[n++]);
	}
	assert_int_equal(n, COUNT_OF(names));
	array = parse("[1,[[],{\"x\":2}],3.5,{\"y\":[4]},\"z\",null]");
	for (n = 0, item = jdoc_first(array); item.document != NULL; item = jdoc_next(array, item)) {
		assert_true(n < COUNT_OF(kinds));
		assert_int_equal(jdoc_kind(item), kinds[n++]);
	}
	assert_int_equal(n, COUNT_OF(kinds));
	jdoc_done();
}

/* ---- life --------------------------------------------------------------------------------------------- */

static void test_the_text_need_not_stay(void **state)
{
	char text[] = "{\"a\":\"hello\"}";
	struct jdoc root = parse(text);

	memset(text, 'x', sizeof text - 1);
	check_text(jdoc_string(jdoc_member(root, "a")), "hello");
	jdoc_done();
}

static void *parse_elsewhere(void *root)
{
	*(struct jdoc *)root = parse("[\"elsewhere\"]");
	check_text(jdoc_string(jdoc_first(*(struct jdoc *)root)), "elsewhere");
	return NULL;
}

static void test_each_thread_has_a_document(void **state)
{
	struct jdoc here = parse("[\"here\"]"), elsewhere = JDOC_NONE;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, parse_elsewhere, &elsewhere), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_non_null(elsewhere.document);
	assert_ptr_not_equal(elsewhere.document, here.document);
	check_text(jdoc_string(jdoc_first(here)), "here");
	jdoc_done();
}

static size_t bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void test_memory_of_a_long_text_is_given_back(void **state)
{
	struct buf text = { 0 };
	struct jdoc root = parse("[]");
	size_t before;

	jdoc_done();
	buf_text(&text, "[1");
	while (text.n < (size_t)JDOC_KEPT * 4)
		buf_text(&text, ",1");
	buf_char(&text, ']');
	before = bytes_in_use();
	assert_true(jdoc_parse(buf_as_slice(&text), &root));
	assert_int_equal(jdoc_size(root), text.n / 2);
	jdoc_done();
	assert_true(bytes_in_use() <= before);
	check_text(jdoc_string(jdoc_first(parse("[\"again\"]"))), "again");
	buf_free(&text);
	jdoc_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_what_is_absent_stays_absent),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_items_come_in_order),
		cmocka_unit_test(test_the_text_need_not_stay),
		cmocka_unit_test(test_each_thread_has_a_document),
		cmocka_unit_test(test_memory_of_a_long_text_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
