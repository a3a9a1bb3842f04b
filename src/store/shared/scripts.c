/* scripts.c - the embedded files put together, each with common.lua and its libraries before it, and its SHA1. */
#include "store/shared/scripts.h"

#include "base/buf.h"
#include "store/shared/lua_data.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>

static struct whole {
	struct buf text; /* for the process' life */
	char sha1[2 * SHA_DIGEST_LENGTH + 1];
} wholes[SCRIPT_COUNT];

static const struct part {
	const char *name, *text;
	const size_t *size;
} parts[SCRIPT_COUNT] = {
#define X(id, file) [SCRIPT_##id] = { #file, lua_##file, &lua_##file##_size },
	SCRIPT_LIST(X)
#undef X
};

static const struct library {
	const char *line, *text; /* the line by which a script asks for it */
	const size_t *size;
} libraries[] = {
#define X(name) { "-- with " #name "\n", lua_lib_##name, &lua_lib_##name##_size },
	SCRIPT_LIBRARY_LIST(X)
#undef X
};

static void digest(struct whole *whole)
{
	unsigned char bytes[SHA_DIGEST_LENGTH];

	(void)SHA1((const unsigned char *)whole->text.p, whole->text.n, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(whole->sha1 + 2 * i, 3, "%02x", bytes[i]);
}

static void put_together(void)
{
	for (size_t i = 0; i < SCRIPT_COUNT; i++) {
		buf_add(&wholes[i].text, lua_common, lua_common_size);
		for (size_t k = 0; k < COUNT_OF(libraries); k++)
			if (memmem(parts[i].text, *parts[i].size, libraries[k].line, strlen(libraries[k].line)) != NULL)
				buf_add(&wholes[i].text, libraries[k].text, *libraries[k].size);
		buf_add(&wholes[i].text, parts[i].text, *parts[i].size);
		digest(&wholes[i]);
	}
}

static const struct whole *whole(enum script script)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, put_together);
	return &wholes[script];
}

const char *script_name(enum script script)
{
	return parts[script].name;
}

const char *script_text(enum script script)
{
	return whole(script)->text.p;
}

size_t script_text_length(enum script script)
{
	return whole(script)->text.n;
}

const char *script_sha1(enum script script)
{
	return whole(script)->sha1;
}
