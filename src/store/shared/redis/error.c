/* error.c - what an error reply of Redis means: the table of docs/store-protocol.md, 13. */
#include "store/shared/redis/redis.h"

static const struct row {
	const char *code; /* the first word, or the first words */
	enum err verdict;
} rows[] = {
	{ "NOSCRIPT", ERR_AGAIN },
	{ "ERR Function not found", ERR_AGAIN },
	{ "LOADING", ERR_AGAIN },
	{ "BUSY ",
	    ERR_AGAIN }, /* a foreign script; never killed by us. With its blank: BUSYKEY, BUSYGROUP are others */
	{ "TRYAGAIN", ERR_AGAIN },
	{ "CLUSTERDOWN", ERR_AGAIN },
	{ "MASTERDOWN", ERR_AGAIN },
	{ "ERR max number of clients reached", ERR_AGAIN },
	{ "READONLY", ERR_UNREACHABLE },
	{ "UNBLOCKED", ERR_UNREACHABLE },
	{ "OOM", ERR_NO_SPACE },
	{ "MISCONF", ERR_IO },
	{ "NOREPLICAS", ERR_IO },
	{ "NOAUTH", ERR_DENIED },
	{ "WRONGPASS", ERR_DENIED },
	{ "NOPERM", ERR_DENIED },
	{ "DENIED", ERR_DENIED }, /* protected mode */
	{ "ERR invalid password", ERR_DENIED },
	{ "NOPROTO", ERR_INVALID },
	{ "ERR unknown command", ERR_INVALID },
	{ "ERR DB index is out of range", ERR_INVALID },
};

/* An error inside a script as 6.2 wraps it: "ERR Error running script (call to f_…): @user_script:5: @user_script: 5: -OOM …".
 * Since 7.0 the code stands first. */
static const char *unwrapped(const char *text)
{
	static const char place[] = "@user_script:";
	const char *at = text, *last = NULL;

	if (strncmp(text, "ERR Error running script", 24) != 0)
		return text;
	while ((at = strstr(at, place)) != NULL) {
		at += sizeof place - 1;
		last = at;
	}
	return last != NULL ? last + strspn(last, " 0123456789:-") : text;
}

static const struct row *find_row(const char *text)
{
	const char *inner = unwrapped(text);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strncmp(inner, rows[i].code, strlen(rows[i].code)) == 0)
			return &rows[i];
	return NULL;
}

enum err redis_error(const char *text)
{
	const struct row *row = find_row(text);

	return row != NULL ? row->verdict : ERR_IO;
}

bool redis_error_is_of_call(const char *text)
{
	return find_row(text) == NULL;
}
