/* test_pg_finish.c - what PostgreSQL makes of finishes, and what others ask it. */
#include "pg_fixture.h"

#include "base/clock.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct store_order_new an_order = { .dialog_id = SLICE("d1"),
	.address = SLICE("Main St 1"),
	.phone = SLICE("+49151"),
	.fields = SLICE("{}"),
	.quantity = 3 };

/* ---- outcomes ---- */

static void test_moved(void **state)
{
	struct pg_fixture *f = *state;
	struct store_outcome outcome = {
		.dialog_id = SLICE("d1"), .completed = true, .total_messages = 5, .duration_s = 60
	};
	struct pg_turn t = finished(
	    f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "state", .dialog_id = "d1",
		   .reply = "no \x1a", .profile = "lang=en", .order = &an_order, .outcome = &outcome));
	struct client_row row = row_of(f, "a");

	assert_int_equal(t.moved, PG_MOVED);
	assert_true(t.placed > 0);
	assert_false(t.was_behind);
	assert_int_equal(row.version, 1);
	assert_int_equal(row.order_id, t.placed);
	assert_int_equal(row.placed, t.placed);
	assert_int_equal(row.last_event_ms, 17);
	CHECK_TEXT(row.turn_id, "t1");
	CHECK_TEXT(row.covers, "[\"m-1\"]");
	CHECK_TEXT(row.dialog, "state");
	CHECK_TEXT(row.dialog_id, "d1");
	CHECK_TEXT(row.question, "0123456789abcdef");
	CHECK_TEXT(row.profile, "lang=en");
	CHECK_TEXT(row.reply, "no \x1a");
	CHECK_TEXT(row.reply_meta, "{\"channelId\":7}");
	assert_true(row.has_reply && row.open);
	CHECK_SQL(f,
	    "SELECT concat_ws('|', client_id, text, dialog_state, timestamp, success, error_reason, version) FROM message_logs",
	    "a|hello|WAITING_PHONE|1700000000000|t|1");
	CHECK_SQL(f,
	    "SELECT concat_ws('|', client_phone, delivery_address, quantity, source, chat2desk_client_id, status) FROM orders",
	    "+49151|Main St 1|3|chat2desk_bot|a|new");
	CHECK_SQL(f,
	    "SELECT concat_ws('|', client_id, completed, dropoff_state, total_messages, duration_seconds) FROM dialog_outcomes",
	    "a|t|5|60");
}

/* The next turn: the dialog ends, the profile stays, there is no reply. */
static void test_next(void **state)
{
	struct pg_fixture *f = *state;
	struct client_row row;

	finished(f,
	    TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "s", .profile = "p", .reply = "r"));
	finished(f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "m2", .base = 1));
	row = row_of(f, "a");
	assert_int_equal(row.version, 2);
	assert_false(row.open || row.has_reply);
	CHECK_TEXT(row.profile, "p");
	finished(f, TURN(f, .client = "a", .turn_id = "t3", .message_id = "m3", .base = 2, .profile = ""));
	row = row_of(f, "a");
	CHECK_TEXT(row.profile, "");
	assert_non_null(row.profile.p);
}

/* The same call once more, its first answer lost: nothing twice, and the number again. */
static void test_mine(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn turn = TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "s",
	    .dialog_id = "d1", .reply = "r", .order = &an_order);
	struct pg_turn first = finished(f, turn), second = finished(f, turn);

	assert_int_equal(second.moved, PG_MINE);
	assert_int_equal(second.placed, first.placed);
	assert_int_equal(second.row.version, 1);
	CHECK_SQL(f, "SELECT count(*) FROM orders", "1");
	second = finished(f, TURN(f, .client = "b", .turn_id = "x1"));
	assert_int_equal(finished(f, TURN(f, .client = "b", .turn_id = "x1")).moved, PG_MINE);
}

