/* schema.c - the numbered migrations of the embedded store; a number once released is never changed.
 *
 * What each table is for and which crash leaves what behind: docs/architecture.md, "The embedded store".
 * Times are wall ms UTC in columns named _at of our own tables; the tables that shops query (orders,
 * message_logs, dialog_outcomes) keep the predecessor's names and columns with times as RFC 3339 text. */
#include "store/embedded/embedded.h"

#include <inttypes.h>
#include <stdio.h>

static const char first[] =
    /* One row: the next place in the order of arrival, and the last offsets of Chat2Desk's clock to ours. */
    "CREATE TABLE intake("
    " one INTEGER PRIMARY KEY CHECK(one=1), next_seq INTEGER NOT NULL, last_at INTEGER NOT NULL, clock_offset INTEGER NOT NULL,"
    " offsets BLOB NOT NULL);"
    "INSERT INTO intake VALUES(1, 1, 0, 0, x'');"

    /* Message ids of the last days: the atomic insert that makes a duplicate one. */
    "CREATE TABLE seen(message_id TEXT PRIMARY KEY, seen_at INTEGER NOT NULL) WITHOUT ROWID;"

    /* Accepted messages whose turn is not finished, appended in the order of arrival. */
    "CREATE TABLE messages("
    " seq INTEGER PRIMARY KEY, client_id TEXT NOT NULL, message_id TEXT NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL,"
    " coordinates TEXT NOT NULL, transport TEXT NOT NULL, client_phone TEXT NOT NULL, channel_id INTEGER NOT NULL,"
    " event_at INTEGER NOT NULL, arrived_at INTEGER NOT NULL, said_at INTEGER NOT NULL, arrived_us INTEGER NOT NULL,"
    " late INTEGER NOT NULL, forced INTEGER NOT NULL);"
    "CREATE INDEX messages_client ON messages(client_id);" /* and by it in their order */

    /* A client's lane with the dialog it is in. due_at: when the lane wants a worker (free with messages, backing
     * off), or when its turn's lease ends (in turn); NULL when neither. */
    "CREATE TABLE lanes("
    " client_id TEXT PRIMARY KEY, state INTEGER NOT NULL, due_at INTEGER, check_at INTEGER NOT NULL,"
    " waiting INTEGER NOT NULL DEFAULT 0, waiting_since INTEGER, expire INTEGER NOT NULL DEFAULT 0,"
    " owner INTEGER, lease INTEGER, held INTEGER NOT NULL DEFAULT 0, held_to INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, alone INTEGER NOT NULL DEFAULT 0,"
    " apart_to INTEGER NOT NULL DEFAULT 0, turns INTEGER NOT NULL DEFAULT 0, reply_id TEXT,"
    " dialog TEXT NOT NULL DEFAULT '', dialog_id TEXT NOT NULL DEFAULT '', question TEXT NOT NULL DEFAULT '',"
    " shown_at INTEGER, last_event_at INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL, order_id INTEGER) WITHOUT ROWID;"
    "CREATE INDEX lanes_due ON lanes(due_at) WHERE due_at IS NOT NULL AND state<>1;"
    "CREATE INDEX lanes_check ON lanes(check_at);"

    "CREATE TABLE profiles(client_id TEXT PRIMARY KEY, profile TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;"

    /* Replies not yet accepted by Chat2Desk. state: 0 waiting, 1 claimed (due_at: the claim's lease ends),
     * 2 parked until the lane is free (a dead letter retried). */
    "CREATE TABLE outbox("
    " reply_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, state INTEGER NOT NULL, due_at INTEGER, owner INTEGER, lease INTEGER,"
    " text TEXT NOT NULL, transport TEXT NOT NULL, channel_id INTEGER NOT NULL, dialog_id TEXT NOT NULL, question TEXT NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, doubtful INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    " arrived_us INTEGER NOT NULL, message_id TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE INDEX outbox_due ON outbox(due_at) WHERE state=0;"
    "CREATE INDEX outbox_parked ON outbox(client_id) WHERE state=2;"

    /* API calls per quarter of a second: the sliding window of the rate limit. */
    "CREATE TABLE rate(bucket INTEGER PRIMARY KEY, calls INTEGER NOT NULL);"

    "CREATE TABLE dead_letters("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, client_id TEXT NOT NULL, ref TEXT NOT NULL,"
    " dialog_id TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL, transport TEXT NOT NULL,"
    " channel_id INTEGER NOT NULL, created_at INTEGER NOT NULL, died_at INTEGER NOT NULL, question TEXT NOT NULL DEFAULT '',"
    " message_kind INTEGER NOT NULL DEFAULT 0, coordinates TEXT NOT NULL DEFAULT '', client_phone TEXT NOT NULL DEFAULT '',"
    " event_at INTEGER NOT NULL DEFAULT 0, said_at INTEGER NOT NULL DEFAULT 0, doubtful INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX dead_letters_client ON dead_letters(client_id);"

    "CREATE TABLE orders("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, client_phone TEXT NOT NULL, delivery_address TEXT NOT NULL,"
    " quantity INTEGER NOT NULL CHECK(quantity >= 0), source TEXT NOT NULL DEFAULT 'chat2desk_bot',"
    " chat2desk_client_id TEXT, status TEXT NOT NULL DEFAULT 'new' CHECK(status IN('new','processing','completed','cancelled')),"
    " created_at TEXT NOT NULL, updated_at TEXT NOT NULL, dialog_id TEXT NOT NULL UNIQUE, fields TEXT NOT NULL DEFAULT '{}');"
    "CREATE INDEX idx_orders_status ON orders(status);"
    "CREATE INDEX idx_orders_chat2desk_client_id ON orders(chat2desk_client_id);"

    "CREATE TABLE message_logs("
    " id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, message_id TEXT NOT NULL UNIQUE, text TEXT NOT NULL,"
    " dialog_state TEXT, timestamp INTEGER NOT NULL, success INTEGER NOT NULL DEFAULT 1, error_reason TEXT,"
    " created_at TEXT NOT NULL);"

    "CREATE TABLE dialog_outcomes("
    " id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, completed INTEGER NOT NULL, dropoff_state TEXT,"
    " total_messages INTEGER NOT NULL, duration_seconds INTEGER NOT NULL, created_at TEXT NOT NULL, dialog_id TEXT NOT NULL UNIQUE);"
    "CREATE INDEX idx_dialog_outcomes_created_at ON dialog_outcomes(created_at);";

