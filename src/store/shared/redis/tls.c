/* tls.c - OpenSSL's session handed to hiredis, or the sentence that there is none. */
#include "store/shared/redis/tls.h"

#ifdef CHAT2ORDER_REDIS_TLS
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>

static SSL_CTX *authorities; /* for the process' life */

static void load(void)
{
	authorities = SSL_CTX_new(TLS_client_method());
	if (authorities == NULL)
		return;
	(void)SSL_CTX_set_min_proto_version(authorities, TLS1_2_VERSION);
	(void)SSL_CTX_set_default_verify_paths(authorities);
	SSL_CTX_set_verify(authorities, SSL_VERIFY_PEER, NULL);
}

enum err redis_tls_check(struct why *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load);
	return authorities != NULL ? ERR_OK : why_fail(why, ERR_INVALID, "OpenSSL cannot be set up for rediss://");
}

static enum err handshake_failed(const char *what, struct why *why)
{
	char text[200] = "no further reason";
	unsigned long code = ERR_get_error();

	if (code != 0)
		ERR_error_string_n(code, text, sizeof text);
	return why_fail(why, ERR_UNREACHABLE, "TLS with Redis failed: %s (%s)", what, text);
}

enum err redis_tls_begin(struct redisContext *context, const char *host, struct why *why)
{
	enum err err = redis_tls_check(why);
	SSL *ssl;

	if (err != ERR_OK)
		return err;
	ERR_clear_error();
	ssl = SSL_new(authorities);
	if (ssl == NULL || SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_set1_host(ssl, host) != 1) {
		SSL_free(ssl);
		return handshake_failed(host, why);
	}
	if (redisInitiateSSL(context, ssl) == REDIS_OK)
		return ERR_OK; /* the session is the context's now */
	SSL_free(ssl);
	return handshake_failed(context->errstr, why);
}
#else
enum err redis_tls_check(struct why *why)
{
	return why_fail(why, ERR_INVALID,
	    "REDIS_URL wants TLS (rediss://), which this build does not have: its hiredis (before 1.0) came without"
	    " hiredis_ssl. Use redis:// over a private network or a tunnel (stunnel), or build with hiredis 1.0 or newer");
}

enum err redis_tls_begin(struct redisContext *context, const char *host, struct why *why)
{
	return redis_tls_check(why);
}
#endif
