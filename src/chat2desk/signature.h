/* signature.h - is this webhook signed by Chat2Desk?
 *
 * X-Signature = lowercase hex(HMAC-SHA256(key, raw body + X-Timestamp text)); the key is the MD5 of the API
 * token, as 32 hex characters or as 16 raw bytes (the vendor does not say which; either is accepted), or a
 * secret of our own setting. No freshness window: genuine retries repeat body and timestamp two hours later,
 * so replays are stopped by the message id. Facts: docs/chat2desk.md, "Signature". */
#ifndef CHAT2DESK_SIGNATURE_H
#define CHAT2DESK_SIGNATURE_H

#include "base/slice.h"

enum { C2D_KEYS_MAX = 6, C2D_KEY_BYTES_MAX = 256, C2D_SIGNATURE_SIZE = 65 };

/* The keys that are accepted at the moment; read-only once made, any thread. */
struct c2d_keys {
	size_t n;
	struct {
		size_t n;
		unsigned char bytes[C2D_KEY_BYTES_MAX];
	} key[C2D_KEYS_MAX];
};

/* token and secrets may be NULL or empty; secrets: one or two joined by a comma. With secrets, the
 * token's MD5 is not accepted. */
void c2d_keys_make(struct c2d_keys *keys, const char *token, const char *secrets);
/* Compares in constant time against every key. */
bool c2d_signature_valid(
    const struct c2d_keys *keys, struct slice body, struct slice timestamp, struct slice signature);
/* Signs as Chat2Desk does, with the first key; hex with NUL into out. */
void c2d_signature_make(
    const struct c2d_keys *keys, struct slice body, struct slice timestamp, char out[C2D_SIGNATURE_SIZE]);

#endif
