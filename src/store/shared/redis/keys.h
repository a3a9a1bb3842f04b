/* keys.h - the four KEYS of every script, and names made from the prefixes. docs/store-protocol.md, 1. */
#ifndef STORE_SHARED_REDIS_KEYS_H
#define STORE_SHARED_REDIS_KEYS_H

#include "store/shared/shared.h"

enum {
	REDIS_KEYS = 4,       /* M, O, S and the marks' prefix */
	REDIS_NAME_SIZE = 128 /* of a key made of a prefix and a literal, with its NUL */
};

/* INVALID: a prefix is not 1 to 64 of A-Za-z0-9_-., or the two are equal. */
MUST_CHECK enum err redis_keys_check(const struct settings *settings, struct why *why);
/* The four, as they are sent; made once, by redis_pool_open(). */
struct slice redis_keys(const struct shared *s);
void redis_keys_make(const struct settings *settings, struct buf *ret);
/* One word of a command as it is sent. */
void redis_keys_word(struct buf *b, struct slice word);

/* `S <name>`, `M <name>`, `O <name>` into ret; returns ret. */
const char *redis_own_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE]);
const char *redis_messages_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE]);
const char *redis_outbox_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE]);

#endif
