/* library.c - FUNCTION LOAD, LIST and DELETE. */
#include "store/shared/redis/library.h"

#include "store/shared/redis/call.h"
#include "store/shared/redis/scripts.h"

enum err redis_library_load(struct redis *connection, bool *broken, struct why *why)
{
	const char *words[] = { "FUNCTION", "LOAD", script_library() };
	size_t lengths[] = { 8, 4, script_library_length() };
	struct redisReply *reply = NULL;
	struct why said = { 0 };
	enum err err = redis_ask(connection, COUNT_OF(words), words, lengths, &reply, broken, &said);

	freeReplyObject(reply);
	/* another process was quicker */
	if (err != ERR_OK && strstr(said.text, "already exists") != NULL)
		return ERR_OK;
	return err == ERR_OK ? ERR_OK : why_fail(why, err, "%s", said.text);
}

/* An entry of FUNCTION LIST is a list of names and values. */
static struct slice name_of(const struct redisReply *entry)
{
	for (size_t i = 0; i + 1 < redis_n(entry); i += 2)
		if (slice_eq(redis_text(redis_at(entry, i)), SLICE("library_name")))
			return redis_text(redis_at(entry, i + 1));
	return SLICE_NONE;
}

static void take_away(struct redis_pool *pool, struct slice name)
{
	const char *words[] = { "FUNCTION", "DELETE", name.p };
	size_t lengths[] = { 8, 6, name.n };
	struct redisReply *reply = NULL;

	(void)!redis_command(pool, COUNT_OF(words), words, lengths, &reply, NULL);
	freeReplyObject(reply);
}

void redis_library_tidy(struct redis_pool *pool)
{
	struct redisReply *all = NULL;

	(void)!redis_command(
	    pool, 4, (const char *const[]){ "FUNCTION", "LIST", "LIBRARYNAME", SCRIPT_LIBRARIES }, NULL, &all, NULL);
	for (size_t i = 0; i < redis_n(all); i++) {
		struct slice name = name_of(redis_at(all, i));

		if (name.n > 0 && !slice_eq(name, slice_of(script_library_name())))
			take_away(pool, name);
	}
	freeReplyObject(all);
}
