/* subject.c - the rows of the conformance suite. */
#include "subject.h"

#include "shared_servers.h"

/* ---- embedded: a file in the folder ---------------------------------------------------------------------- */

static void begin_embedded(struct settings *settings, const char *folder)
{
	settings->data_dir = folder;
	settings->disk_reserve_mb = 0;
}

static void end_embedded(const struct settings *settings)
{
	(void)settings; /* all it had is in its folder */
}

static void settle_embedded(struct store *store)
{
	(void)store; /* the open has done it: the lock says that the former process is dead */
}

/* ---- shared: a database of Redis and one of PostgreSQL --------------------------------------------------- */

static void begin_shared(struct settings *settings, const char *folder)
{
	settings->data_dir = folder; /* for the spool */
	settings->disk_reserve_mb = 0;
	shared_servers_fresh(&settings->redis_url, &settings->database_url);
}

static void end_shared(const struct settings *settings)
{
	(void)settings;
	shared_servers_drop();
}

const struct subject subjects[] = {
	{ "embedded", begin_embedded, end_embedded, settle_embedded, 60000, 0, false },
	{ "shared", begin_shared, end_shared, shared_servers_settle, 2000, 20, true },
};
const size_t n_subjects = COUNT_OF(subjects);
