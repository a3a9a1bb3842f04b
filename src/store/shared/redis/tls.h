/* tls.h - TLS on a connection to Redis, where this build has it (hiredis_ssl). The server's certificate must be valid for
 * its host by the system's authorities. Any thread. */
#ifndef STORE_SHARED_REDIS_TLS_H
#define STORE_SHARED_REDIS_TLS_H

#include "base/err.h"

struct redisContext;

/* INVALID, with the cure: this build has none. */
MUST_CHECK enum err redis_tls_check(struct why *why);
/* On a fresh connection, before its first command. UNREACHABLE: the handshake failed. */
MUST_CHECK enum err redis_tls_begin(struct redisContext *context, const char *host, struct why *why);

#endif
