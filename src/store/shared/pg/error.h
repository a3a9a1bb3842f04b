/* error.h - what an error of PostgreSQL means, by its SQLSTATE (PostgreSQL manual, appendix A). */
#ifndef STORE_SHARED_PG_ERROR_H
#define STORE_SHARED_PG_ERROR_H

#include "base/err.h"

#include <stdbool.h>

/* At whom a failed statement points. */
enum pg_fault {
	PG_FAULT_DATA,         /* at its own values: the same again fails again */
	PG_FAULT_CONTENTION,   /* at others at the same time: once more may well succeed */
	PG_FAULT_SURROUNDINGS, /* at the server, the way to it, or what it is set to */
	PG_FAULT_OTHER         /* nobody knows: at its values, if others succeed meanwhile */
};

/* sqlstate: five characters; NULL or empty: none was given, the connection failed. */
enum pg_fault pg_fault_of(const char *sqlstate);
/* DATA: FAILED. Else of the verdict RETRY: NO_SPACE for a full disk, AGAIN for contention, UNREACHABLE for the
 * surroundings, IO for the others. */
enum err pg_error(const char *sqlstate);
/* What people can do about it, to be put behind the server's own sentence; empty: nothing special. */
const char *pg_error_cure(const char *sqlstate);
/* May the server's own sentence go to logs and health? Not where it may hold a value of a row (an error of the data), or
 * was written by a shop's own trigger or function. */
bool pg_error_may_be_told(const char *sqlstate);
/* At a start there is no sense in waiting for another answer: a wrong password, no permission. */
bool pg_error_is_final(const char *sqlstate);

#endif
