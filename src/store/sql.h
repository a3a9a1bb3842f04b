/* sql.h - SQLite with the noise taken out: statements prepared once, bound in one call, one sticky error.
 *
 * After a failure every further call on the connection does nothing until sql_clear(), so that a step of
 * ten statements needs one check at its end. One thread at a time. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/err.h"
#include "base/slice.h"

#include <sqlite3.h>

enum { SQL_CACHE = 256 };

struct sql {
	sqlite3 *db;
	enum err err;   /* first failure since sql_clear(); FAILED: the fault of the data itself */
	char text[200]; /* SQLite's words for it */
	struct {
		const char *text; /* the literal's address is the key */
		sqlite3_stmt *stmt;
	} cache[SQL_CACHE];
};

MUST_CHECK enum err sql_open(struct sql *s, const char *path, int flags, int cache_kib, struct why *why);
void sql_close(struct sql *s);
void sql_clear(struct sql *s);

/* A statement ready to step. text must be a literal. types, one letter a parameter: i int64_t,
 * n int64_t with 0 meaning NULL, t struct slice (no pointer: empty text), b struct slice as bytes. Texts are borrowed until
 * the statement is done. NULL after a failure. */
sqlite3_stmt *sql_query(struct sql *s, const char *text, const char *types, ...);
/* Steps: true with a row; false at the end (the statement is reset) or after a failure. */
bool sql_row(struct sql *s, sqlite3_stmt *q);
void sql_done(sqlite3_stmt *q); /* leaves before the end */
/* Query and steps to the end; returns the number of rows changed. */
int64_t sql_run(struct sql *s, const char *text, const char *types, ...);
/* The first column of the first row; standard when there is none or it is NULL. */
int64_t sql_int(struct sql *s, int64_t standard, const char *text, const char *types, ...);

static inline int64_t sql_column_int(sqlite3_stmt *q, int i)
{
	return sqlite3_column_int64(q, i);
}
/* Borrowed until the next step. */
struct slice sql_column(sqlite3_stmt *q, int i);
struct slice sql_column_copy(sqlite3_stmt *q, int i, struct arena *a);

#endif
