/* test_options.c - the command line: options, settings, operands, and the mistakes in them. */
#include "base/clock.h"
#include "command/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct option_row rows[] = {
	{ "status", "STATUS", "only in this status" },
	{ "yes", NULL, "do not ask" },
};
static const struct command_help help = {
	.name = "test",
	.operands = "ID [MORE]",
	.about = "Tests.\n",
	.rows = rows,
	.n_rows = COUNT_OF(rows),
	.operands_least = 1,
	.operands_most = 2,
	.settings = true,
	.json = true,
	.examples = "chat2order test 1\n",
};

/* Parses up to seven words. */
static int parse(struct options *o, const char *const words[8])
{
	static char *argv[9];
	int argc = 1;

	argv[0] = (char *)(uintptr_t) "test";
	for (size_t i = 0; i < 7 && words[i] != NULL; i++)
		argv[argc++] = (char *)(uintptr_t)words[i];
	return options_parse(o, &help, argc, argv);
}

static int name_a_folder(void **state)
{
	return setenv("DATA_DIR", "/tmp", 1);
}

static void takes_options_settings_and_operands(void **state)
{
	static const char *const words[8] = { "7", "--status=new", "--worker-concurrency", "50", "--json", "--status",
		"done" };
	struct options o;

	assert_int_equal(parse(&o, words), OPTIONS_GO_ON);
	assert_int_equal(o.n_operands, 1);
	assert_string_equal(o.operand[0], "7");
	assert_true(o.json);
	assert_int_equal(o.settings.worker_concurrency, 50);
	assert_string_equal(options_value(&o, "status"), "done");
	assert_string_equal(options_value_at(&o, "status", 0), "new");
	assert_string_equal(options_value_at(&o, "status", 1), "done");
	assert_null(options_value_at(&o, "status", 2));
	assert_false(options_flag(&o, "yes"));
	options_free(&o);
}

static void dashes_end_options(void **state)
{
	static const char *const words[8] = { "--yes", "--", "--json" };
	struct options o;

	assert_int_equal(parse(&o, words), OPTIONS_GO_ON);
	assert_true(options_flag(&o, "yes"));
	assert_false(o.json);
	assert_string_equal(o.operand[0], "--json");
	options_free(&o);
}

static void refuses_mistakes(void **state)
{
	static const char *const cases[][8] = {
		{ NULL },                        /* ID is missing */
		{ "1", "2", "3" },               /* one word too many */
		{ "1", "--nonsense" },           /* no such option */
		{ "1", "--status" },             /* its value is missing */
		{ "1", "--yes=1" },              /* a flag takes none */
		{ "1", "--port", "x" },          /* no number */
		{ "1", "--config", "/no/such" }, /* no file */
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct options o;

		if (parse(&o, cases[i]) != EXIT_USAGE)
			fail_msg("case %zu was not refused", i);
	}
}

static void reads_numbers_and_choices(void **state)
{
	static const char *const words[8] = { "1", "--status", "12" };
	const char *choice = "none";
	int64_t number = 5;
	struct options o;

	assert_int_equal(parse(&o, words), OPTIONS_GO_ON);
	assert_int_equal(options_number(&o, "status", 1, 12, &number), OPTIONS_GO_ON);
	assert_int_equal(number, 12);
	assert_int_equal(options_number(&o, "status", 1, 11, &number), EXIT_USAGE);
	assert_int_equal(options_number(&o, "yes", 1, 11, &number), OPTIONS_GO_ON);
	assert_int_equal(options_choice(&o, "status", "1|12|2", &choice), OPTIONS_GO_ON);
	assert_string_equal(choice, "12");
	assert_int_equal(options_choice(&o, "status", "1|2", &choice), EXIT_USAGE);
	options_free(&o);
}

static void reads_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms, ago; /* the one or the other; neither: refused */
	} cases[] = {
		{ "2025-04-03", 1743638400000, 0 },
		{ "2025-04-03T11:50:06Z", 1743681006000, 0 },
		{ "90s", 0, 90000 },
		{ "15m", 0, 900000 },
		{ "24h", 0, 86400000 },
		{ "7d", 0, 604800000 },
		{ "0d", 0, 0 },
		{ "-1d", 0, 0 },
		{ "7w", 0, 0 },
		{ "yesterday", 0, 0 },
		{ "2025-02-30x", 0, 0 },
		{ "9223372036854775807d", 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *words[8] = { "1", "--status", cases[i].text };
		int64_t ms = 0, now = clock_wall_ms();
		bool good = cases[i].ms != 0 || cases[i].ago != 0;
		struct options o;

		assert_int_equal(parse(&o, words), OPTIONS_GO_ON);
		if (options_time(&o, "status", &ms) != (good ? OPTIONS_GO_ON : EXIT_USAGE))
			fail_msg("\"%s\" was not judged right", cases[i].text);
		if (cases[i].ago != 0)
			assert_in_range(now - cases[i].ago - ms + 10000, 0, 10000);
		else
			assert_int_equal(ms, cases[i].ms);
		options_free(&o);
	}
}

static void outcomes_have_exit_codes(void **state)
{
	assert_int_equal(exit_code_of(ERR_OK), EXIT_DONE);
	assert_int_equal(exit_code_of(ERR_NOT_FOUND), EXIT_FAILED);
	assert_int_equal(exit_code_of(ERR_INVALID), EXIT_USAGE);
	assert_int_equal(exit_code_of(ERR_IN_USE), EXIT_UNAVAILABLE);
	assert_int_equal(exit_code_of(ERR_NEWER_VERSION), EXIT_UNAVAILABLE);
	assert_int_equal(exit_code_of(ERR_IO), EXIT_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_options_settings_and_operands),
		cmocka_unit_test(dashes_end_options),
		cmocka_unit_test(refuses_mistakes),
		cmocka_unit_test(reads_numbers_and_choices),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(outcomes_have_exit_codes),
	};

	return cmocka_run_group_tests_name("options", tests, name_a_folder, NULL);
}
