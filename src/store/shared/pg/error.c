/* error.c - a table of SQLSTATEs and classes; the first row that fits counts. */
#include "store/shared/pg/error.h"

#include "base/mem.h"

#include <string.h>

#define UNDONE                                                                                                         \
	"it was dropped or renamed, or search_path names another schema; put it back, or restore a backup"             \
	" (`chat2order migrate` makes the tables of an empty database)"

static const struct row {
	const char *begins; /* a whole SQLSTATE, or its class */
	enum pg_fault fault;
	enum err err;
	bool final;
	const char *cure;
} rows[] = {
	{ "40001", PG_FAULT_CONTENTION, ERR_AGAIN, false, "" },
	{ "40P01", PG_FAULT_CONTENTION, ERR_AGAIN, false, "" },
	{ "55P03", PG_FAULT_CONTENTION, ERR_AGAIN, false, "" },
	{ "57014", PG_FAULT_CONTENTION, ERR_AGAIN, false, "" },
	{ "53100", PG_FAULT_SURROUNDINGS, ERR_NO_SPACE, false, "free some space on PostgreSQL's disk" },
	{ "25006", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false,
	    "it is a standby or set to read only: let DATABASE_URL name the primary" },
	{ "25P03", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" },
	{ "28", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, true,
	    "see user and password in DATABASE_URL (or DATABASE_USER, DATABASE_PASSWORD), and pg_hba.conf" },
	{ "3D000", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false,
	    "create the database, or name another in DATABASE_URL (or DATABASE_NAME)" },
	{ "42501", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, true,
	    "let the user own the tables, or grant him the right: docs/operation.md" },
	{ "42P01", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, UNDONE },
	{ "42703", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, UNDONE },
	{ "42701", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false,
	    "the tables are newer than c2o_meta says, or it was dropped: restore it from a backup" },
	{ "53", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" },
	{ "57P", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" },
	{ "08", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" },
	{ "58", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" },
	{ "XX001", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "restore the database from a backup" },
	{ "21", PG_FAULT_DATA, ERR_FAILED, false, "" },
	{ "22", PG_FAULT_DATA, ERR_FAILED, false, "" },
	{ "23", PG_FAULT_DATA, ERR_FAILED, false, "" },
	{ "54", PG_FAULT_DATA, ERR_FAILED, false, "" },
};

static const struct row unreachable = { "", PG_FAULT_SURROUNDINGS, ERR_UNREACHABLE, false, "" };
static const struct row other = { "", PG_FAULT_OTHER, ERR_IO, false, "" };

static const struct row *row_of(const char *sqlstate)
{
	if (sqlstate == NULL || sqlstate[0] == '\0')
		return &unreachable;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strncmp(sqlstate, rows[i].begins, strlen(rows[i].begins)) == 0)
			return &rows[i];
	return &other;
}

enum pg_fault pg_fault_of(const char *sqlstate)
{
	return row_of(sqlstate)->fault;
}

enum err pg_error(const char *sqlstate)
{
	return row_of(sqlstate)->err;
}

const char *pg_error_cure(const char *sqlstate)
{
	return row_of(sqlstate)->cure;
}

bool pg_error_may_be_told(const char *sqlstate)
{
	static const char *const raised[] = { "P0", "38", "39", "2F" }; /* by code that lives in the database */

	for (size_t i = 0; i < COUNT_OF(raised); i++)
		if (strncmp(sqlstate, raised[i], strlen(raised[i])) == 0)
			return false;
	return row_of(sqlstate)->fault != PG_FAULT_DATA;
}

bool pg_error_is_final(const char *sqlstate)
{
	return row_of(sqlstate)->final;
}
