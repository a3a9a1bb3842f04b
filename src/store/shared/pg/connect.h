/* connect.h - one connection to PostgreSQL: where, with which options, and whether the server will do.
 *
 * docs/store-protocol.md, 4. Any thread. */
#ifndef STORE_SHARED_PG_CONNECT_H
#define STORE_SHARED_PG_CONNECT_H

#include "base/settings.h"

#include <libpq-fe.h>

enum { PG_CONNECT_MS = 2000 };

/* Can the settings be understood? INVALID, with the sentence. */
MUST_CHECK enum err pg_connect_check(const struct settings *settings, struct why *why);
/* Connects within PG_CONNECT_MS and asks what must be so: UTF8, synchronous_commit, no standby. *ret blocks, is not in
 * pipeline mode, and is to be ended with PQfinish. INVALID, DENIED: no sense in trying again before somebody has
 * changed something; else of the verdict RETRY. */
MUST_CHECK enum err pg_connect(const struct settings *settings, PGconn **ret, struct why *why);

/* The first lines of what libpq says of the connection, in one line, without its password and without what a row held. */
const char *pg_message(const PGconn *connection, char *line, size_t size);
/* A failed result as a sentence with the cure and without any value of a row; returns its verdict. sqlstate: NULL, or
 * receives it. */
enum err pg_result_error(const PGconn *connection, const PGresult *result, char sqlstate[6], struct why *why);

#endif
