/* file.c - one file of the spool with its lock. */
#include "store/shared/spool/file.h"

#include "base/clock.h"
#include "store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 100, CACHE_KIB = 1024, SHRINK_PAGES = 256, ROW_BYTES = 64 /* of a row beside its texts, about */ };

struct spool_file {
	char path[1100], lock_path[1100];
	int lock_fd;
	pthread_mutex_t lock; /* guards what follows */
	struct sql sql;
	_Atomic int64_t waiting;
	int64_t refused;
	int64_t since_ms; /* monotonic: since when some wait */
};

/* ---- the lock ------------------------------------------------------------------------------------------ */

/* Whether the path still leads to the locked file: its last holder may have removed it before it let go. */
static bool is_in_place(const struct spool_file *f)
{
	struct stat here, held;

	return stat(f->lock_path, &here) == 0 && fstat(f->lock_fd, &held) == 0 && here.st_dev == held.st_dev &&
	       here.st_ino == held.st_ino;
}

static enum err take_lock(struct spool_file *f, int create, struct why *why)
{
	f->lock_fd = open(f->lock_path, O_RDWR | O_CLOEXEC | create, 0600);
	if (f->lock_fd < 0)
		return why_fail(why,
		    errno == ENOENT   ? ERR_NOT_FOUND
		    : errno == ENOSPC ? ERR_NO_SPACE
				      : ERR_IO,
		    "cannot write %s: %s (set DATA_DIR to a folder that you may write)", f->lock_path, strerror(errno));
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0 && is_in_place(f))
		return ERR_OK;
	(void)close(f->lock_fd);
	f->lock_fd = -1;
	return why_fail(why, ERR_IN_USE, "%s is in use by another process", f->path);
}

/* The lock's name goes last: who finds it finds a file that nobody has removed. */
static void remove_files(const struct spool_file *f)
{
	static const char *const beside[] = { "-wal", "-shm", "" };
	char path[1200];

	for (size_t i = 0; i < COUNT_OF(beside); i++) {
		(void)snprintf(path, sizeof path, "%s%s", f->path, beside[i]);
		(void)unlink(path);
	}
	(void)unlink(f->lock_path);
}

/* ---- opening and closing ------------------------------------------------------------------------------- */

static struct spool_file *named(const char *folder, const char *name)
{
	struct spool_file *f = mem_alloc(sizeof *f);

	(void)snprintf(f->path, sizeof f->path, "%s/%s.db", folder, name);
	(void)snprintf(f->lock_path, sizeof f->lock_path, "%s/%s.lock", folder, name);
	f->lock_fd = -1;
	(void)pthread_mutex_init(&f->lock, NULL);
	return f;
}