static void test_ahead(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t;

	finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "true", .reply = "first"));
	t = finished(
	    f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "m2", .dialog = "false", .order = &an_order));
	assert_int_equal(t.moved, PG_AHEAD);
	assert_int_equal(t.placed, 0);
	CHECK_TEXT(t.row.turn_id, "t1");
	CHECK_TEXT(t.row.dialog, "true");
	CHECK_TEXT(t.row.reply, "first");
	CHECK_SQL(f, "SELECT count(*) FROM orders", "0");
	CHECK_SQL(f, "SELECT string_agg(message_id, ',') FROM message_logs", "m1");
}

/* A stale turn that brings a message which the other one applied is ahead too: what stands there decides. */
static void test_ahead_with_the_same_message(void **state)
{
	struct pg_fixture *f = *state;

	finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1"));
	assert_int_equal(finished(f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "m1")).moved, PG_AHEAD);
}

static void test_dups(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t;

	finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "s"));
	t = finished(f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "m1", .base = 1, .dialog = "other"));
	assert_int_equal(t.moved, PG_DUPS);
	assert_int_equal(t.n_dups, 1);
	CHECK_TEXT(t.dups[0], "m1");
	assert_int_equal(row_of(f, "a").version, 1);
	t = finished(f, TURN(f, .client = "b", .turn_id = "t3", .message_id = "m1"));
	assert_int_equal(t.moved, PG_DUPS);
	assert_int_equal(row_of(f, "b").version, 0);
}

/* A PostgreSQL restored from a backup stops nobody. */
static void test_behind(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = finished(f, TURN(f, .client = "a", .turn_id = "t9", .message_id = "m1", .base = 8));

	assert_int_equal(t.moved, PG_MOVED);
	assert_true(t.was_behind);
	assert_int_equal(row_of(f, "a").version, 9);
	t = finished(f, TURN(f, .client = "a", .turn_id = "t10", .message_id = "m2", .base = 9));
	assert_false(t.was_behind);
	t = finished(f, TURN(f, .client = "a", .turn_id = "t20", .message_id = "m3", .base = 19));
	assert_int_equal(t.moved, PG_MOVED);
	assert_true(t.was_behind);
}

/* The one at fault fails alone; its neighbours, the stale and the repeated one are what they are. */
static void test_failed_alone(void **state)
{
	struct pg_fixture *f = *state;
	struct store_order_new impossible = an_order, too_many = an_order;
	struct pg_turn t[5];

	impossible.quantity = -1;
	too_many.quantity = INT64_MAX;
	finished(f, TURN(f, .client = "stale", .turn_id = "t0", .message_id = "m0"));
	t[0] = TURN(f, .client = "good", .turn_id = "t1", .message_id = "m1", .dialog = "s");
	t[1] = TURN(f, .client = "bad", .turn_id = "t2", .message_id = "m2", .dialog_id = "d1", .order = &impossible);
	t[2] = TURN(f, .client = "stale", .turn_id = "t3", .message_id = "m3");
	t[3] = TURN(f, .client = "bad too", .turn_id = "t4", .message_id = "m4", .dialog_id = "d1", .order = &too_many);
	t[4] = TURN(f, .client = "last", .turn_id = "t5", .message_id = "m5", .dialog_id = "d1", .order = &an_order);
	assert_int_equal(pg_finish(&f->s, t, 5, &f->arena, &f->why), ERR_OK);
	assert_int_equal(t[0].moved, PG_MOVED);
	assert_int_equal(t[1].moved, PG_FAILED);
	assert_int_equal(t[2].moved, PG_AHEAD);
	assert_int_equal(t[3].moved, PG_FAILED);
	assert_int_equal(t[4].moved, PG_MOVED);
	assert_true(t[4].placed > 0);
	assert_int_equal(row_of(f, "bad").version, 0);
	CHECK_SQL(f, "SELECT string_agg(message_id, ',' ORDER BY message_id) FROM message_logs", "m0,m1,m5");
	CHECK_SQL(f, "SELECT count(*) FROM orders", "1");
}

