/* test_sql.c - the thin layer over SQLite: what is bound comes back, and the first failure sticks. */
#include "store/embedded/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int open_memory(void **state)
{
	struct sql *s = mem_alloc(sizeof *s);

	*state = s;
	if (sql_open(s, ":memory:", SQLITE_OPEN_READWRITE, 256, NULL) != ERR_OK)
		return -1;
	(void)sql_run(s, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b BLOB, c INTEGER CHECK(c<100))", "");
	return s->err == ERR_OK ? 0 : -1;
}

static int close_memory(void **state)
{
	sql_close(*state);
	free(*state);
	return 0;
}

static int64_t put(struct sql *s, int64_t id, const char *a, int64_t c)
{
	return sql_run(s, "INSERT INTO t(id, a, b, c) VALUES(?,?,x'',?)", "iti", id, slice_of(a), c);
}

static void test_round_trip(void **state)
{
	static const struct slice texts[] = { SLICE(""), SLICE("a"), SLICE("a\0b"), SLICE("\xf0\x9f\x8d\x95 ' \" ?1") };
	struct sql *s = *state;
	struct arena a = { 0 };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		sqlite3_stmt *q;
		struct slice copy;

		assert_int_equal(sql_run(s, "INSERT INTO t(id, a, b, c) VALUES(?,?,?,?)", "itbn", (int64_t)i, texts[i],
				     texts[i], (int64_t)0),
		    1);
		q = sql_query(s, "SELECT a, b, c FROM t WHERE a=?", "t", texts[i]);
		assert_true(sql_row(s, q));
		copy = sql_column_copy(q, 0, &a);
		assert_true(slice_eq(copy, texts[i]) && copy.p[copy.n] == '\0');
		assert_true(slice_eq(sql_column(q, 1), texts[i]));
		assert_int_equal(sqlite3_column_type(q, 2), SQLITE_NULL);
		assert_false(sql_row(s, q));
	}
	assert_int_equal(s->err, ERR_OK);
	arena_free(&a);
}

/* No pointer is empty text, never NULL: our columns are NOT NULL. */
static void test_no_pointer(void **state)
{
	struct sql *s = *state;

	assert_int_equal(sql_run(s, "INSERT INTO t(id, a, b) VALUES(1,?,?)", "tb", SLICE_NONE, SLICE_NONE), 1);
	assert_int_equal(sql_int(s, 0, "SELECT a='' AND typeof(b)='blob' FROM t", ""), 1);
}

static void test_int_or_standard(void **state)
{
	struct sql *s = *state;

	assert_int_equal(sql_int(s, 7, "SELECT c FROM t WHERE id=?", "i", (int64_t)1), 7);
	assert_int_equal(sql_run(s, "INSERT INTO t(id) VALUES(1)", ""), 1);
	assert_int_equal(sql_int(s, 7, "SELECT c FROM t WHERE id=?", "i", (int64_t)1), 7);
	assert_int_equal(sql_run(s, "UPDATE t SET c=-5 WHERE id=?", "i", (int64_t)1), 1);
	assert_int_equal(sql_int(s, 7, "SELECT c FROM t WHERE id=?", "i", (int64_t)1), -5);
	assert_int_equal(sql_int(s, 7, "SELECT 9223372036854775807", ""), INT64_MAX);
}

static void test_rows_changed(void **state)
{
	struct sql *s = *state;

	assert_int_equal(put(s, 1, "a", 1), 1);
	assert_int_equal(put(s, 2, "b", 2), 1);
	assert_int_equal(sql_run(s, "UPDATE t SET c=3", ""), 2);
	assert_int_equal(sql_run(s, "UPDATE t SET c=3 WHERE id=9", ""), 0);
	assert_int_equal(sql_run(s, "INSERT INTO t(id, a) VALUES(9,'a') ON CONFLICT(a) DO NOTHING", ""), 0);
	assert_int_equal(sql_run(s, "DELETE FROM t WHERE id=1 RETURNING id", ""), 1);
}

static void test_failures_of_the_data(void **state)
{
	static const struct {
		int64_t id;
		const char *a;
		int64_t c;
	} bad[] = { { 1, "new", 1 }, { 2, "taken", 1 }, { 2, "new", 100 } };
	struct sql *s = *state;

	assert_int_equal(put(s, 1, "taken", 1), 1);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(put(s, bad[i].id, bad[i].a, bad[i].c), 0);
		assert_int_equal(s->err, ERR_FAILED);
		assert_true(s->text[0] != '\0');
		sql_clear(s);
	}
	assert_int_equal(put(s, 2, "new", 1), 1);
}

/* After a failure nothing is done until it is cleared, and the first failure is the one that is told. */
static void test_sticks(void **state)
{
	struct sql *s = *state;
	sqlite3_stmt *q = sql_query(s, "SELECT 1", "");

	assert_int_equal(put(s, 1, "a", 100), 0);
	assert_int_equal(put(s, 1, "a", 1), 0);
	assert_int_equal(sql_int(s, 5, "SELECT count(*) FROM t", ""), 5);
	assert_false(sql_row(s, q));
	assert_null(sql_query(s, "SELECT 1 FROM t", ""));
	(void)sql_run(s, "this is no SQL", "");
	assert_int_equal(s->err, ERR_FAILED);
	sql_clear(s);
	assert_int_equal(sql_int(s, 5, "SELECT count(*) FROM t", ""), 0);
}

static void test_no_space(void **state)
{
	struct sql *s = *state;
	char text[2000];

	memset(text, 'x', sizeof text);
	(void)sql_int(s, 0, "PRAGMA max_page_count=20", "");
	for (int64_t i = 0; i < 100 && s->err == ERR_OK; i++)
		(void)sql_run(s, "INSERT INTO t(id, b) VALUES(?,?)", "ib", i, (struct slice){ text, sizeof text });
	assert_int_equal(s->err, ERR_NO_SPACE);
}

/* A statement left in the middle is ready again when it is asked for again. */
static void test_left_in_the_middle(void **state)
{
	struct sql *s = *state;

	assert_int_equal(put(s, 1, "a", 1) + put(s, 2, "b", 2), 2);
	for (int i = 0; i < 3; i++) {
		sqlite3_stmt *q = sql_query(s, "SELECT c FROM t WHERE id>=? ORDER BY id", "i", (int64_t)1);

		assert_true(sql_row(s, q));
		assert_int_equal(sql_column_int(q, 0), 1);
	}
	assert_int_equal(sql_run(s, "DROP TABLE t", ""), 0);
	assert_int_equal(s->err, ERR_AGAIN); /* it is still being read */
	sql_clear(s);
	sql_done(sql_query(s, "SELECT c FROM t WHERE id>=? ORDER BY id", "i", (int64_t)1));
	sql_done(NULL);
}

static void test_cannot_open(void **state)
{
	struct sql s;
	struct why why = { 0 };

	assert_int_equal(sql_open(&s, "/nonexistent/folder/db", SQLITE_OPEN_READWRITE, 256, &why), ERR_IO);
	assert_non_null(strstr(why.text, "/nonexistent/folder/db"));
	assert_null(s.db);
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DATABASE(test_round_trip),
		WITH_DATABASE(test_no_pointer),
		WITH_DATABASE(test_int_or_standard),
		WITH_DATABASE(test_rows_changed),
		WITH_DATABASE(test_failures_of_the_data),
		WITH_DATABASE(test_sticks),
		WITH_DATABASE(test_no_space),
		WITH_DATABASE(test_left_in_the_middle),
		cmocka_unit_test(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
