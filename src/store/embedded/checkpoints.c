/* checkpoints.c - the log is copied into the database beside the writer, and begun anew before it is long.
 *
 * SQLite begins the log anew only when all of it has been copied, which under constant writing a copier beside the writer never
 * finds. So it chases the writer a few times, and the writer copies what little is left itself, between two of its
 * transactions. A short log is worth it: a file that only grows costs the disk twice what one written over and over does. */
#include "base/wait.h"
#include "store/embedded/embedded.h"

#include <stdlib.h>

enum {
	LOG_PAGES = 2000, /* then it is copied, and begun anew */
	LOG_REST = 64,    /* so little is left to the writer at once */
	LOG_MUST = 8000,  /* it has outgrown the copier: the writer copies all there is */
	CHASES = 3        /* of the copier after the writer, at most */
};

/* PASSIVE: whatever readers still look at is left for another time. */
static void copy(struct embedded *e, sqlite3 *db)
{
	int pages = 0, copied = 0;

	if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied) != SQLITE_OK)
		return;
	(void)pthread_mutex_lock(&e->log_lock);
	if (copied <= e->log_pages) /* else it was begun anew meanwhile */
		e->log_copied = copied;
	(void)pthread_mutex_unlock(&e->log_lock);
}

static int note_size(void *context, sqlite3 *db, const char *name, int pages)
{
	struct embedded *e = context;

	(void)db;
	(void)name;
	(void)pthread_mutex_lock(&e->log_lock);
	if (pages < e->log_pages) {
		e->log_copied = 0;
		e->log_anew_at = LOG_PAGES;
	}
	e->log_pages = pages;
	(void)pthread_mutex_unlock(&e->log_lock);
	return SQLITE_OK;
}

/* While a reader keeps the log from being begun anew it is not tried again with every transaction. */
static bool may_begin_anew(struct embedded *e)
{
	if (e->log_pages < e->log_anew_at || !e->log_chased)
		return e->log_pages >= LOG_MUST;
	e->log_anew_at = e->log_pages + LOG_PAGES;
	e->log_chased = false;
	return true;
}

void checkpoints_tend(struct embedded *e)
{
	bool anew;

	(void)pthread_mutex_lock(&e->log_lock);
	if (e->log_pages - e->log_copied >= LOG_PAGES)
		(void)pthread_cond_signal(&e->log_grew);
	anew = may_begin_anew(e);
	(void)pthread_mutex_unlock(&e->log_lock);
	if (anew)
		copy(e, e->writer.db);
}

/* True when the rest is the writer's. */
static bool is_near(struct embedded *e, int chases)
{
	bool near;

	(void)pthread_mutex_lock(&e->log_lock);
	near = e->log_closing || chases == CHASES || e->log_pages - e->log_copied <= LOG_REST;
	e->log_chased = near;
	(void)pthread_mutex_unlock(&e->log_lock);
	return near;
}

/* False: it is time to stop. */
static bool wait_for_growth(struct embedded *e)
{
	bool go_on;

	(void)pthread_mutex_lock(&e->log_lock);
	while (!e->log_closing && e->log_pages - e->log_copied < LOG_PAGES)
		(void)pthread_cond_wait(&e->log_grew, &e->log_lock);
	go_on = !e->log_closing;
	(void)pthread_mutex_unlock(&e->log_lock);
	return go_on;
}

static void *copier_main(void *context)
{
	struct embedded *e = context;
	struct sql own;

	(void)pthread_setname_np(pthread_self(), "checkpoints");
	if (sql_open(&own, e->path, SQLITE_OPEN_READWRITE, 256, NULL) != ERR_OK)
		return NULL;
	while (wait_for_growth(e))
		for (int i = 0; !is_near(e, i); i++)
			copy(e, own.db);
	sql_close(&own);
	return NULL;
}

void checkpoints_start(struct embedded *e)
{
	(void)pthread_mutex_init(&e->log_lock, NULL);
	wait_init(&e->log_grew);
	e->log_anew_at = LOG_PAGES;
	(void)sqlite3_wal_hook(e->writer.db, note_size, e);
	if (pthread_create(&e->copier, NULL, copier_main, e) != 0)
		abort();
}

void checkpoints_stop(struct embedded *e)
{
	(void)pthread_mutex_lock(&e->log_lock);
	e->log_closing = true;
	(void)pthread_cond_signal(&e->log_grew);
	(void)pthread_mutex_unlock(&e->log_lock);
	(void)pthread_join(e->copier, NULL);
	(void)pthread_cond_destroy(&e->log_grew);
	(void)pthread_mutex_destroy(&e->log_lock);
}
