/* test_text.c - control characters, cutting at a character, and widget HTML. */
#include "chat2desk/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *from;
	size_t max;
	const char *to;
} cleaned[] = {
	{ "", 10, "" },
	{ "hello", 10, "hello" },
	{ "a\r\nb\tc\x01\x1f\x7f", 20, "a\nb\tc" },
	{ "a\xc2\x80\xc2\x9f\xc2\xa0"
	  "b",
	    20,
	    "a\xc2\xa0"
	    "b" },
	{ "hello", 3, "hel" },
	{ "\xd0\xb0\xd0\xb1\xd0\xb2", 3, "\xd0\xb0" },
	{ "\xd0\xb0\xd0\xb1\xd0\xb2", 4, "\xd0\xb0\xd0\xb1" },
	{ "\xf0\x9f\x98\x80", 3, "" },
	{ "\xe2\x82\xac"
	  "5",
	    3, "\xe2\x82\xac" },
};

static void test_clean(void **state)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < COUNT_OF(cleaned); i++) {
		struct slice s = c2d_text_clean(&arena, slice_of(cleaned[i].from), cleaned[i].max);

		if (!slice_eq(s, slice_of(cleaned[i].to)))
			fail_msg("%s became %.*s", cleaned[i].from, SLICE_PRINT(s));
	}
	arena_free(&arena);
}

static const struct {
	const char *from, *to;
} html[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "<p>Lenin str. 5</p>", "Lenin str. 5" },
	{ "<p>one</p><p>two</p>", "one\ntwo" },
	{ "a<br>b<br/>c<BR />d", "a\nb\nc\nd" },
	{ "<div class=\"x\">a</div>b", "a\nb" },
	{ "<a href=\"http://x/?a=1&b=2\">link</a>", "link" },
	{ "1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&#39;&nbsp;&unknown;", "1 < 2 && 3 > 2 \"' &unknown;" },
	{ "&amp;lt;", "&lt;" },
	{ "I <3 you", "I <3 you" },
	{ "a < b > c", "a < b > c" },
	{ "x <b", "x <b" },
	{ "x <b <i>y</i>", "x <b y" },
	{ "<<b>>", "<>" },
	{ "</", "</" },
	{ "<", "<" },
};

static void test_html(void **state)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < COUNT_OF(html); i++) {
		struct slice s = c2d_text_of_html(&arena, slice_of(html[i].from));

		if (!slice_eq(s, slice_of(html[i].to)))
			fail_msg("%s became %.*s", html[i].from, SLICE_PRINT(s));
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clean), cmocka_unit_test(test_html) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
