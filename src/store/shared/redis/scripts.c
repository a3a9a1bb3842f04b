/* scripts.c - the embedded files put together: for EVALSHA each with what it needs before it, for FCALL all in one library. */
#include "store/shared/redis/scripts.h"

#include "base/buf.h"
#include "store/shared/redis/lua_data.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>

enum { DIGEST_HEX = 12, NAME_SIZE = 64 };

static struct whole {
	struct buf text; /* for the process' life */
	char sha1[2 * SHA_DIGEST_LENGTH + 1];
	char function[NAME_SIZE];
} wholes[SCRIPT_COUNT];

static struct library_text {
	struct buf text; /* for the process' life */
	char name[NAME_SIZE];
} all;

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

static void digest(const struct buf *text, char ret[2 * SHA_DIGEST_LENGTH + 1])
{
	unsigned char bytes[SHA_DIGEST_LENGTH];

	(void)SHA1((const unsigned char *)text->p, text->n, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- for EVALSHA ------------------------------------------------------------------------------------ */

/* Redis 6.2 may be set to replicate scripts word by word, which forbids TIME. */
static const char by_effects[] = "if redis.replicate_commands then redis.replicate_commands() end\n";

static void put_script(struct whole *whole, const struct part *part)
{
	buf_text(&whole->text, by_effects);
	buf_add(&whole->text, lua_common, lua_common_size);
	for (size_t k = 0; k < COUNT_OF(libraries); k++)
		if (memmem(part->text, *part->size, libraries[k].line, strlen(libraries[k].line)) != NULL)
			buf_add(&whole->text, libraries[k].text, *libraries[k].size);
	buf_add(&whole->text, part->text, *part->size);
	digest(&whole->text, whole->sha1);
}

/* ---- for FCALL -------------------------------------------------------------------------------------- */

/* What is defined once. Without the line, nothing is. */
static size_t defined(const char *text, size_t size)
{
	static const char line[] = "\n-- each call\n";
	const char *at = memmem(text, size, line, sizeof line - 1);

	return at != NULL ? (size_t)(at - text) + 1 : 0;
}

/* Intake is refused where memory is full; what takes, ends and sends what is there goes on, and frees some. */
static const char *flags(enum script script)
{
	return script == SCRIPT_ADD ? "" : "'allow-oom'";
}

static void put_function(struct buf *b, enum script script)
{
	const struct part *part = &parts[script];
	size_t before = defined(part->text, *part->size);

	buf_text(b, "do\n");
	buf_add(b, part->text, before);
	buf_printf(b,
	    "redis.register_function{ function_name = '%s', flags = { %s }, callback = function(keys, argv)\n",
	    wholes[script].function, flags(script));
	buf_text(b, "KEYS, ARGV = keys, argv\neach_call()\n");
	buf_add(b, part->text + before, *part->size - before);
	buf_text(b, "end }\nend\n");
}

static void put_library(struct buf *b)
{
	size_t before = defined(lua_common, lua_common_size);

	buf_printf(b, "#!lua name=%s\nlocal KEYS, ARGV\n", all.name);
	buf_add(b, lua_common, before);
	buf_text(b, "local function each_call()\n");
	buf_add(b, lua_common + before, lua_common_size - before);
	buf_text(b, "end\n");
	for (size_t k = 0; k < COUNT_OF(libraries); k++)
		buf_add(b, libraries[k].text, *libraries[k].size);
	for (size_t i = 0; i < SCRIPT_COUNT; i++)
		put_function(b, (enum script)i);
}

/* ---- both ------------------------------------------------------------------------------------------- */

/* The library is put together twice: first without names, for the digest that names it. */
static void put_together(void)
{
	char hex[2 * SHA_DIGEST_LENGTH + 1];

	for (size_t i = 0; i < SCRIPT_COUNT; i++)
		put_script(&wholes[i], &parts[i]);
	put_library(&all.text);
	digest(&all.text, hex);
	(void)snprintf(all.name, sizeof all.name, "chat2order_%.*s", DIGEST_HEX, hex);
	for (size_t i = 0; i < SCRIPT_COUNT; i++)
		(void)snprintf(
		    wholes[i].function, sizeof wholes[i].function, "c2o_%s_%.*s", parts[i].name, DIGEST_HEX, hex);
	buf_reset(&all.text);
	put_library(&all.text);
}

static void put_together_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, put_together);
}

static const struct whole *whole(enum script script)
{
	put_together_once();
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

const char *script_function(enum script script)
{
	return whole(script)->function;
}

const char *script_library(void)
{
	put_together_once();
	return all.text.p;
}

size_t script_library_length(void)
{
	put_together_once();
	return all.text.n;
}

const char *script_library_name(void)
{
	put_together_once();
	return all.name;
}