/* Two turns of a batch with one message: the second finds it applied. */
static void test_one_message_twice_in_a_batch(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t[2];

	t[0] = TURN(f, .client = "a", .turn_id = "t1", .message_id = "same");
	t[1] = TURN(f, .client = "b", .turn_id = "t2", .message_id = "same");
	assert_int_equal(pg_finish(&f->s, t, 2, &f->arena, &f->why), ERR_OK);
	assert_int_equal(t[0].moved, PG_MOVED);
	assert_int_equal(t[1].moved, PG_DUPS);
}

/* A shop's own trigger refuses one: an error that nobody knows is the turn's own, since it goes without it. */
static void test_unknown_error(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t[3];

	sql(f, "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
	       " $$ BEGIN IF NEW.client_id = 'bad' THEN RAISE 'not him'; END IF; RETURN NEW; END $$;"
	       "CREATE TRIGGER no BEFORE INSERT ON message_logs FOR EACH ROW EXECUTE FUNCTION no()");
	t[0] = TURN(f, .client = "good", .turn_id = "t1", .message_id = "m1");
	t[1] = TURN(f, .client = "bad", .turn_id = "t2", .message_id = "m2");
	t[2] = TURN(f, .client = "last", .turn_id = "t3", .message_id = "m3");
	assert_int_equal(pg_finish(&f->s, t, 3, &f->arena, &f->why), ERR_OK);
	assert_int_equal(t[0].moved, PG_MOVED);
	assert_int_equal(t[1].moved, PG_FAILED);
	assert_int_equal(t[2].moved, PG_MOVED);
	t[1] = finished(f, TURN(f, .client = "bad", .turn_id = "t4", .message_id = "m4"));
	assert_int_equal(t[1].moved, PG_FAILED);
}

/* It refuses everybody: nobody's own fault, all is tried again. */
static void test_unknown_error_of_all(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1");

	sql(f, "CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed today'; END $$;"
	       "CREATE TRIGGER closed BEFORE INSERT ON message_logs FOR EACH STATEMENT EXECUTE FUNCTION closed()");
	assert_int_equal(pg_finish(&f->s, &t, 1, &f->arena, &f->why), ERR_IO);
	assert_non_null(strstr(f->why.text, "P0001"));
	assert_null(strstr(f->why.text, "closed today")); /* a trigger's words may hold a customer's */
	sql(f, "DROP TRIGGER closed ON message_logs");
	assert_int_equal(finished(f, t).moved, PG_MOVED);
}

/* More than one transaction takes; and each is in the order of its call. */
static void test_large_batch(void **state)
{
	enum { TURNS = 3 * SHARED_BATCH_MOST / 2 };
	struct pg_fixture *f = *state;
	struct pg_turn t[TURNS];

	for (int i = 0; i < TURNS; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%d", i);
		t[i] = TURN(f, .client = id, .turn_id = id, .message_id = id, .dialog = id);
	}
	assert_int_equal(pg_finish(&f->s, t, TURNS, &f->arena, &f->why), ERR_OK);
	for (int i = 0; i < TURNS; i++)
		assert_int_equal(t[i].moved, PG_MOVED);
	CHECK_SQL(f, "SELECT count(*) FROM c2o_clients WHERE dialog = client_id AND turn_id = client_id", "96");
}

/* What PostgreSQL's text can't hold: it is replaced, and found again under its clean form. */
static void test_texts_that_are_none(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t;

	t = finished(f, TURN(f, .client = "a\xff", .turn_id = "t1", .message_id = "m\xfe", .dialog = "s"));
	assert_int_equal(t.moved, PG_MOVED);
	CHECK_TEXT(row_of(f, "a\xff").client_id, "a\xef\xbf\xbd");
	t = finished(f, TURN(f, .client = "a\xff", .turn_id = "t2", .message_id = "m\xfe", .base = 1));
	assert_int_equal(t.moved, PG_DUPS);
	CHECK_TEXT(t.dups[0], "m\xfe");
}

