/* open.c - opens the folder: lock, database, migrations, recovery; and closes it again. */
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "store/embedded/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_ops operations; /* the table stands at the end */

enum { WRITER_CACHE_KIB = 8192, READER_CACHE_KIB = 1024, PAGE_BYTES = 4096 };

static enum err someone_else(const char *path, int fd, struct why *why)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

	(void)close(fd);
	pid[n > 0 ? n : 0] = '\0';
	return why_fail(why, ERR_IN_USE,
	    "another chat2order (process %s) serves %s: stop it first, or give this one a DATA_DIR of its own",
	    pid[0] != '\0' ? pid : "unknown", path);
}

/* One service a folder: the lock is the kernel's and goes with the process, however it ends. */
static enum err lock_folder(struct embedded *e, struct why *why)
{
	char path[1100], pid[16];
	int fd, n;

	(void)snprintf(path, sizeof path, "%s/chat2order.lock", e->folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_fail(why, ERR_IO, "cannot write %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return someone_else(e->folder, fd, why);
	n = snprintf(pid, sizeof pid, "%ld", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		(void)close(fd);
		return why_fail(
		    why, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot write %s: %s", path, strerror(errno));
	}
	e->lock_fd = fd;
	return ERR_OK;
}

static enum err check_file(const struct embedded *e, struct why *why)
{
	struct stat st;

	if (stat(e->path, &st) != 0) {
		if (errno == ENOENT && e->role == STORE_SERVICE)
			return ERR_OK;
		return why_fail(
		    why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "no store at %s: %s", e->path, strerror(errno));
	}
	if (!S_ISREG(st.st_mode))
		return why_fail(
		    why, ERR_IO, "%s is not a file: move it away, or set DATA_DIR to another folder", e->path);
	if (access(e->path, R_OK | W_OK) != 0)
		return why_fail(
		    why, ERR_IO, "%s may not be read and written by this user: %s", e->path, strerror(errno));
	return ERR_OK;
}

static enum err begin_writing(struct embedded *e, struct why *why)
{
	struct sql *s = &e->writer;

	if (sqlite3_exec(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK)
		return why_fail(why, ERR_IO, "cannot use %s: %s%s", e->path, sqlite3_errmsg(s->db),
		    sqlite3_errcode(s->db) == SQLITE_NOTADB ? " (restore a backup, or move the file away)" : "");
	return ERR_OK;
}

/* After a migration, which may need room for a while; pages that it freed are used again. */
static void limit_size(struct embedded *e)
{
	char limit[64];

	if (e->pages_max == 0)
		return;
	(void)snprintf(limit, sizeof limit, "PRAGMA max_page_count=%lld", (long long)e->pages_max);
	(void)sqlite3_exec(e->writer.db, limit, NULL, NULL, NULL);
}

/* From here on the writer does not wait for the disk. Checkpoints, and a log begun anew, are still synced by SQLite. */
static enum err leave_syncs_to_syncer(struct embedded *e, struct why *why)
{
	if (sqlite3_exec(e->writer.db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) != SQLITE_OK)
		return why_fail(why, ERR_IO, "cannot use %s: %s", e->path, sqlite3_errmsg(e->writer.db));
	return syncer_open(e, why);
}

static enum err open_database(struct embedded *e, struct why *why)
{
	int flags = SQLITE_OPEN_READWRITE | (e->role == STORE_SERVICE ? SQLITE_OPEN_CREATE : 0);
	enum err err;

	if ((err = check_file(e, why)) != ERR_OK)
		return err;
	if ((err = sql_open(&e->writer, e->path, flags, WRITER_CACHE_KIB, why)) != ERR_OK)
		return err;
	if ((err = begin_writing(e, why)) != ERR_OK)
		return err;
	if (e->role == STORE_SERVICE) {
		if ((err = embedded_migrate(&e->writer, why)) != ERR_OK || (err = embedded_recover(e, why)) != ERR_OK ||
		    (err = leave_syncs_to_syncer(e, why)) != ERR_OK)
			return err;
	} else if ((err = embedded_version_fits(&e->writer, why)) != ERR_OK) {
		return err;
	}
	limit_size(e);
	return sql_open(&e->reader, e->path, SQLITE_OPEN_READWRITE, READER_CACHE_KIB, why);
}

static struct embedded *with_settings(const struct settings *s, enum store_role role)
{
	struct embedded *e = mem_alloc(sizeof *e);

	e->store.ops = &operations;
	e->role = role;
	e->lock_fd = e->log_fd = -1;
	e->owner = random_u64() | 1;
	e->turn_attempts = s->turn_attempts;
	e->turn_backoff = s->turn_backoff_ms;
	e->hung = store_hung_ms(s);
	e->claim_lease = s->send_timeout_ms + s->lease_ms;
	e->dedup = s->dedup_days * 86400000;
	e->dialog_ttl = s->dialog_ttl_s * 1000;
	e->log_keep = s->log_days * 86400000;
	e->rate_limit = s->rate_limit;
	e->disk_reserve_bytes = s->disk_reserve_mb << 20;
	e->pages_max = (s->store_max_mb << 20) / PAGE_BYTES;
	e->clock_offset_ms = clock_wall_ms() - clock_boot_ms();
	atomic_store(&e->writable, ERR_OK);
	return e;
}

static void release(struct embedded *e)
{
	for (size_t i = 0; i < SEEN_TABLES; i++)
		buf_free(&e->looked_to[i]);
	sql_close(&e->reader);
	sql_close(&e->writer);
	if (e->log_fd >= 0)
		(void)close(e->log_fd);
	if (e->lock_fd >= 0)
		(void)close(e->lock_fd);
	free(e);
}

/* Before SQLite's first use in this process: its memory statistics cost a lock with every allocation. */
static void setup_sqlite(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum err embedded_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct embedded *e;
	enum err err = ERR_OK;

	(void)pthread_once(&once, setup_sqlite);
	e = with_settings(settings, role);

	(void)snprintf(e->folder, sizeof e->folder, "%s", settings->data_dir);
	(void)snprintf(e->path, sizeof e->path, "%s/chat2order.db", e->folder);
	if (role == STORE_SERVICE && (err = folder_make(settings->data_dir, why)) == ERR_OK)
		err = lock_folder(e, why);
	if (err == ERR_OK)
		err = open_database(e, why);
	if (err != ERR_OK) {
		release(e);
		return err;
	}
	(void)pthread_mutex_init(&e->read_lock, NULL);
	writer_start(e);
	*ret = &e->store;
	return ERR_OK;
}

static void stop_waiting(struct store *s)
{
	struct embedded *e = embedded_of(s);

	(void)pthread_mutex_lock(&e->lock);
	e->stop_waiting = true;
	(void)pthread_cond_signal(&e->wake);
	(void)pthread_mutex_unlock(&e->lock);
}

static void close_store(struct store *s)
{
	struct embedded *e = embedded_of(s);

	writer_stop(e);
	(void)pthread_mutex_destroy(&e->read_lock);
	release(e);
}

static const struct store_ops operations = {
	.stop_waiting = stop_waiting,
	.close = close_store,
	.add = embedded_add,
	.add_begin = embedded_add_begin,
	.adds_at_once = 2, /* one is written while the other is on its way to the disk */
	.take = embedded_take,
	.finish = embedded_finish,
	.fail = embedded_fail,
	.claim = embedded_claim,
	.sent = embedded_sent,
	.rate = embedded_rate,
	.keep = embedded_keep,
	.counts = embedded_counts,
	.dead_list = embedded_dead_list,
	.dead_show = embedded_dead_show,
	.dead_retry = embedded_dead_retry,
	.dead_remove = embedded_dead_remove,
	.order_list = embedded_order_list,
	.order_show = embedded_order_show,
	.order_status = embedded_order_status,
	.logs = embedded_logs,
	.funnel = embedded_funnel,
};
