/* test_log.c - lines of the log, and what they hide. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static char line[4096];

/* Catches what is written to standard error meanwhile. */
static int begin_catch(int ends[2])
{
	int kept = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	(void)close(ends[1]);
	return kept;
}

static void end_catch(int ends[2], int kept)
{
	ssize_t n;

	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	n = read(ends[0], line, sizeof line - 1);
	line[n > 0 ? n : 0] = '\0';
	(void)close(ends[0]);
}

static void log_one_of_each(void)
{
	int ends[2], kept = begin_catch(ends);

	log_info("turn finished", log_word("turn", "t-1"), log_number("took_ms", -5), log_word("note", "two words\n"),
	    log_text("text", SLICE("my secret wish")), log_phone("phone", SLICE("+996700123456")),
	    log_phone("short", SLICE("12345678")));
	end_catch(ends, kept);
}

static void masks_in_text(void **state)
{
	log_setup(LOG_INFO, LOG_AS_TEXT, false);
	log_one_of_each();
	assert_non_null(strstr(line, "Z info  turn finished  turn=t-1 took_ms=-5 note=\"two words\\n\""));
	assert_non_null(strstr(line, "phone=+996***56"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "12345678"));
}

static void masks_in_json(void **state)
{
	log_setup(LOG_INFO, LOG_AS_JSON, false);
	log_one_of_each();
	assert_non_null(strstr(line, "\"event\":\"turn finished\",\"turn\":\"t-1\",\"took_ms\":-5"));
	assert_non_null(strstr(line, "\"phone\":\"+996***56\""));
	assert_null(strstr(line, "secret"));
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void shows_when_asked(void **state)
{
	log_setup(LOG_INFO, LOG_AS_TEXT, true);
	log_one_of_each();
	assert_non_null(strstr(line, "text=\"my secret wish\" phone=+996700123456"));
}

static void keeps_to_its_level(void **state)
{
	int ends[2], kept;

	log_setup(LOG_WARN, LOG_AS_TEXT, false);
	assert_false(log_wants(LOG_INFO));
	assert_true(log_wants(LOG_ERROR));
	kept = begin_catch(ends);
	log_info("not wanted", log_number("n", 1));
	end_catch(ends, kept);
	assert_string_equal(line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_in_text),
		cmocka_unit_test(masks_in_json),
		cmocka_unit_test(shows_when_asked),
		cmocka_unit_test(keeps_to_its_level),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
