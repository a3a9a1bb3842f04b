/* sql.c - SQLite with the noise taken out. */
#include "store/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static enum err outcome_of(struct sql *s, int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_AGAIN;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return ERR_FAILED;
	default:
		return s->db != NULL && sqlite3_system_errno(s->db) == ENOSPC ? ERR_NO_SPACE : ERR_IO;
	}
}

static void fail(struct sql *s, int code)
{
	if (s->err != ERR_OK)
		return;
	s->err = outcome_of(s, code);
	(void)snprintf(s->text, sizeof s->text, "%s", s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(code));
}

/* Another process writes: looks again every millisecond. SQLite's own waiting sleeps ever longer, and could miss the
 * gaps between the steps of a busy command for seconds. */
static int look_again(void *context, int times)
{
	enum { LOOKS = 3000 };
	struct timespec millisecond = { 0, 1000000 };

	(void)context;
	(void)nanosleep(&millisecond, NULL);
	return times < LOOKS;
}

enum err sql_open(struct sql *s, const char *path, int flags, int cache_kib, struct why *why)
{
	char setup[160];
	int code;

	*s = (struct sql){ 0 };
	code = sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	(void)snprintf(setup, sizeof setup,
	    "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864",
	    cache_kib);
	if (code == SQLITE_OK)
		code = sqlite3_busy_handler(s->db, look_again, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, setup, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return ERR_OK;
	fail(s, code);
	why_set(why, "cannot open %s: %s%s", path, s->text,
	    (code & 0xff) == SQLITE_NOTADB ? " (restore a backup, or move the file away)" : "");
	enum err e = s->err;
	sql_close(s);
	return e;
}

void sql_close(struct sql *s)
{
	for (size_t i = 0; i < SQL_CACHE; i++)
		sqlite3_finalize(s->cache[i].stmt);
	(void)sqlite3_close(s->db);
	*s = (struct sql){ 0 };
}

void sql_clear(struct sql *s)
{
	s->err = ERR_OK;
	s->text[0] = '\0';
}

static sqlite3_stmt *prepared(struct sql *s, const char *text)
{
	size_t i = ((uintptr_t)text >> 3) * 0x9e3779b1u % SQL_CACHE;

	while (s->cache[i].text != NULL && s->cache[i].text != text)
		i = (i + 1) % SQL_CACHE;
	if (s->cache[i].text == NULL) {
		int code = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s->cache[i].stmt, NULL);

		if (code != SQLITE_OK) {
			fail(s, code);
			return NULL;
		}
		s->cache[i].text = text;
	}
	(void)sqlite3_reset(s->cache[i].stmt); /* a failure elsewhere may have left it in the middle */
	return s->cache[i].stmt;
}

static int bind_one(sqlite3_stmt *q, int at, char type, va_list *ap)
{
	struct slice t;
	int64_t i;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(q, at, va_arg(*ap, int64_t));
	case 'n':
		i = va_arg(*ap, int64_t);
		return i != 0 ? sqlite3_bind_int64(q, at, i) : sqlite3_bind_null(q, at);
	case 'b':
		t = va_arg(*ap, struct slice);
		return sqlite3_bind_blob64(q, at, t.p != NULL ? t.p : "", t.n, SQLITE_STATIC);
	default:
		t = va_arg(*ap, struct slice);
		return sqlite3_bind_text64(q, at, t.p != NULL ? t.p : "", t.n, SQLITE_STATIC, SQLITE_UTF8);
	}
}

static sqlite3_stmt *query(struct sql *s, const char *text, const char *types, va_list ap)
{
	int code = SQLITE_OK;
	sqlite3_stmt *q;
	va_list rest;

	if (s->err != ERR_OK || (q = prepared(s, text)) == NULL)
		return NULL;
	va_copy(rest, ap);
	for (int at = 1; types[at - 1] != '\0' && code == SQLITE_OK; at++)
		code = bind_one(q, at, types[at - 1], &rest);
	va_end(rest);
	if (code == SQLITE_OK)
		return q;
	fail(s, code);
	return NULL;
}

sqlite3_stmt *sql_query(struct sql *s, const char *text, const char *types, ...)
{
	sqlite3_stmt *q;
	va_list ap;

	va_start(ap, types);
	q = query(s, text, types, ap);
	va_end(ap);
	return q;
}

bool sql_row(struct sql *s, sqlite3_stmt *q)
{
	int code;

	if (q == NULL || s->err != ERR_OK)
		return false;
	code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		fail(s, code);
	(void)sqlite3_reset(q);
	return false;
}

void sql_done(sqlite3_stmt *q)
{
	if (q != NULL)
		(void)sqlite3_reset(q);
}

int64_t sql_run(struct sql *s, const char *text, const char *types, ...)
{
	sqlite3_stmt *q;
	va_list ap;

	va_start(ap, types);
	q = query(s, text, types, ap);
	va_end(ap);
	if (q == NULL)
		return 0;
	while (sql_row(s, q))
		;
	return s->err == ERR_OK ? sqlite3_changes64(s->db) : 0;
}

int64_t sql_int(struct sql *s, int64_t standard, const char *text, const char *types, ...)
{
	int64_t value = standard;
	sqlite3_stmt *q;
	va_list ap;

	va_start(ap, types);
	q = query(s, text, types, ap);
	va_end(ap);
	if (sql_row(s, q)) {
		if (sqlite3_column_type(q, 0) != SQLITE_NULL)
			value = sqlite3_column_int64(q, 0);
		sql_done(q);
	}
	return value;
}

struct slice sql_column(sqlite3_stmt *q, int i)
{
	const char *p = sqlite3_column_blob(q, i);

	return (struct slice){ p != NULL ? p : "", (size_t)sqlite3_column_bytes(q, i) };
}

struct slice sql_column_copy(sqlite3_stmt *q, int i, struct arena *a)
{
	return slice_copy(a, sql_column(q, i));
}
