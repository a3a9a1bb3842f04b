/* signature.c - HMAC-SHA256 over body and timestamp, with every accepted key. */
#include "chat2desk/signature.h"

#include "chat2desk/api.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

enum { MAC_BYTES = 32, MD5_BYTES = 16 };

static const char hex_digits[] = "0123456789abcdef";

/* An HMAC-SHA256 without a key: fetching one costs more than a webhook's HMAC, copying it little. */
static EVP_MAC_CTX *blank;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (mac == NULL || (blank = EVP_MAC_CTX_new(mac)) == NULL || EVP_MAC_CTX_set_params(blank, parameters) != 1)
		abort(); /* a libcrypto without HMAC-SHA256 is broken */
	EVP_MAC_free(mac);
}

static EVP_MAC_CTX *new_mac(void)
{
	EVP_MAC_CTX *mac;

	(void)pthread_once(&once, prepare);
	mac = EVP_MAC_CTX_dup(blank);
	if (mac == NULL)
		abort();
	return mac;
}

static void sign(EVP_MAC_CTX *mac, const unsigned char *key, size_t key_n, struct slice body, struct slice timestamp,
    unsigned char out[MAC_BYTES])
{
	size_t n = 0;

	if (EVP_MAC_init(mac, key, key_n, NULL) != 1 ||
	    EVP_MAC_update(mac, (const unsigned char *)body.p, body.n) != 1 ||
	    EVP_MAC_update(mac, (const unsigned char *)timestamp.p, timestamp.n) != 1 ||
	    EVP_MAC_final(mac, out, &n, MAC_BYTES) != 1 || n != MAC_BYTES)
		abort();
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digits[bytes[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static void add_key(struct c2d_keys *keys, const void *bytes, size_t n)
{
	if (n == 0 || n > C2D_KEY_BYTES_MAX || keys->n == C2D_KEYS_MAX)
		return;
	memcpy(keys->key[keys->n].bytes, bytes, n);
	keys->key[keys->n].n = n;
	keys->n++;
}

static void add_token(struct c2d_keys *keys, struct slice token)
{
	unsigned char md5[MD5_BYTES];
	char text[2 * MD5_BYTES + 1];
	unsigned n = 0;

	if (token.n == 0)
		return;
	if (EVP_Digest(token.p, token.n, md5, &n, EVP_md5(), NULL) != 1)
		return; /* no MD5 in this libcrypto (FIPS): only secrets can verify */
	to_hex(md5, n, text);
	add_key(keys, text, 2 * MD5_BYTES);
	add_key(keys, md5, n);
}

void c2d_keys_make(struct c2d_keys *keys, const char *token, const char *secrets)
{
	*keys = (struct c2d_keys){ 0 };
	if (secrets == NULL || secrets[0] == '\0') {
		add_token(keys, c2d_token(token));
		return;
	}
	for (const char *p = secrets; *p != '\0';) {
		size_t n = strcspn(p, ",");
		struct slice secret = slice_trim((struct slice){ p, n });

		add_key(keys, secret.p, secret.n);
		p += p[n] == ',' ? n + 1 : n;
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool from_hex(struct slice hex, unsigned char out[MAC_BYTES])
{
	if (hex.n != (size_t)2 * MAC_BYTES)
		return false;
	for (size_t i = 0; i < MAC_BYTES; i++) {
		int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool c2d_signature_valid(const struct c2d_keys *keys, struct slice body, struct slice timestamp, struct slice signature)
{
	unsigned char given[MAC_BYTES], ours[MAC_BYTES];
	unsigned matches = 0;
	EVP_MAC_CTX *mac;

	if (!from_hex(slice_trim(signature), given))
		return false;
	mac = new_mac();
	for (size_t i = 0; i < keys->n; i++) {
		sign(mac, keys->key[i].bytes, keys->key[i].n, body, timestamp, ours);
		matches |= CRYPTO_memcmp(given, ours, MAC_BYTES) == 0;
	}
	EVP_MAC_CTX_free(mac);
	return matches != 0;
}

void c2d_signature_make(
    const struct c2d_keys *keys, struct slice body, struct slice timestamp, char out[C2D_SIGNATURE_SIZE])
{
	unsigned char ours[MAC_BYTES];
	EVP_MAC_CTX *mac;

	out[0] = '\0';
	if (keys->n == 0)
		return;
	mac = new_mac();
	sign(mac, keys->key[0].bytes, keys->key[0].n, body, timestamp, ours);
	EVP_MAC_CTX_free(mac);
	to_hex(ours, MAC_BYTES, out);
}
