/* test_embedded.c - what only the embedded store has: a folder, a file in it, and a limit to its size. */
#include "base/clock.h"
#include "fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_refused(struct fixture *f, enum store_role role, enum err wanted, const char *part_of_why)
{
	struct store *s = NULL;
	struct why why = { 0 };

	CHECK_INT(store_open(&f->settings, role, &s, &why), wanted);
	CHECK(s == NULL);
	if (strstr(why.text, part_of_why) == NULL)
		check_failed(__FILE__, __LINE__, why.text);
}

static const char *path_of(struct fixture *f, const char *name)
{
	char *path = arena_alloc(&f->arena, FOLDER_SIZE + 64);

	(void)snprintf(path, FOLDER_SIZE + 64, "%s/%s", f->folder, name);
	return path;
}

static void move_to(struct fixture *f, const char *folder)
{
	fixture_close(f);
	f->settings.data_dir = path_of(f, folder);
}

static void test_second_service(void **state)
{
	struct fixture *f = *state;
	char pid[16];

	(void)snprintf(pid, sizeof pid, "%d", (int)getpid());
	check_refused(f, STORE_SERVICE, ERR_IN_USE, f->folder);
	check_refused(f, STORE_SERVICE, ERR_IN_USE, pid);
	add_new(f, "a", "1");
	fixture_reopen(f);
}

static void test_nothing_beside(void **state)
{
	struct fixture *f = *state;

	move_to(f, "elsewhere");
	check_refused(f, STORE_BESIDE, ERR_NOT_FOUND, "elsewhere");
	CHECK(access(f->settings.data_dir, F_OK) != 0);
}