/* A lane knows its first and last message, and each message the next one of its lane: an index by client would
 * touch a page of its own with nearly every message. */
static const char second[] =
    "ALTER TABLE messages ADD COLUMN next INTEGER NOT NULL DEFAULT 0;" /* the last one of a lane names itself */
    "ALTER TABLE lanes ADD COLUMN first INTEGER NOT NULL DEFAULT 0;"   /* 0: none waits */
    "ALTER TABLE lanes ADD COLUMN last INTEGER NOT NULL DEFAULT 0;"
    "UPDATE messages SET next=ifnull((SELECT min(n.seq) FROM messages n"
    " WHERE n.client_id=messages.client_id AND n.seq>messages.seq), seq);"
    "UPDATE lanes SET first=ifnull((SELECT min(seq) FROM messages m WHERE m.client_id=lanes.client_id), 0),"
    " last=ifnull((SELECT max(seq) FROM messages m WHERE m.client_id=lanes.client_id), 0);"
    "DROP INDEX messages_client;"
    "DROP INDEX outbox_parked;" /* and in the order in which they are spoken, so that nothing is sorted */
    "CREATE INDEX outbox_parked ON outbox(client_id, created_at) WHERE state=2;";

/* As is_number() of seen.c has it: a positive 64-bit integer as one writes it. */
#define IS_NUMBER                                                                                                      \
	"message_id GLOB '[1-9]*' AND message_id NOT GLOB '*[^0-9]*'"                                                  \
	" AND CAST(CAST(message_id AS INTEGER) AS TEXT)=message_id"

/* Intake writes fewer pages, and shorter rows: a lane's row, which each message changes, is without the dialog, which only
 * turns change; ids that are numbers stand in their order, the newest in the last page; and that a message is followed by another
 * of its lane is a row of its own, where it was a change of a whole message. */
static const char third[] =
    /* The state of each open dialog. */
    "CREATE TABLE dialogs(client_id TEXT PRIMARY KEY, dialog TEXT NOT NULL) WITHOUT ROWID;"
    "INSERT INTO dialogs SELECT client_id, dialog FROM lanes WHERE dialog<>'';"
    "ALTER TABLE lanes ADD COLUMN open INTEGER NOT NULL DEFAULT 0;" /* has a row in dialogs */
    "UPDATE lanes SET open=1 WHERE dialog<>'';"
    "ALTER TABLE lanes DROP COLUMN dialog;"
    "ALTER TABLE lanes DROP COLUMN turns;" /* nobody ever asked */
    "CREATE TABLE followed(seq INTEGER PRIMARY KEY, next INTEGER NOT NULL);"
    "INSERT INTO followed SELECT seq, next FROM messages WHERE next<>seq;"
    "ALTER TABLE messages DROP COLUMN next;"
    "CREATE TABLE seen_numbers(message_id INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL);";

/* Intake appends, and leaves it to a later step to let messages enter their lanes. What each step of a lane changes is a short row
 * found by a number; the dialog has a row beside it from the lane's first message to its last. */