/* An order and its number come once, though a later turn of the dialog places it again. */
static void test_order_once(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn first, second;

	first = finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "s",
				.dialog_id = "d1", .order = &an_order));
	second = finished(f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "m2", .base = 1, .dialog = "s",
				 .dialog_id = "d2", .order = &an_order));
	assert_int_equal(second.placed, first.placed);
	assert_int_equal(row_of(f, "a").order_id, 0); /* of the dialog that is open now */
	CHECK_SQL(f, "SELECT count(*) FROM orders", "1");
}

/* ---- trouble ---- */

static enum err finish_soon(struct pg_fixture *f, struct pg_turn *t, int64_t within_ms)
{
	int64_t until = clock_mono_ms() + within_ms;
	enum err err;

	while ((err = pg_finish(&f->s, t, 1, &f->arena, &f->why)) != ERR_OK && clock_mono_ms() < until)
		assert_int_equal(err_verdict(err), VERDICT_RETRY);
	return err;
}

static void test_killed_server(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1");

	finished(f, TURN(f, .client = "b", .turn_id = "t0", .message_id = "m0"));
	postgres_kill(server);
	assert_int_equal(err_verdict(pg_finish(&f->s, &t, 1, &f->arena, &f->why)), VERDICT_RETRY);
	postgres_restart(server);
	assert_int_equal(finish_soon(f, &t, 5000), ERR_OK);
	assert_int_equal(t.moved, PG_MOVED);
}

/* A server that does not answer is given up within 0.6 of a lease; the outcome is found out afterwards. */
static void test_frozen_server(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1");
	int64_t began;

	finished(f, TURN(f, .client = "b", .turn_id = "t0", .message_id = "m0"));
	f->s.settings.lease_ms = 1000;
	postgres_freeze(server);
	began = clock_mono_ms();
	assert_int_equal(pg_finish(&f->s, &t, 1, &f->arena, &f->why), ERR_TIMEOUT);
	assert_in_range(clock_mono_ms() - began, 590, 950);
	postgres_thaw(server);
	assert_int_equal(finish_soon(f, &t, 5000), ERR_OK);
	assert_true(t.moved == PG_MOVED || t.moved == PG_MINE);
	CHECK_SQL(f, "SELECT count(*) FROM message_logs WHERE message_id = 'm1'", "1");
}

/* Somebody else holds the row for longer than lock_timeout: tried twice, then RETRY, and the connection goes on. */
static void test_held_row(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = TURN(f, .client = "a", .turn_id = "t2", .message_id = "m2", .base = 1);
	PGconn *holder = PQconnectdb(f->url);

	f->s.settings.lease_ms = 1000;
	finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1"));
	PQclear(PQexec(holder, "BEGIN; SELECT * FROM c2o_clients FOR UPDATE"));
	assert_int_equal(pg_finish(&f->s, &t, 1, &f->arena, &f->why), ERR_AGAIN);
	PQclear(PQexec(holder, "ROLLBACK"));
	PQfinish(holder);
	assert_int_equal(finished(f, t).moved, PG_MOVED);
}

#ifdef CHAT2ORDER_CRASH_POINTS
/* A process that is stopped inside its transaction holds nobody up for more than a quarter of a lease; what it did is
 * undone. */
static void test_stopped_inside(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_turn t = TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .dialog = "other");
	int64_t began;
	pid_t child;
	int status;

	f->s.settings.lease_ms = 2000;
	pg_pool_close(&f->s.pg);
	assert_int_equal(pg_pool_open(&f->s.settings, &f->s.pg, &f->why), ERR_OK);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)setenv("STOP_AT", "pg_sent", 1);
		_exit(pg_finish(&f->s, &t, 1, &f->arena, &f->why) == ERR_OK);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	began = clock_mono_ms();
	t = TURN(f, .client = "a", .turn_id = "t2", .message_id = "m1", .dialog = "mine");
	assert_int_equal(finish_soon(f, &t, 5000), ERR_OK);
	assert_true(clock_mono_ms() - began < 1500);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, &status, 0);
	assert_int_equal(t.moved, PG_MOVED);
	CHECK_TEXT(row_of(f, "a").dialog, "mine");
}
#endif

