/* seen.c - the message ids of the last days: the insert that says whether one is new, and their end.
 *
 * Two tables. Chat2Desk's ids are numbers that mostly ascend: as numbers they are short, and the newest stand at the end of
 * their table, so that a batch writes one page of it. Every other id, "007" too, is a text. */
#include "store/embedded/embedded.h"

enum { NUMBERS, OTHERS };  /* the tables, and their places in embedded.looked_to */
enum { LOOK_ROWS = 1000 }; /* ids of a table looked at in one job: a few milliseconds */

/* The end of a stretch comes as text of either table. */
static const struct {
	const char *stretch, *remove;
} tables[SEEN_TABLES] = {
	[NUMBERS] = { "SELECT max(message_id), count(*) FROM"
		      " (SELECT message_id FROM seen_numbers WHERE message_id>CAST(? AS INTEGER) ORDER BY message_id LIMIT ?)",
	    "DELETE FROM seen_numbers WHERE message_id>CAST(? AS INTEGER) AND message_id<=CAST(? AS INTEGER)"
	    " AND seen_at NOT BETWEEN ? AND ?" },
	[OTHERS] = { "SELECT max(message_id), count(*) FROM (SELECT message_id FROM seen WHERE message_id>? ORDER BY message_id LIMIT ?)",
	    "DELETE FROM seen WHERE message_id>? AND message_id<=? AND seen_at NOT BETWEEN ? AND ?" },
};

static bool is_number(struct slice id, int64_t *ret)
{
	return id.n > 0 && id.p[0] >= '1' && id.p[0] <= '9' && slice_to_int64(id, ret);
}

bool seen_is_new(struct sql *s, struct slice message_id, int64_t now)
{
	int64_t number;

	if (is_number(message_id, &number))
		return sql_run(s,
			   "INSERT INTO seen_numbers(message_id, seen_at) VALUES(?,?) ON CONFLICT(message_id) DO NOTHING",
			   "ii", number, now) != 0;
	return sql_run(s, "INSERT INTO seen(message_id, seen_at) VALUES(?,?) ON CONFLICT(message_id) DO NOTHING", "ti",
		   message_id, now) != 0;
}

static struct slice stretch_of(struct sql *s, const char *text, struct slice from, struct arena *a)
{
	sqlite3_stmt *q = sql_query(s, text, "ti", from, (int64_t)LOOK_ROWS);
	struct slice to = SLICE_NONE;

	if (sql_row(s, q)) {
		if (sql_column_int(q, 1) > 0)
			to = sql_column_copy(q, 0, a);
		sql_done(q);
	}
	return to;
}

struct slice seen_stretch(struct sql *s, struct slice from, struct arena *a)
{
	return stretch_of(s, tables[OTHERS].stretch, from, a);
}

/* Removes what is old of the stretch behind *from, and moves *from to its end; behind the last it is empty again. */
static int64_t prune_stretch(struct embedded *e, size_t table, struct buf *from, int64_t now)
{
	struct arena a = { 0 };
	struct slice to = stretch_of(&e->writer, tables[table].stretch, buf_as_slice(from), &a);
	int64_t removed = 0;

	if (to.p != NULL)
		removed = sql_run(
		    &e->writer, tables[table].remove, "ttii", buf_as_slice(from), to, now - e->dedup, now + e->dedup);
	buf_reset(from);
	if (to.p != NULL)
		buf_slice(from, to);
	arena_free(&a);
	return removed;
}

/* The first stretch of the numbers, each time: mostly they ascend, so the old ones stand there and go as fast as new ones come,
 * where a walk round the table would meet ever more young ones. */
static int64_t prune_first(struct embedded *e, int64_t now)
{
	struct buf start = { 0 };
	int64_t removed = prune_stretch(e, NUMBERS, &start, now);

	buf_free(&start);
	return removed;
}

/* Stretch after stretch round each table, which has no index by time. An id as far in the future as old ones are in the past
 * was written by a clock that was wrong. */
int64_t seen_prune(struct embedded *e, int64_t now)
{
	int64_t removed = prune_first(e, now);

	for (size_t table = 0; table < SEEN_TABLES; table++)
		removed += prune_stretch(e, table, &e->looked_to[table], now);
	return removed;
}