static const char fourth[] =
    "ALTER TABLE intake ADD COLUMN entered INTEGER NOT NULL DEFAULT 0;" /* the first place that has not entered its lane */
    "UPDATE intake SET entered=next_seq;"
    "ALTER TABLE lanes RENAME TO old_lanes;"
    "ALTER TABLE dialogs RENAME TO old_dialogs;"
    "DROP INDEX lanes_due; DROP INDEX lanes_check;"
    "CREATE TABLE lanes("
    " lane INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, due_at INTEGER,"
    " waiting INTEGER NOT NULL DEFAULT 0, first INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0, waiting_since INTEGER,"
    " owner INTEGER, lease INTEGER, held INTEGER NOT NULL DEFAULT 0, held_to INTEGER NOT NULL DEFAULT 0, shown_at INTEGER,"
    " last_at INTEGER NOT NULL, open INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
    " crashes INTEGER NOT NULL DEFAULT 0, alone INTEGER NOT NULL DEFAULT 0, apart_to INTEGER NOT NULL DEFAULT 0,"
    " expire INTEGER NOT NULL DEFAULT 0, order_id INTEGER, check_at INTEGER NOT NULL);"
    "INSERT INTO lanes(client_id, state, due_at, waiting, first, last, waiting_since, owner, lease, held, held_to, shown_at, last_at,"
    " open, attempts, crashes, alone, apart_to, expire, order_id, check_at)"
    " SELECT client_id, state, due_at, waiting, first, last, waiting_since, owner, lease, held, held_to, shown_at, last_at,"
    " open, attempts, crashes, alone, apart_to, expire, order_id, check_at FROM old_lanes;"
    "CREATE INDEX lanes_due ON lanes(due_at) WHERE due_at IS NOT NULL AND state<>1;"
    "CREATE INDEX lanes_check ON lanes(check_at);"
    /* reply_id: of the reply that a speaking lane speaks; what it holds else means nothing. */
    "CREATE TABLE dialogs("
    " lane INTEGER PRIMARY KEY, reply_id TEXT NOT NULL DEFAULT '', dialog TEXT NOT NULL DEFAULT '',"
    " dialog_id TEXT NOT NULL DEFAULT '', question TEXT NOT NULL DEFAULT '', last_event_at INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO dialogs SELECT lane, ifnull(reply_id,''), ifnull(dialog,''), dialog_id, question, last_event_at"
    " FROM lanes JOIN old_lanes USING(client_id) LEFT JOIN old_dialogs USING(client_id);"
    "DROP TABLE old_lanes; DROP TABLE old_dialogs;";

#define STRETCH " FROM seen WHERE message_id>?1 AND message_id<=?2 AND " IS_NUMBER

/* Stretch after stretch, so that neither the memory that SQLite needs nor the file grows with the number of ids. */
static void move_numbers(struct sql *s)
{
	struct slice from = SLICE(""), to;
	struct arena a = { 0 };

	while ((to = seen_stretch(s, from, &a)).p != NULL) {
		(void)sql_run(
		    s, "INSERT INTO seen_numbers SELECT CAST(message_id AS INTEGER), seen_at" STRETCH, "tt", from, to);
		(void)sql_run(s, "DELETE" STRETCH, "tt", from, to);
		from = to;
	}
	arena_free(&a);
}

static const struct {
	const char *text;
	void (*then)(struct sql *s); /* NULL: that was all */
} migrations[] = { { first, NULL }, { second, NULL }, { third, move_numbers }, { fourth, NULL } };

static enum err apply(struct sql *s, int number, struct why *why)
{
	char version[48];
	bool ok = sqlite3_exec(s->db, migrations[number - 1].text, NULL, NULL, NULL) == SQLITE_OK;

	if (ok && migrations[number - 1].then != NULL) {
		migrations[number - 1].then(s);
		ok = s->err == ERR_OK;
	}
	(void)snprintf(version, sizeof version, "PRAGMA user_version=%d", number);
	if (ok && sqlite3_exec(s->db, version, NULL, NULL, NULL) == SQLITE_OK)
		return ERR_OK;
	if (sqlite3_errcode(s->db) == SQLITE_FULL || s->err == ERR_NO_SPACE)
		return why_fail(why, ERR_NO_SPACE,
		    "migration %d of the database failed: %s. Free as much space on its disk as the file takes", number,
		    sqlite3_errmsg(s->db));
	return why_fail(why, ERR_IO, "migration %d of the database failed: %s", number, sqlite3_errmsg(s->db));
}

enum err embedded_migrate(struct sql *s, struct why *why)
{
	int known = (int)COUNT_OF(migrations), version;
	enum err e = ERR_OK;

	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return why_fail(why, ERR_IO, "cannot write the database: %s", sqlite3_errmsg(s->db));
	version = (int)sql_int(s, 0, "PRAGMA user_version", "");
	if (version > known)
		e = why_fail(why, ERR_NEWER_VERSION,
		    "the database has version %d, this chat2order knows up to %d: run the newer chat2order that wrote it, "
		    "or restore the backup made before the upgrade",
		    version, known);
	while (e == ERR_OK && version < known)
		e = apply(s, ++version, why);
	(void)sqlite3_exec(s->db, e == ERR_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
	return e;
}

enum err embedded_version_fits(struct sql *s, struct why *why)
{
	int64_t version = sql_int(s, -1, "PRAGMA user_version", "");

	if (version == (int64_t)COUNT_OF(migrations))
		return ERR_OK;
	if (s->err != ERR_OK)
		return why_fail(why, s->err, "cannot read the database: %s", s->text);
	return why_fail(why, ERR_NEWER_VERSION,
	    "the database has version %" PRId64 ", this command expects %zu: use the same chat2order as the service",
	    version, COUNT_OF(migrations));
}