/* ---- what others ask ---- */

static void test_rows(void **state)
{
	struct slice clients[] = { SLICE("c"), SLICE("nobody"), SLICE("a"), SLICE("c") };
	struct pg_fixture *f = *state;
	struct client_row rows[COUNT_OF(clients)];

	finished(f, TURN(f, .client = "a", .turn_id = "ta", .message_id = "ma"));
	finished(f, TURN(f, .client = "c", .turn_id = "tc", .message_id = "mc"));
	assert_int_equal(pg_rows(&f->s, clients, COUNT_OF(clients), &f->arena, rows, &f->why), ERR_OK);
	CHECK_TEXT(rows[0].turn_id, "tc");
	assert_int_equal(rows[1].version, 0);
	CHECK_TEXT(rows[2].turn_id, "ta");
	CHECK_TEXT(rows[3].turn_id, "tc");
	assert_int_equal(pg_rows(&f->s, clients, 0, &f->arena, rows, &f->why), ERR_OK);
}

/* Walks all and counts; each client once, in order. */
static size_t walk(struct pg_fixture *f, int64_t age_ms, bool open_only, size_t most)
{
	struct slice to = SLICE_NONE, last = SLICE("");
	struct client_row *rows;
	size_t n, seen = 0;

	do {
		assert_int_equal(
		    pg_rows_after(&f->s, to, age_ms, open_only, most, &f->arena, &rows, &n, &to, &f->why), ERR_OK);
		for (size_t i = 0; i < n; i++) {
			assert_true(strcmp(last.p, rows[i].client_id.p) < 0);
			last = rows[i].client_id;
		}
		seen += n;
	} while (to.p != NULL);
	return seen;
}

static void test_walk(void **state)
{
	struct pg_fixture *f = *state;
	char id[16];

	assert_int_equal(walk(f, -1, false, 4), 0);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(id, sizeof id, "%02d", i);
		finished(f, TURN(f, .client = id, .turn_id = id, .message_id = id, .dialog = i % 3 == 0 ? "s" : ""));
	}
	for (size_t most = 1; most < 14; most += 3) {
		assert_int_equal(walk(f, -1, false, most), 12);
		assert_int_equal(walk(f, -1, true, most), 4);
	}
	sql(f, "UPDATE c2o_clients SET updated_at = now() - interval '1 hour' WHERE client_id < '06'");
	assert_int_equal(walk(f, 60000, false, 4), 6);
	assert_int_equal(walk(f, 60000, true, 4), 2);
	assert_int_equal(walk(f, 7200000, false, 5), 12);
}

static void test_statuses(void **state)
{
	struct pg_fixture *f = *state;
	struct slice statuses[3];
	int64_t ids[3] = { 0 };

	ids[2] = finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "m1", .order = &an_order)).placed;
	ids[1] = ids[2] + 1;
	ids[0] = ids[2];
	assert_int_equal(pg_order_statuses(&f->s, ids, 3, &f->arena, statuses, &f->why), ERR_OK);
	CHECK_TEXT(statuses[0], "new");
	CHECK_TEXT(statuses[1], "");
	assert_int_equal(shared_order_status(&f->s.store, ids[2], SLICE("cancelled")), ERR_OK);
	assert_int_equal(pg_order_statuses(&f->s, ids, 3, &f->arena, statuses, &f->why), ERR_OK);
	CHECK_TEXT(statuses[2], "cancelled");
	assert_int_equal(shared_order_status(&f->s.store, ids[1], SLICE("new")), ERR_NOT_FOUND);
	assert_int_equal(shared_order_status(&f->s.store, ids[2], SLICE("new|processing")), ERR_INVALID);
}