static void test_makes_its_folder(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	move_to(f, "a/b/c");
	fixture_open(f);
	CHECK(stat(f->settings.data_dir, &st) == 0 && (st.st_mode & 077) == 0);
	CHECK(stat(path_of(f, "a/b/c/chat2order.db"), &st) == 0 && S_ISREG(st.st_mode));
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_folder_in_place_of_file(void **state)
{
	struct fixture *f = *state;

	move_to(f, "b");
	CHECK(mkdir(f->settings.data_dir, 0700) == 0 && mkdir(path_of(f, "b/chat2order.db"), 0700) == 0);
	check_refused(f, STORE_SERVICE, ERR_IO, "is not a file");
	check_refused(f, STORE_BESIDE, ERR_IO, "is not a file");
	CHECK(rmdir(path_of(f, "b/chat2order.db")) == 0);
	fixture_open(f);
}

static void test_file_in_place_of_folder(void **state)
{
	struct fixture *f = *state;

	move_to(f, "b");
	put_file(f->settings.data_dir, "a file");
	check_refused(f, STORE_SERVICE, ERR_IO, f->settings.data_dir);
}

static void test_no_database(void **state)
{
	struct fixture *f = *state;

	move_to(f, "b");
	CHECK(mkdir(f->settings.data_dir, 0700) == 0);
	put_file(path_of(f, "b/chat2order.db"), "this is a text, long enough to be no empty database file at all\n"
						"this is a text, long enough to be no empty database file at all\n");
	check_refused(f, STORE_SERVICE, ERR_IO, "chat2order.db");
	check_refused(f, STORE_SERVICE, ERR_IO, "not a database");
}

static void run_sql(struct fixture *f, const char *text)
{
	sqlite3 *db = NULL;

	CHECK(sqlite3_open(path_of(f, "chat2order.db"), &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
	CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void test_newer_version(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	fixture_close(f);
	run_sql(f, "PRAGMA user_version=999");
	check_refused(f, STORE_SERVICE, ERR_NEWER_VERSION, "999");
	check_refused(f, STORE_BESIDE, ERR_NEWER_VERSION, "999");
	run_sql(f, "PRAGMA user_version=4");
	fixture_open(f);
	check_messages(take_from(f, "a"), "1");
}

/* ---- what former versions wrote ---- */

#define LANE_COLUMNS                                                                                                      \
	"state, due_at, check_at, waiting, waiting_since, expire, owner, lease, held, held_to, attempts, crashes, alone," \
	" apart_to, shown_at, last_at, order_id, first, last, open, reply_id, dialog_id, question, last_event_at"
#define BACK_TO_THIRD                                                                                                       \
	"CREATE TABLE old(client_id TEXT PRIMARY KEY, state INTEGER NOT NULL, due_at INTEGER, check_at INTEGER NOT NULL,"   \
	" waiting INTEGER NOT NULL, waiting_since INTEGER, expire INTEGER NOT NULL, owner INTEGER, lease INTEGER,"          \
	" held INTEGER NOT NULL, held_to INTEGER NOT NULL, attempts INTEGER NOT NULL, crashes INTEGER NOT NULL,"            \
	" alone INTEGER NOT NULL, apart_to INTEGER NOT NULL, shown_at INTEGER, last_at INTEGER NOT NULL, order_id INTEGER," \
	" first INTEGER NOT NULL, last INTEGER NOT NULL, open INTEGER NOT NULL, reply_id TEXT, dialog_id TEXT NOT NULL,"    \
	" question TEXT NOT NULL, last_event_at INTEGER NOT NULL) WITHOUT ROWID;"                                           \
	"INSERT INTO old(client_id, " LANE_COLUMNS ") SELECT client_id, " LANE_COLUMNS                                      \
	" FROM lanes JOIN dialogs USING(lane);"                                                                             \
	"CREATE TABLE old_dialogs(client_id TEXT PRIMARY KEY, dialog TEXT NOT NULL) WITHOUT ROWID;"                         \
	"INSERT INTO old_dialogs SELECT client_id, dialog FROM dialogs JOIN lanes USING(lane) WHERE open;"                  \
	"DROP TABLE lanes; ALTER TABLE old RENAME TO lanes; DROP TABLE dialogs; ALTER TABLE old_dialogs RENAME TO dialogs;" \
	"CREATE INDEX lanes_due ON lanes(due_at) WHERE due_at IS NOT NULL AND state<>1;"                                    \
	"CREATE INDEX lanes_check ON lanes(check_at);"                                                                      \
	"ALTER TABLE intake DROP COLUMN entered; PRAGMA user_version=3;"
#define BACK_TO_SECOND                                                                                                 \
	BACK_TO_THIRD                                                                                                  \
	"ALTER TABLE lanes ADD COLUMN dialog TEXT NOT NULL DEFAULT '';"                                                \
	"UPDATE lanes SET dialog=ifnull((SELECT dialog FROM dialogs d WHERE d.client_id=lanes.client_id), '');"        \
	"ALTER TABLE lanes DROP COLUMN open; ALTER TABLE lanes ADD COLUMN turns INTEGER NOT NULL DEFAULT 0;"           \
	"DROP TABLE dialogs;"                                                                                          \
	"ALTER TABLE messages ADD COLUMN next INTEGER NOT NULL DEFAULT 0;"                                             \
	"UPDATE messages SET next=ifnull((SELECT f.next FROM followed f WHERE f.seq=messages.seq), seq);"              \
	"DROP TABLE followed;"                                                                                         \
	"INSERT INTO seen SELECT CAST(message_id AS TEXT), seen_at FROM seen_numbers; DROP TABLE seen_numbers;"        \
	"PRAGMA user_version=2;"

/* Former versions had every message in its lane: here a claim lets the last ones enter. */
static void close_entered(struct fixture *f)
{
	claim_none(f);
	fixture_close(f);
}

/* Messages that waited under the first version, without a chain through their lanes, are chained in their order. */
static void test_first_version(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	add_new(f, "b", "2");
	add_new(f, "a", "3");
	add_new(f, "a", "4");
	close_entered(f);
	run_sql(f, BACK_TO_SECOND
	    "ALTER TABLE messages DROP COLUMN next; ALTER TABLE lanes DROP COLUMN first; ALTER TABLE lanes DROP COLUMN last;"
	    "CREATE INDEX messages_client ON messages(client_id); PRAGMA user_version=1");
	fixture_open(f);
	add_new(f, "b", "5");
	check_messages(take_from(f, "a"), "1 3 4");
	check_messages(take_from(f, "b"), "2 5");
}

/* Messages keep their order; dialogs that were open go on, those that were not begin; ids stay known, numbers as numbers and others as texts. */
static void test_second_version(void **state)
{
	static const char *const ids[] = { "1", "01", "x", "9223372036854775807", "9223372036854775808" };
	struct fixture *f = *state;
	const struct store_turn *turn;

	for (size_t i = 0; i < COUNT_OF(ids); i++)
		add_new(f, "a", ids[i]);
	add_new(f, "b", "2");
	FINISH(f, take_from(f, "a"), .dialog = "open", .dialog_id = "d");
	FINISH(f, take_from(f, "b"), .dialog = "", .dialog_id = "");
	add_new(f, "a", "3");
	add_new(f, "a", "4");
	close_entered(f);
	run_sql(f, BACK_TO_SECOND);
	fixture_open(f);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		CHECK_INT(add(f, "a", ids[i]), STORE_DUPLICATE);
	CHECK_INT(counts(f).dialogs_open, 1);
	add_new(f, "a", "5");
	add_new(f, "b", "6");
	turn = take_from(f, "a");
	CHECK(slice_eq(turn->dialog, SLICE("open")));
	check_messages(turn, "3 4 5");
	CHECK_INT(take_from(f, "b")->dialog.n, 0);
}

/* A lane that speaks, with its question, its reply and what waits behind, goes on; one in turn is free again. */
static void test_third_version(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	FINISH(f, take_from(f, "a"), .dialog = "open", .dialog_id = "d", .question = "q", .reply = "what?",
	    .last_event_ms = 77);
	add_new(f, "a", "2");
	add_new(f, "a", "3");
	add_new(f, "b", "4");
	(void)take_from(f, "b");
	fixture_close(f);
	run_sql(f, BACK_TO_THIRD);
	fixture_open(f);
	turn = take_from(f, "b");
	CHECK(turn->alone);
	FINISH(f, turn, .dialog = "");
	take_none(f);
	accepted(f, claim_one(f), clock_wall_ms());
	turn = take_from(f, "a");
	check_messages(turn, "2 3");
	CHECK(slice_eq(turn->dialog, SLICE("open")) && slice_eq(turn->dialog_id, SLICE("d")));
	CHECK(turn->shown_ms > 0);
	CHECK_INT(turn->last_event_ms, 77);
}

/* A migration needs little more room than the file has, though every id moves. */
static void test_second_version_in_little_room(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	close_entered(f);
	run_sql(f, BACK_TO_SECOND
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20000)"
	    " INSERT INTO seen SELECT CAST(1795445413954000+i AS TEXT), 1000*strftime('%s','now') FROM n");
	f->settings.store_max_mb = 1;
	fixture_open(f);
	CHECK_INT(add(f, "a", "1795445413974000"), STORE_DUPLICATE);
	CHECK_INT(add(f, "a", "1795445413954001"), STORE_DUPLICATE);
	add_new(f, "a", "1795445413974001");
	check_messages(take_from(f, "a"), "1 1795445413974001");
}

/* The keeper mends times while a turn is held, when the clock was set back: its finish must not bring back the old one. */
static void test_mended_while_held(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	FINISH(f, take_from(f, "a"), .dialog = "open", .dialog_id = "d", .question = "q", .reply = "what?");
	accepted(f, claim_one(f), clock_wall_ms());
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	CHECK(turn->shown_ms > 1000);
	run_sql(f, "UPDATE lanes SET shown_at=1000");
	FINISH(f, turn, .dialog = "open", .dialog_id = "d", .question = "q");
	add_new(f, "a", "3");
	CHECK_INT(take_from(f, "a")->shown_ms, 1000);
}

/* ---- counting ---- */

enum { MANY_LANES = 200000 };

/* With so many lanes a count may be a little old, but never wrong for long, and intake does not wait for it. */
static void test_many_lanes(void **state)
{
	struct fixture *f = *state;
	struct store_counts counted;

	add_new(f, "a", "1");
	run_sql(f,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200000)"
	    " INSERT INTO lanes(client_id, state, check_at, last_at, open) SELECT 'c'||i, 0, 1<<60, 1, 1 FROM n");
	counted = counts(f);
	CHECK_INT(counted.dialogs_open, MANY_LANES);
	CHECK_INT(counted.waiting, 1);
	add_new(f, "a", "2");
	while (counted.waiting < 2)
		counted = counts(f);
	CHECK_INT(counted.dialogs_open, MANY_LANES);
}

/* ---- pruning ---- */

enum { IDS = 2500 };

static int64_t ids_kept(struct fixture *f)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	int64_t n;

	CHECK(sqlite3_open(path_of(f, "chat2order.db"), &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, "SELECT (SELECT count(*) FROM seen)+(SELECT count(*) FROM seen_numbers)", -1, &q,
		  NULL) == SQLITE_OK);
	CHECK(sqlite3_step(q) == SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	CHECK(sqlite3_finalize(q) == SQLITE_OK);
	CHECK(sqlite3_close(db) == SQLITE_OK);
	return n;
}

/* Ids older than DEDUP_DAYS go, the others stay: every other one is made old, over more than one stretch. Those that are
 * numbers and those that are not stand in tables of their own. */
static void test_old_ids_go(void **state)
{
	struct fixture *f = *state;
	struct store_kept kept;
	char id[16];

	for (int i = 0; i < IDS; i++) {
		(void)snprintf(id, sizeof id, "%05d", i);
		add_new(f, "a", id);
		(void)snprintf(id, sizeof id, "1%05d", i);
		add_new(f, "a", id);
	}
	run_sql(f, "UPDATE seen SET seen_at=seen_at-8*86400000 WHERE message_id%2=0;"
		   "UPDATE seen_numbers SET seen_at=seen_at-8*86400000 WHERE message_id%2=0");
	for (int round = 0; round < 10 && ids_kept(f) > IDS; round++)
		CHECK_INT(store_keep(f->s, &kept), ERR_OK);
	CHECK_INT(ids_kept(f), IDS);
	CHECK_INT(add(f, "a", "00001"), STORE_DUPLICATE);
	CHECK_INT(add(f, "a", "00002"), STORE_ADDED);
	CHECK_INT(add(f, "a", "100001"), STORE_DUPLICATE);
	CHECK_INT(add(f, "a", "100002"), STORE_ADDED);
}

/* However far the walk round the table is: the first ids are the oldest, and go at once. */
static void test_oldest_ids_go_first(void **state)
{
	enum { OLD = 500 };
	struct fixture *f = *state;
	struct store_kept kept;
	char id[16];

	for (int i = 1; i <= IDS; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		add_new(f, "a", id);
	}
	CHECK_INT(store_keep(f->s, &kept), ERR_OK);
	run_sql(f, "UPDATE seen_numbers SET seen_at=seen_at-8*86400000 WHERE message_id<=500");
	CHECK_INT(store_keep(f->s, &kept), ERR_OK);
	CHECK_INT(ids_kept(f), IDS - OLD);
}

/* ---- no space ---- */

static enum err keep(struct fixture *f)
{
	struct store_kept kept;

	CHECK_INT(store_keep(f->s, &kept), ERR_OK);
	CHECK(kept.writable == ERR_OK || kept.why.text[0] != '\0');
	return kept.writable;
}

enum { LONG_TEXT = 3000 };

static char *text_of(struct fixture *f, size_t length)
{
	char *text = arena_alloc(&f->arena, length + 1);

	memset(text, 'x', length);
	return text;
}

/* Adds messages of this length to the client's lane (NULL: each to one of its own) until one is refused; how many were accepted. */
static size_t fill_with(struct fixture *f, const char *client, size_t length, bool with_keeper)
{
	const char *text = text_of(f, length);

	for (size_t n = 0; n < 100000; n++) {
		char id[48];
		struct store_message m;
		enum store_added added;
		enum err err;

		(void)snprintf(id, sizeof id, "%s %zu", client != NULL ? client : "", n);
		m = message(client != NULL ? client : id, id, text);
		if (with_keeper)
			(void)keep(f);
		err = store_add(f->s, &m, 1, &added);
		if (err == ERR_NO_SPACE)
			return n;
		CHECK_INT(err, ERR_OK);
		CHECK_INT(added, STORE_ADDED);
	}
	check_failed(__FILE__, __LINE__, "the store is full at last");
	return 0;
}

static size_t fill(struct fixture *f, const char *client, bool with_keeper)
{
	return fill_with(f, client, LONG_TEXT, with_keeper);
}

static void limit_size(struct fixture *f, int64_t mb)
{
	f->settings.store_max_mb = mb;
	fixture_reopen(f);
}

static void finish_all(struct fixture *f, size_t messages)
{
	size_t n = 0;

	while (n < messages) {
		const struct store_turn *turn = take_one(f);

		n += turn->n_messages;
		FINISH(f, turn, .dialog = "state", .dialog_id = "d", .profile = "lang=en");
	}
	CHECK_INT(n, messages);
}

static void check_full(struct fixture *f, bool with_keeper)
{
	const struct store_turn *held;
	const struct store_reply *reply;
	size_t accepted_messages;

	limit_size(f, 1);
	add_new(f, "held", "1");
	held = take_from(f, "held");
	(void)talk(f, "speaking", "2", "hi");
	reply = claim_one(f);
	accepted_messages = fill(f, "a", with_keeper);
	CHECK(accepted_messages > 50);
	accepted_messages += fill_with(f, "b", 1, with_keeper); /* into the last gap */
	CHECK_INT(keep(f), ERR_NO_SPACE);
	struct store_order_new order = { .dialog_id = SLICE("d"), .address = SLICE("here"), .quantity = 1 };
	FINISH(f, held, .dialog = text_of(f, LONG_TEXT), .dialog_id = "d", .profile = text_of(f, LONG_TEXT),
	    .reply = "number \x1a", .order = &order);
	accepted(f, reply, 1);
	accepted(f, claim_one(f), 1);
	finish_all(f, accepted_messages);
	take_none(f);
}

static void test_full_with_keeper(void **state)
{
	check_full(*state, true);
}

/* Between two rounds of the keeper a flood fills the file: what was accepted can be finished all the same. */
static void test_full_between_rounds(void **state)
{
	check_full(*state, false);
}

/* A flood of new customers while nobody takes: their lanes, of which the file has none yet, find room too. */
static void test_full_of_customers(void **state)
{
	struct fixture *f = *state;

	limit_size(f, 1);
	finish_all(f, fill_with(f, NULL, 1, false));
	take_none(f);
}

static void test_larger_limit(void **state)
{
	struct fixture *f = *state;
	size_t before, more;

	limit_size(f, 1);
	before = fill(f, "a", true);
	limit_size(f, 2);
	CHECK_INT(keep(f), ERR_OK);
	more = fill(f, "b", true);
	CHECK(more > 50);
	finish_all(f, before + more);
}

/* Who is told of a begun add is told why it failed, too. */
static void test_begun_says_why(void **state)
{
	enum { TOO_LONG = 2 << 20 };
	struct fixture *f = *state;
	struct store_message m = message("a", "1", text_of(f, TOO_LONG));
	enum store_added added;
	struct why said;

	limit_size(f, 1);
	CHECK_INT(add_begun(f, &m, &added, &said), ERR_NO_SPACE);
	CHECK(strstr(said.text, "chat2order.db") != NULL);
	m.text = SLICE("short");
	CHECK_INT(add_begun(f, &m, &added, &said), ERR_OK);
	CHECK(strstr(said.text, "chat2order.db") == NULL);
}

static void test_refused_is_not_remembered(void **state)
{
	struct fixture *f = *state;
	char id[48];

	limit_size(f, 1);
	(void)snprintf(id, sizeof id, "a %zu", fill(f, "a", false));
	limit_size(f, 2);
	CHECK_INT(add(f, "a", id), STORE_ADDED);
}

static void test_disk_reserve(void **state)
{
	struct fixture *f = *state;
	struct store_message m = message("a", "2", "");
	enum store_added added;

	add_new(f, "a", "1");
	f->settings.disk_reserve_mb = 1048576 * 1024;
	fixture_reopen(f);
	CHECK_INT(keep(f), ERR_NO_SPACE);
	CHECK_INT(store_add(f->s, &m, 1, &added), ERR_NO_SPACE);
	CHECK_INT(add_begun(f, &m, &added, NULL), ERR_NO_SPACE);
	FINISH(f, take_from(f, "a"), .dialog = "s");
	f->settings.disk_reserve_mb = 0;
	fixture_reopen(f);
	CHECK_INT(keep(f), ERR_OK);
	add_new(f, "a", "2");
}

/* ---- messages that nobody waited for ---- */

enum { MANY_APPENDED = 2500, ADDED_AT_ONCE = 250 }; /* more than an add lets gather */

static void add_many(struct fixture *f, const char *client)
{
	static struct store_message messages[ADDED_AT_ONCE];
	static enum store_added added[ADDED_AT_ONCE];
	char ids[ADDED_AT_ONCE][16];

	for (int i = 0; i < MANY_APPENDED; i++) {
		(void)snprintf(ids[i % ADDED_AT_ONCE], sizeof ids[0], "%d", i + 1);
		messages[i % ADDED_AT_ONCE] = message(client, ids[i % ADDED_AT_ONCE], "");
		if ((i + 1) % ADDED_AT_ONCE == 0)
			CHECK_INT(store_add(f->s, messages, ADDED_AT_ONCE, added), ERR_OK);
	}
}

/* They are counted where they belong, and taken in their order; nobody who came behind them is forgotten. */
static void test_many_appended(void **state)
{
	struct fixture *f = *state;
	int64_t expected = 1, id;

	(void)talk(f, "a", "first", "?");
	add_many(f, "a");
	add_new(f, "b", "last");
	CHECK_INT(counts(f).in_lanes, MANY_APPENDED);
	CHECK_INT(counts(f).waiting, 1);
	fixture_reopen(f);
	check_messages(take_from(f, "b"), "last");
	accepted(f, claim_one(f), clock_wall_ms());
	while (expected <= MANY_APPENDED) {
		const struct store_turn *turn = take_from(f, "a");

		for (size_t i = 0; i < turn->n_messages; i++, expected++)
			CHECK(slice_to_int64(turn->messages[i].message_id, &id) && id == expected);
		FINISH(f, turn, .dialog = "");
	}
	take_none(f);
}

/* ---- the log ---- */

enum { LOG_WRITERS = 3, LOG_BATCHES = 120, LOG_BATCH = 64, LOG_TEXT = 4000, LOG_LIMIT_MIB = 40 };

struct log_writer {
	struct fixture *f;
	pthread_t thread;
	int number;
	bool failed;
};

static void *write_without_pause(void *context)
{
	struct log_writer *w = context;
	struct store_message messages[LOG_BATCH];
	enum store_added added[LOG_BATCH];
	char text[LOG_TEXT], ids[LOG_BATCH][32];

	memset(text, 'x', sizeof text);
	for (int i = 0; i < LOG_BATCHES && !w->failed; i++) {
		for (int k = 0; k < LOG_BATCH; k++) {
			(void)snprintf(ids[k], sizeof ids[k], "%d-%d-%d", w->number, i, k);
			messages[k] = message("a", ids[k], "");
			messages[k].text = (struct slice){ text, sizeof text };
		}
		w->failed = store_add(w->f->s, messages, LOG_BATCH, added) != ERR_OK;
	}
	return NULL;
}

/* There is always a transaction under way, so a copier alone would never find all of the log copied. */
static void test_log_stays_short(void **state)
{
	struct fixture *f = *state;
	struct log_writer writers[LOG_WRITERS];
	struct stat st;

	for (int i = 0; i < LOG_WRITERS; i++) {
		writers[i] = (struct log_writer){ .f = f, .number = i };
		CHECK(pthread_create(&writers[i].thread, NULL, write_without_pause, &writers[i]) == 0);
	}
	for (int i = 0; i < LOG_WRITERS; i++)
		(void)pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < LOG_WRITERS; i++)
		CHECK(!writers[i].failed);
	CHECK(stat(path_of(f, "chat2order.db"), &st) == 0 && st.st_size > LOG_LIMIT_MIB << 20);
	CHECK(stat(path_of(f, "chat2order.db-wal"), &st) == 0 && st.st_size < LOG_LIMIT_MIB << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_second_service),
		CASE(test_nothing_beside),
		CASE(test_makes_its_folder),
		CASE(test_folder_in_place_of_file),
		CASE(test_file_in_place_of_folder),
		CASE(test_no_database),
		CASE(test_newer_version),
		CASE(test_first_version),
		CASE(test_second_version),
		CASE(test_second_version_in_little_room),
		CASE(test_third_version),
		CASE(test_full_with_keeper),
		CASE(test_full_between_rounds),
		CASE(test_full_of_customers),
		CASE(test_larger_limit),
		CASE(test_begun_says_why),
		CASE(test_refused_is_not_remembered),
		CASE(test_disk_reserve),
		CASE(test_old_ids_go),
		CASE(test_oldest_ids_go_first),
		CASE(test_mended_while_held),
		CASE(test_many_lanes),
		CASE(test_many_appended),
		CASE(test_log_stays_short),
	};

	return run_over("embedded", "file", tests, COUNT_OF(tests));
}
