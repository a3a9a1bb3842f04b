/* payload.h - webhook requests in the vendor's own shape (tests/samples/01). One thread. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "base/slice.h"

enum { PAYLOAD_SIZE = 2048, PAYLOAD_CLIENT_BASE = 12500 };

/* With a token the webhooks are signed, which is done with its MD5, as Chat2Desk does. */
void payload_sign_with(const char *token);
/* A whole request with a message id never used before, into out[PAYLOAD_SIZE]; returns its length. */
size_t payload_make(char *out, unsigned client, const char *text);

#endif
