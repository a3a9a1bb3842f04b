/* test_keyfile.c - KEY=value files, and the nearest word to a mistyped one. */
#include "base/keyfile.h"
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads_values(void **state)
{
	static const struct {
		const char *line, *value;
	} cases[] = {
		{ "K=v", "v" },
		{ "  K = v w  ", "v w" },
		{ "K=v # a comment", "v" },
		{ "K=v#no comment", "v#no comment" },
		{ "K=# all comment", "" },
		{ "K=", "" },
		{ "K=a=b", "a=b" },
		{ "K=\"a # b\" # c", "a # b" },
		{ "K=\"say \\\"hi\\\" \\\\ \\n\\t\"", "say \"hi\" \\ \n\t" },
		{ "K='a\\n\"b'", "a\\n\"b" },
		{ "K=\"\"", "" },
		{ "K=v\r", "v" },
		{ "K=don't", "don't" },
		{ "\xef\xbb\xbfK=v", "v" },
		{ "\n\n# c\nK=v\n\n", "v" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct keyfile_entry *entries;
		struct arena arena = { 0 };
		struct why why = { "" };
		size_t n = 0;

		if (keyfile_parse(slice_of(cases[i].line), "f", &arena, &entries, &n, &why) != ERR_OK || n != 1)
			fail_msg("%s: %s", cases[i].line, why.text);
		if (!slice_eq(entries[0].value, slice_of(cases[i].value)) || !slice_eq(entries[0].key, SLICE("K")))
			fail_msg("%s gives \"%.*s\"", cases[i].line, SLICE_PRINT(entries[0].value));
		arena_free(&arena);
	}
}

static void names_the_line_of_a_fault(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "A=1\nnonsense\n", "f line 2: there is no =" },
		{ "A=1\n\n=x\n", "f line 3: what is before the = is no name" },
		{ "export A=1\n", "f line 1: what is before the = is no name" },
		{ "1A=1\n", "f line 1: what is before" },
		{ "A=\"open\n", "f line 1: the closing quote is missing" },
		{ "A='x' y\n", "f line 1: there is text behind the closing quote" },
		{ "A=\xff\n", "f is not UTF-8" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct keyfile_entry *entries;
		struct arena arena = { 0 };
		struct why why = { "" };
		size_t n = 0;

		assert_int_equal(
		    keyfile_parse(slice_of(cases[i].text), "f", &arena, &entries, &n, &why), ERR_MALFORMED);
		if (strncmp(why.text, cases[i].says, strlen(cases[i].says)) != 0)
			fail_msg("%s says: %s", cases[i].text, why.text);
		arena_free(&arena);
	}
}

static void numbers_lines(void **state)
{
	struct slice text = SLICE("# one\nA=1\n\nB=2");
	struct keyfile_entry *entries;
	struct arena arena = { 0 };
	size_t n = 0;

	assert_int_equal(keyfile_parse(text, "f", &arena, &entries, &n, NULL), ERR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(entries[0].line, 2);
	assert_int_equal(entries[1].line, 4);
	assert_int_equal(keyfile_parse(SLICE_NONE, "f", &arena, &entries, &n, NULL), ERR_OK);
	assert_int_equal(n, 0);
	arena_free(&arena);
}

static void finds_the_nearest_word(void **state)
{
	static const char *const words[] = { "PORT", "HOST", "WORKER_CONCURRENCY", "LOG_LEVEL" };
	static const struct {
		const char *typed, *word;
	} cases[] = {
		{ "PROT", "PORT" },
		{ "PORTT", "PORT" },
		{ "worker-concurency", "WORKER_CONCURRENCY" },
		{ "LOGLEVEL", "LOG_LEVEL" },
		{ "ROST", "HOST" },
		{ "DATABASE_URL", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct nearest n = { .typed = slice_of(cases[i].typed) };

		for (size_t k = 0; k < COUNT_OF(words); k++)
			nearest_offer(&n, words[k]);
		if (cases[i].word == NULL)
			assert_null(n.word);
		else
			assert_string_equal(n.word, cases[i].word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values),
		cmocka_unit_test(names_the_line_of_a_fault),
		cmocka_unit_test(numbers_lines),
		cmocka_unit_test(finds_the_nearest_word),
	};

	return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