static void test_buried(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_buried b[] = {
		{ SLICE("a"), SLICE("applied"), SLICE("x"), SLICE("why"), 1 },
		{ SLICE("a"), SLICE("new"), SLICE("x"), SLICE("why"), 2 },
		{ SLICE("a"), SLICE("new"), SLICE("x"), SLICE("why"), 2 },
	};

	finished(f, TURN(f, .client = "a", .turn_id = "t1", .message_id = "applied"));
	assert_int_equal(pg_log_buried(&f->s, b, COUNT_OF(b), &f->why), ERR_OK);
	CHECK_SQL(f,
	    "SELECT string_agg(concat_ws(' ', message_id, success, error_reason, timestamp, version), ', ' ORDER BY message_id)"
	    " FROM message_logs",
	    "applied t 1700000000000 1, new f why 2 0");
	b[1].reason = SLICE("again");
	assert_int_equal(pg_log_buried(&f->s, b + 1, 1, &f->why), ERR_OK);
	CHECK_SQL(f, "SELECT error_reason FROM message_logs WHERE message_id = 'new'", "again");
	/* retried and applied: the turn's own row stands */
	finished(f, TURN(f, .client = "a", .turn_id = "t2", .message_id = "new", .base = 1));
	CHECK_SQL(f, "SELECT concat_ws(' ', success, error_reason, version) FROM message_logs WHERE message_id = 'new'",
	    "t 2");
}

static void test_prune(void **state)
{
	struct pg_fixture *f = *state;
	PGconn *other = PQconnectdb(f->url);
	size_t pruned;

	f->s.settings.log_days = 10;
	sql(f, "INSERT INTO message_logs(client_id, message_id, text, timestamp, created_at)"
	       " SELECT 'a', n, 'x', 0, now() - n * interval '1 day' FROM generate_series(15, 1, -1) n;"
	       "INSERT INTO message_logs(client_id, message_id, text, timestamp, created_at) VALUES"
	       " ('a', 'future', 'x', 0, now() + interval '1 year'), ('a', 'no time', 'x', 1000, NULL)");
	PQclear(PQexec(other, "SELECT pg_advisory_lock(hashtext('chat2order'), 2)"));
	assert_int_equal(pg_prune(&f->s, 3, &pruned, &f->why), ERR_OK);
	assert_int_equal(pruned, 0); /* another process is at it */
	PQfinish(other);
	for (int64_t until = clock_mono_ms() + 5000; pruned == 0 && clock_mono_ms() < until;)
		assert_int_equal(pg_prune(&f->s, 3, &pruned, &f->why), ERR_OK);
	assert_int_equal(pruned, 3);
	assert_int_equal(pg_prune(&f->s, 100, &pruned, &f->why), ERR_OK);
	assert_int_equal(pruned, 5); /* 12, 11, 10 days, the future and the one without a time */
	assert_int_equal(pg_prune(&f->s, 100, &pruned, &f->why), ERR_OK);
	assert_int_equal(pruned, 0);
	CHECK_SQL(f, "SELECT count(*) FROM message_logs", "9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_moved),
		CASE(test_next),
		CASE(test_mine),
		CASE(test_ahead),
		CASE(test_ahead_with_the_same_message),
		CASE(test_dups),
		CASE(test_behind),
		CASE(test_failed_alone),
		CASE(test_one_message_twice_in_a_batch),
		CASE(test_unknown_error),
		CASE(test_unknown_error_of_all),
		CASE(test_large_batch),
		CASE(test_texts_that_are_none),
		CASE(test_order_once),
		CASE(test_killed_server),
		CASE(test_frozen_server),
		CASE(test_held_row),
#ifdef CHAT2ORDER_CRASH_POINTS
		CASE(test_stopped_inside),
#endif
		CASE(test_rows),
		CASE(test_walk),
		CASE(test_statuses),
		CASE(test_buried),
		CASE(test_prune),
	};

	return cmocka_run_group_tests_name("PostgreSQL: finish", tests, pg_group_begin, pg_group_end);
}
