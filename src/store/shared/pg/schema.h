/* schema.h - the tables in PostgreSQL: numbered migrations, and the predecessor's tables widened by the first one.
 *
 * docs/store-protocol.md, 4 and 12. */
#ifndef STORE_SHARED_PG_SCHEMA_H
#define STORE_SHARED_PG_SCHEMA_H

#include "base/settings.h"

#include <libpq-fe.h>

/* Runs what is missing, a transaction each, under the advisory lock, so that several may start at once. connection: as
 * pg_connect() gives it. NEWER_VERSION; INVALID: PREDECESSOR_TIMEZONE is no zone; CONFLICT: tables of these names that are not the
 * predecessor's, or a view that holds a column; else the error's verdict. */
MUST_CHECK enum err pg_migrate(PGconn *connection, const struct settings *settings, struct why *why);
/* NOT_FOUND: there are no tables of ours yet, or an older version's. */
MUST_CHECK enum err pg_version_fits(PGconn *connection, struct why *why);

/* The predecessor's tables, as they are before the first migration. */
struct pg_predecessor {
	bool found;     /* false: there are none, or they are ours already */
	bool took_over; /* the take-over is done */
	int64_t orders, logs, outcomes;
	struct slice oldest;          /* order: its created_at as it stands there; empty: none */
	struct slice oldest_migrated; /* the same, as it would be read, in UTC */
	struct slice zone;            /* in which it is taken to be */
};
MUST_CHECK enum err pg_look_at_predecessor(PGconn *connection, const struct settings *settings, struct arena *arena,
    struct pg_predecessor *ret, struct why *why);

#endif
