/* url.h - DATABASE_URL taken apart, and its password kept out of sentences.
 *
 * libpq's own words about an address that it can't read repeat the address, or what it took for a part of it; where a
 * password holds a sign that should have been encoded, that is a piece of the password. So the shape is looked at here first, and
 * its words about reading are never passed on. Any thread. */
#ifndef STORE_SHARED_PG_URL_H
#define STORE_SHARED_PG_URL_H

#include "base/settings.h"
#include "base/slice.h"

#include <libpq-fe.h>

/* postgresql:// or postgres:// (PostgreSQL manual, 34.1.1.2), with one @ at most, before the first slash; or libpq's
 * "host=... dbname=..." (34.1.1.1), none of whose parts is a URL. *ret: its parts, decoded, to be freed with
 * PQconninfoFree(); NULL where DATABASE_URL is not set: then DATABASE_HOST, _NAME and _USER are looked at, and may be no URL.
 * INVALID: why names cause and cure, and nothing of what stands there. */
MUST_CHECK enum err pg_url_read(const struct settings *settings, PQconninfoOption **ret, struct why *why);
/* "host", "options", ... as it stands there; empty: it does not. options NULL is fine. */
const char *pg_url_option(const PQconninfoOption *options, const char *name);

/* Wherever the secret stands in the text it becomes "***". A secret of less than PG_SECRET_LEAST bytes stays: it is in any
 * sentence by chance. */
enum { PG_SECRET_LEAST = 4 };
void pg_hide(char *text, struct slice secret);

#endif
