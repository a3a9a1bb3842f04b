/* keys.c - prefixes put together. */
#include "store/shared/redis/keys.h"

#include <stdio.h>

enum { PREFIX_MAX = 64 };
static const char standard_prefix[] =
    "c2o"; /* of STORE_PREFIX: the one that takes the predecessor's marks for its own */

static bool is_prefix(const char *text)
{
	size_t n = strlen(text);

	return n >= 1 && n <= PREFIX_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == n;
}

enum err redis_keys_check(const struct settings *settings, struct why *why)
{
	if (!is_prefix(settings->bull_prefix))
		return why_fail(why, ERR_INVALID, "BULL_PREFIX \"%.100s\" must be 1 to %d characters of A-Za-z0-9_-.",
		    settings->bull_prefix, PREFIX_MAX);
	if (!is_prefix(settings->store_prefix))
		return why_fail(why, ERR_INVALID, "STORE_PREFIX \"%.100s\" must be 1 to %d characters of A-Za-z0-9_-.",
		    settings->store_prefix, PREFIX_MAX);
	if (strcmp(settings->bull_prefix, settings->store_prefix) == 0)
		return why_fail(why, ERR_INVALID,
		    "BULL_PREFIX and STORE_PREFIX must differ (both are \"%s\"): Bull's tools delete what is under theirs",
		    settings->bull_prefix);
	return ERR_OK;
}

void redis_keys_word(struct buf *b, struct slice word)
{
	char head[24];
	size_t at = sizeof head, n = word.n;

	/* by hand: each argument of each call comes by here */
	head[--at] = '\n';
	head[--at] = '\r';
	do {
		head[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	head[--at] = '$';
	buf_add(b, head + at, sizeof head - at);
	buf_slice(b, word);
	buf_add(b, "\r\n", 2);
}

void redis_keys_make(const struct settings *settings, struct buf *ret)
{
	const char *bull = settings->bull_prefix, *own = settings->store_prefix;
	char key[REDIS_KEYS][REDIS_NAME_SIZE];
	bool is_standard = strcmp(own, standard_prefix) == 0;

	(void)snprintf(key[0], sizeof key[0], "%s:messages:", bull);
	(void)snprintf(key[1], sizeof key[1], "%s:outbox:", bull);
	(void)snprintf(key[2], sizeof key[2], "%s:", own);
	(void)snprintf(key[3], sizeof key[3], "%s%sprocessed:", is_standard ? "" : own, is_standard ? "" : ":");
	for (size_t i = 0; i < REDIS_KEYS; i++)
		redis_keys_word(ret, slice_of(key[i]));
}

const char *redis_own_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE])
{
	(void)snprintf(ret, REDIS_NAME_SIZE, "%s:%s", s->settings.store_prefix, name);
	return ret;
}

const char *redis_messages_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE])
{
	(void)snprintf(ret, REDIS_NAME_SIZE, "%s:messages:%s", s->settings.bull_prefix, name);
	return ret;
}

const char *redis_outbox_key(const struct shared *s, const char *name, char ret[REDIS_NAME_SIZE])
{
	(void)snprintf(ret, REDIS_NAME_SIZE, "%s:outbox:%s", s->settings.bull_prefix, name);
	return ret;
}
