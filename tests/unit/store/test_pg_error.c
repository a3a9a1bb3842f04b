/* test_pg_error.c - what PostgreSQL's SQLSTATEs mean. */
#include "store/shared/pg/error.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *sqlstate;
	enum pg_fault fault;
	enum err err;
} cases[] = {
	{ "21000", PG_FAULT_DATA, ERR_FAILED },              /* a row twice in one statement */
	{ "22003", PG_FAULT_DATA, ERR_FAILED },              /* out of range */
	{ "22021", PG_FAULT_DATA, ERR_FAILED },              /* not in the encoding */
	{ "23505", PG_FAULT_DATA, ERR_FAILED },              /* unique */
	{ "23514", PG_FAULT_DATA, ERR_FAILED },              /* check */
	{ "54000", PG_FAULT_DATA, ERR_FAILED },              /* an index row too large */
	{ "40001", PG_FAULT_CONTENTION, ERR_AGAIN },         /* serialization */
	{ "40P01", PG_FAULT_CONTENTION, ERR_AGAIN },         /* deadlock */
	{ "55P03", PG_FAULT_CONTENTION, ERR_AGAIN },         /* lock_timeout */
	{ "57014", PG_FAULT_CONTENTION, ERR_AGAIN },         /* statement_timeout, cancelled */
	{ "53100", PG_FAULT_SURROUNDINGS, ERR_NO_SPACE },    /* disk full */
	{ "53200", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* out of memory */
	{ "53300", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* too many connections */
	{ "57P01", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* the server is stopped */
	{ "57P02", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* it crashed */
	{ "57P03", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* it starts */
	{ "57P05", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* idle session ended */
	{ "25P03", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* idle in transaction ended */
	{ "25006", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* read only */
	{ "08006", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* connection failure */
	{ "58030", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* I/O error of the server */
	{ "XX001", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* data corrupted */
	{ "28P01", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* password */
	{ "28000", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* pg_hba.conf, no such role */
	{ "3D000", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* no such database */
	{ "42501", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* no privilege */
	{ "42P01", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* no such table */
	{ "42703", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* no such column */
	{ "42701", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE }, /* a column that is there already */
	{ "", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE },      /* the connection broke */
	{ "0A000", PG_FAULT_OTHER, ERR_IO },
	{ "42601", PG_FAULT_OTHER, ERR_IO },
	{ "P0001", PG_FAULT_OTHER, ERR_IO }, /* a shop's trigger says no */
	{ "XX000", PG_FAULT_OTHER, ERR_IO },
	{ "25P02", PG_FAULT_OTHER, ERR_IO },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (pg_fault_of(cases[i].sqlstate) != cases[i].fault || pg_error(cases[i].sqlstate) != cases[i].err)
			fail_msg("%s: fault %d, %s", cases[i].sqlstate, (int)pg_fault_of(cases[i].sqlstate),
			    err_name(pg_error(cases[i].sqlstate)));
	}
	assert_int_equal(pg_error(NULL), ERR_UNREACHABLE);
}

/* What is a turn's own fault is buried with it; all else is tried again. */
static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
		    err_verdict(cases[i].err), cases[i].fault == PG_FAULT_DATA ? VERDICT_BURY : VERDICT_RETRY);
}

static void test_finality_and_cures(void **state)
{
	(void)state;
	assert_true(pg_error_is_final("28P01"));
	assert_true(pg_error_is_final("42501"));
	assert_false(pg_error_is_final("3D000")); /* it may be created yet */
	assert_false(pg_error_is_final("57P03"));
	assert_false(pg_error_is_final(""));
	assert_non_null(strstr(pg_error_cure("28P01"), "DATABASE_URL"));
	assert_non_null(strstr(pg_error_cure("42P01"), "renamed"));
	assert_string_equal(pg_error_cure("57P01"), "");
}

/* Sentences go to logs and health: names of tables may, values of rows may not. */
static void test_what_may_be_told(void **state)
{
	static const char *const raised[] = { "P0001", "P0004", "38000", "39004", "2F005" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (strcmp(cases[i].sqlstate, "P0001") != 0)
			assert_int_equal(pg_error_may_be_told(cases[i].sqlstate), cases[i].fault != PG_FAULT_DATA);
	for (size_t i = 0; i < COUNT_OF(raised); i++)
		assert_false(pg_error_may_be_told(raised[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_finality_and_cures),
		cmocka_unit_test(test_what_may_be_told),
	};

	return cmocka_run_group_tests_name("pg_error", tests, NULL, NULL);
}
