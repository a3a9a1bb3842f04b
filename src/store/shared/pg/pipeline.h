/* pipeline.h - a flush: statements that go to PostgreSQL together and whose answers come together.
 *
 *     struct pg_flush f;
 *     pg_flush_begin(&f, pg, timeout_ms);
 *     pg_flush_add(&f, &pg_begin, NULL);
 *     size_t first = pg_flush_add(&f, &statement, &params);
 *     pg_flush_sync(&f);                       see below
 *     pg_flush_add(&f, &pg_commit, NULL);
 *     err = pg_flush_run(&f, &why);
 *     if (err == ERR_OK) ... pg_flush_result(&f, first) ...
 *     pg_flush_end(&f);
 *
 * Statements after a failed one are not run, up to the next sync; a transaction that is open at the end is rolled back.
 * A sync in the middle makes the server arm idle_in_transaction_session_timeout while it waits for the rest: a process stopped
 * there gives its row locks back by that. After ERR_TIMEOUT and ERR_UNREACHABLE nobody knows what was done, and the
 * connection is broken (pool.h). One thread at a time. */
#ifndef STORE_SHARED_PG_PIPELINE_H
#define STORE_SHARED_PG_PIPELINE_H

#include "store/shared/pg/error.h"
#include "store/shared/pg/params.h"
#include "store/shared/pg/pool.h"

enum { PG_FLUSH_STEPS = 24 };

extern const struct pg_statement pg_begin, pg_commit;

struct pg_flush {
	struct pg *pg;
	int64_t deadline_ms; /* monotonic */
	size_t n;
	struct pg_step {
		enum pg_step_kind { PG_STEP_PREPARE, PG_STEP_QUERY, PG_STEP_SYNC } kind;
		const struct pg_statement *statement;
		PGresult *result; /* QUERY */
	} step[PG_FLUSH_STEPS];
	enum err err;     /* of the first that failed */
	char sqlstate[6]; /* of that; empty: it was none of the server's */
	struct why why;
};

void pg_flush_begin(struct pg_flush *f, struct pg *pg, int64_t timeout_ms);
/* params NULL: none. What it returns is for pg_flush_result(). Text: any SQL with $1 ..., not prepared. */
size_t pg_flush_add(struct pg_flush *f, const struct pg_statement *statement, const struct pg_params *params);
size_t pg_flush_text(struct pg_flush *f, const char *sql, const struct pg_params *params);
void pg_flush_sync(struct pg_flush *f); /* and sends what is there */
MUST_CHECK enum err pg_flush_run(struct pg_flush *f, struct why *why);
const PGresult *pg_flush_result(const struct pg_flush *f, size_t added); /* after ERR_OK; until the end */
void pg_flush_end(struct pg_flush *f);

/* One statement on a borrowed connection, in a transaction of its own. *ret is to be cleared with PQclear. */
MUST_CHECK enum err pg_do(struct pg_pool *pool, const struct pg_statement *statement, const struct pg_params *params,
    PGresult **ret, struct why *why);
/* The same for people's questions, which may take their time (PG_PATIENCE_MS); with any SQL. */
enum { PG_PATIENCE_MS = 30000 };
MUST_CHECK enum err pg_ask(
    struct pg_pool *pool, const char *sql, const struct pg_params *params, PGresult **ret, struct why *why);

/* ---- a result's values, which come as text; NULL counts as not there ---- */

static inline struct slice pg_value(const PGresult *r, int row, int column)
{
	if (PQgetisnull(r, row, column))
		return SLICE_NONE;
	return (struct slice){ PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column) };
}

static inline int64_t pg_value_int(const PGresult *r, int row, int column)
{
	int64_t value = 0;

	(void)slice_to_int64(pg_value(r, row, column), &value);
	return value;
}

static inline bool pg_value_bool(const PGresult *r, int row, int column)
{
	return slice_eq(pg_value(r, row, column), SLICE("t"));
}

#endif
