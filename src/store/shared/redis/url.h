/* url.h - where Redis is, as the settings say it.
 *
 *     redis://[[user]:password@][host][:port][/database]     rediss:// is the same over TLS
 *     unix://[[user]:password@]/path/of/socket[?db=database]   or the bare path[?db=database]
 *
 * Host is a name, an IPv4 address or [an IPv6 address]; user, password, host and path are percent-decoded. `?db=` is
 * understood everywhere; other parameters are for other libraries and are not looked at. A user without ":" has no password.
 * Pure: opens nothing. */
#ifndef STORE_SHARED_REDIS_URL_H
#define STORE_SHARED_REDIS_URL_H

#include "base/err.h"
#include "base/settings.h"

enum { REDIS_SENTINELS_MAX = 16, REDIS_PORT = 6379, REDIS_SENTINEL_PORT = 26379 };

struct redis_endpoint {
	const char *host; /* "::1" without brackets */
	uint16_t port;
};

struct redis_target { /* texts live in the arena given */
	bool tls;
	const char *user, *password;    /* NULL: none */
	const char *path;               /* of a unix socket; NULL: endpoint counts */
	struct redis_endpoint endpoint; /* not used where there are sentinels */
	int database;
	size_t n_sentinels;
	struct redis_endpoint sentinel[REDIS_SENTINELS_MAX];
	const char *master; /* the name that Sentinels are asked for */
};

/* INVALID: why names the setting and the cure, and never shows what may hold a password: nothing of a URL, and of no other
 * setting that ought to be a host or a name. */
MUST_CHECK enum err redis_target_read(
    const struct settings *settings, struct arena *arena, struct redis_target *ret, struct why *why);

#endif