static void release(struct spool_file *f)
{
	sql_close(&f->sql);
	if (f->lock_fd >= 0)
		(void)close(f->lock_fd);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

static void count_waiting(struct spool_file *f, int64_t more)
{
	if (atomic_fetch_add(&f->waiting, more) == 0 && more > 0)
		f->since_ms = clock_mono_ms();
}

int64_t spool_file_waiting(struct spool_file *f)
{
	return atomic_load(&f->waiting);
}

static enum err open_rows(struct spool_file *f, struct why *why)
{
	static const char setup[] =
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000;"
	    "CREATE TABLE IF NOT EXISTS spool("
	    " seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, kind INTEGER NOT NULL,"
	    " text TEXT NOT NULL, coordinates TEXT NOT NULL, transport TEXT NOT NULL, client_phone TEXT NOT NULL,"
	    " channel_id INTEGER NOT NULL, event_ms INTEGER NOT NULL, arrived_ms INTEGER NOT NULL,"
	    " refused INTEGER NOT NULL DEFAULT 0)";
	enum err err = sql_open(&f->sql, f->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, CACHE_KIB, why);

	if (err != ERR_OK)
		return err;
	if (sqlite3_exec(f->sql.db, setup, NULL, NULL, NULL) != SQLITE_OK)
		return why_fail(why, ERR_IO, "cannot use %s: %s (free some space, or move the file away)", f->path,
		    sqlite3_errmsg(f->sql.db));
	count_waiting(f, sql_int(&f->sql, 0, "SELECT count(*) FROM spool WHERE refused=0", ""));
	f->refused = sql_int(&f->sql, 0, "SELECT count(*) FROM spool WHERE refused<>0", "");
	if (f->sql.err != ERR_OK)
		return why_fail(why, f->sql.err, "cannot read %s: %s (move the file away)", f->path, f->sql.text);
	return ERR_OK;
}

/* Between its making and its locking another process may look whether the lock is a dead one's. */
static enum err make_lock(struct spool_file *f, struct why *why)
{
	struct timespec moment = { 0, 10000000 };
	enum err err = ERR_IN_USE;

	for (int i = 0; i < LOCK_TRIES && err == ERR_IN_USE; i++) {
		if (i > 0)
			(void)nanosleep(&moment, NULL);
		err = take_lock(f, O_CREAT, why);
	}
	return err;
}

/* Its rows, if all went well before; else it is let go. */
static enum err opened(struct spool_file *f, enum err err, struct spool_file **ret, struct why *why)
{
	if (err == ERR_OK)
		err = open_rows(f, why);
	if (err != ERR_OK) {
		release(f);
		return err;
	}
	*ret = f;
	return ERR_OK;
}

enum err spool_file_make(const char *folder, const char *name, struct spool_file **ret, struct why *why)
{
	struct spool_file *f = named(folder, name);

	return opened(f, make_lock(f, why), ret, why);
}

enum err spool_file_adopt(const char *folder, const char *name, struct spool_file **ret, struct why *why)
{
	struct spool_file *f = named(folder, name);
	bool has_rows = access(f->path, F_OK) == 0;
	enum err err = take_lock(f, has_rows ? O_CREAT : 0, why);

	if (err == ERR_OK && access(f->path, F_OK) != 0) {
		remove_files(f);
		err = why_fail(why, ERR_NOT_FOUND, "%s is gone", f->path);
	}
	return opened(f, err, ret, why);
}

void spool_file_close(struct spool_file **file)
{
	struct spool_file *f = *file;

	if (f == NULL)
		return;
	sql_close(&f->sql);
	if (f->waiting + f->refused == 0)
		remove_files(f);
	release(f);
	*file = NULL;
}

/* ---- transactions -------------------------------------------------------------------------------------- */

static void begin(struct spool_file *f)
{
	(void)pthread_mutex_lock(&f->lock);
	sql_clear(&f->sql);
	(void)sql_run(&f->sql, "BEGIN IMMEDIATE", "");
}

/* Its outcome, with the lock held still: what memory counts follows only a commit. */
static enum err commit(struct spool_file *f)
{
	(void)sql_run(&f->sql, "COMMIT", "");
	if (f->sql.err != ERR_OK && sqlite3_get_autocommit(f->sql.db) == 0)
		(void)sqlite3_exec(f->sql.db, "ROLLBACK", NULL, NULL, NULL);
	return f->sql.err == ERR_FAILED ? ERR_IO : f->sql.err;
}

static void end(struct spool_file *f)
{
	(void)pthread_mutex_unlock(&f->lock);
}

static int64_t bytes_in_use(struct spool_file *f)
{
	return (sql_int(&f->sql, 0, "PRAGMA page_count", "") - sql_int(&f->sql, 0, "PRAGMA freelist_count", "")) *
	       sql_int(&f->sql, 0, "PRAGMA page_size", "");
}

/* ---- entering ------------------------------------------------------------------------------------------ */

static size_t bytes_of(const struct store_message *m)
{
	return ROW_BYTES + 2 * m->message_id.n + m->client_id.n + m->text.n + m->coordinates.n + m->transport.n +
	       m->client_phone.n;
}

static bool has_room(struct spool_file *f, const struct store_message *messages, size_t n, int64_t most_bytes)
{
	int64_t bytes = bytes_in_use(f);

	for (size_t i = 0; i < n; i++)
		bytes += (int64_t)bytes_of(&messages[i]);
	return bytes <= most_bytes;
}

static bool enter_one(struct sql *s, const struct store_message *m, int64_t arrived_ms)
{
	return sql_run(s,
		   "INSERT INTO spool(message_id, client_id, kind, text, coordinates, transport, client_phone, channel_id,"
		   " event_ms, arrived_ms) VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(message_id) DO NOTHING",
		   "ttittttiii", m->message_id, m->client_id, (int64_t)m->kind, m->text, m->coordinates, m->transport,
		   m->client_phone, m->channel_id, m->event_ms, arrived_ms) != 0;
}

enum err spool_file_enter(struct spool_file *f, const struct store_message *messages, size_t n, int64_t arrived_ms,
    int64_t most_bytes, enum store_added *ret)
{
	int64_t entered = 0;
	bool room;
	enum err err;

	begin(f);
	room = has_room(f, messages, n, most_bytes);
	for (size_t i = 0; i < n && room && f->sql.err == ERR_OK; i++) {
		ret[i] = enter_one(&f->sql, &messages[i], arrived_ms) ? STORE_ADDED : STORE_DUPLICATE;
		entered += ret[i] == STORE_ADDED;
	}
	err = commit(f);
	if (err == ERR_OK)
		count_waiting(f, entered);
	end(f);
	return err == ERR_OK && !room ? ERR_NO_SPACE : err;
}

/* ---- leaving ------------------------------------------------------------------------------------------- */

static size_t read_row(sqlite3_stmt *q, struct spool_batch *b, size_t at)
{
	struct store_message *m = &b->messages[at];
	struct arena *a = &b->arena;

	*m = (struct store_message){
		.place = sql_column_int(q, 0),
		.message_id = sql_column_copy(q, 1, a),
		.client_id = sql_column_copy(q, 2, a),
		.kind = (enum kind)sql_column_int(q, 3),
		.text = sql_column_copy(q, 4, a),
		.coordinates = sql_column_copy(q, 5, a),
		.transport = sql_column_copy(q, 6, a),
		.client_phone = sql_column_copy(q, 7, a),
		.channel_id = sql_column_int(q, 8),
		.event_ms = sql_column_int(q, 9),
	};
	b->arrived_ms[at] = m->arrived_ms = sql_column_int(q, 10);
	return bytes_of(m);
}

enum err spool_file_oldest(
    struct spool_file *f, enum spool_rows which, size_t most, size_t most_bytes, struct spool_batch *ret)
{
	sqlite3_stmt *q;
	size_t bytes = 0;
	enum err err;

	*ret = (struct spool_batch){ 0 };
	ret->messages = arena_alloc(&ret->arena, most * sizeof *ret->messages);
	ret->arrived_ms = arena_alloc(&ret->arena, most * sizeof *ret->arrived_ms);
	(void)pthread_mutex_lock(&f->lock);
	sql_clear(&f->sql);
	q = sql_query(&f->sql,
	    "SELECT seq, message_id, client_id, kind, text, coordinates, transport, client_phone, channel_id, event_ms,"
	    " arrived_ms FROM spool WHERE refused=? ORDER BY seq",
	    "i", (int64_t)which);
	while (ret->n < most && bytes < most_bytes && sql_row(&f->sql, q)) {
		bytes += read_row(q, ret, ret->n);
		ret->n++;
	}
	sql_done(q);
	err = f->sql.err;
	end(f);
	return err;
}

void spool_batch_free(struct spool_batch *batch)
{
	arena_free(&batch->arena);
	*batch = (struct spool_batch){ 0 };
}

enum err spool_file_forwarded(struct spool_file *f, enum spool_rows which, int64_t from, int64_t to)
{
	int64_t gone;
	enum err err;

	begin(f);
	gone = sql_run(
	    &f->sql, "DELETE FROM spool WHERE seq BETWEEN ? AND ? AND refused=?", "iii", from, to, (int64_t)which);
	err = commit(f);
	if (err == ERR_OK && which == SPOOL_WAITING)
		count_waiting(f, -gone);
	else if (err == ERR_OK)
		f->refused -= gone;
	end(f);
	return err;
}

enum err spool_file_refuse(struct spool_file *f, int64_t place)
{
	int64_t changed;
	enum err err;

	begin(f);
	changed = sql_run(&f->sql, "UPDATE spool SET refused=1 WHERE seq=? AND refused=0", "i", place);
	err = commit(f);
	if (err == ERR_OK) {
		count_waiting(f, -changed);
		f->refused += changed;
	}
	end(f);
	return err;
}

/* ---- figures ------------------------------------------------------------------------------------------- */

void spool_file_figures(struct spool_file *f, struct spool_figures *ret)
{
	(void)pthread_mutex_lock(&f->lock);
	sql_clear(&f->sql);
	*ret = (struct spool_figures){
		.waiting = f->waiting,
		.refused = f->refused,
		.bytes = bytes_in_use(f),
	};
	if (ret->waiting > 0) {
		ret->oldest_ms = sql_int(
		    &f->sql, 0, "SELECT arrived_ms FROM spool WHERE refused=0 ORDER BY seq LIMIT 1", "");
		ret->waiting_ms = clock_mono_ms() - f->since_ms;
	}
	end(f);
}

void spool_file_shrink(struct spool_file *f)
{
	(void)pthread_mutex_lock(&f->lock);
	sql_clear(&f->sql);
	if (f->waiting + f->refused == 0 && sql_int(&f->sql, 0, "PRAGMA freelist_count", "") >= SHRINK_PAGES) {
		(void)sqlite3_exec(f->sql.db, "VACUUM", NULL, NULL, NULL);
		(void)sqlite3_wal_checkpoint_v2(f->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	end(f);
}
