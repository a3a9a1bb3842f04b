/* schema.c - the numbered migrations of PostgreSQL's tables; a number once released is never changed.
 *
 * What each table is for: docs/store-protocol.md, 4. orders, message_logs and dialog_outcomes are the predecessor's, which
 * shops query; where they are there already their columns are widened, so that it could still read them. */
#include "store/shared/pg/schema.h"

#include "base/buf.h"
#include "store/shared/pg/connect.h"
#include "store/shared/pg/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char first[] =
    "CREATE TABLE IF NOT EXISTS orders("
    " id bigserial PRIMARY KEY, client_phone text NOT NULL, delivery_address text NOT NULL,"
    " quantity integer NOT NULL CONSTRAINT orders_quantity_check CHECK (quantity >= 0),"
    " source text NOT NULL DEFAULT 'chat2desk_bot', chat2desk_client_id text, status text NOT NULL DEFAULT 'new',"
    " created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());"
    "CREATE TABLE IF NOT EXISTS message_logs("
    " id bigserial PRIMARY KEY, client_id text NOT NULL, message_id text NOT NULL UNIQUE, text text NOT NULL,"
    " dialog_state text, timestamp bigint NOT NULL, success boolean DEFAULT true, error_reason text,"
    " created_at timestamptz DEFAULT now());"
    "CREATE TABLE IF NOT EXISTS dialog_outcomes("
    " id bigserial PRIMARY KEY, client_id text NOT NULL, completed boolean NOT NULL, dropoff_state text,"
    " total_messages integer NOT NULL, duration_seconds integer NOT NULL, created_at timestamptz DEFAULT now());"

    "CREATE INDEX IF NOT EXISTS idx_orders_created_at ON orders(created_at);"
    "CREATE INDEX IF NOT EXISTS idx_orders_status ON orders(status);"
    "CREATE INDEX IF NOT EXISTS idx_orders_chat2desk_client_id ON orders(chat2desk_client_id);"
    "CREATE INDEX IF NOT EXISTS idx_message_logs_client_id ON message_logs(client_id);"
    "CREATE INDEX IF NOT EXISTS idx_message_logs_created_at ON message_logs(created_at);"
    "CREATE INDEX IF NOT EXISTS idx_dialog_outcomes_completed ON dialog_outcomes(completed);"
    "CREATE INDEX IF NOT EXISTS idx_dialog_outcomes_dropoff ON dialog_outcomes(dropoff_state);"
    "CREATE INDEX IF NOT EXISTS idx_dialog_outcomes_created_at ON dialog_outcomes(created_at);"

    /* A form has its own limits. */
    "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_quantity_check;"
    "ALTER TABLE orders ADD CONSTRAINT orders_quantity_check CHECK (quantity >= 0);"
    "ALTER TABLE orders ADD dialog_id text UNIQUE, ADD fields text NOT NULL DEFAULT '{}';"
    /* 0: a dead letter's or the predecessor's; else the client's version that applied it. */
    "ALTER TABLE message_logs ADD version bigint NOT NULL DEFAULT 0;"
    "ALTER TABLE dialog_outcomes ADD dialog_id text UNIQUE;"

    /* One row a client, for ever: what is true of him. No index but the key, so that every update is HOT.
     * covers: JSON array of the job ids that the turn finished. order_id: of the open dialog; placed: the order that
     * this very turn placed. reply NULL: none; reply_meta: JSON. behind: how many versions the row lacked when the turn
     * moved it on. */
    "CREATE TABLE c2o_clients("
    " client_id text PRIMARY KEY, version bigint NOT NULL, turn_id text NOT NULL, covers text NOT NULL, dialog text NOT NULL,"
    " dialog_id text NOT NULL, question text NOT NULL, last_event bigint NOT NULL, order_id bigint, placed bigint, reply text,"
    " reply_meta text NOT NULL, profile text, behind bigint NOT NULL DEFAULT 0, updated_at timestamptz NOT NULL)"
    " WITH (fillfactor = 50);";

static const char *const migrations[] = { first };

enum { VERSION_KNOWN = COUNT_OF(migrations) };

/* ---- small words for a connection that blocks ---- */

static enum err run(PGconn *c, const char *sql, struct why *why)
{
	PGresult *r = PQexec(c, sql);
	bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
	enum err err = ok ? ERR_OK : pg_result_error(c, r, NULL, why);

	PQclear(r);
	return err;
}

/* A question with up to one text for $1; *ret is to be cleared. */
static enum err ask(PGconn *c, const char *sql, const char *text, PGresult **ret, struct why *why)
{
	PGresult *r = PQexecParams(c, sql, text != NULL, NULL, &text, NULL, NULL, 0);

	*ret = NULL;
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		enum err err = pg_result_error(c, r, NULL, why);

		PQclear(r);
		return err;
	}
	*ret = r;
	return ERR_OK;
}

static enum err ask_int(PGconn *c, const char *sql, int64_t *ret, struct why *why)
{
	PGresult *r;
	enum err err = ask(c, sql, NULL, &r, why);

	if (err != ERR_OK)
		return err;
	*ret = 0;
	if (PQntuples(r) > 0)
		(void)slice_to_int64(slice_of(PQgetvalue(r, 0, 0)), ret);
	PQclear(r);
	return ERR_OK;
}

static enum err version_of(PGconn *c, int64_t *ret, struct why *why)
{
	int64_t there;
	enum err err = ask_int(c, "SELECT (to_regclass('c2o_meta') IS NOT NULL)::int", &there, why);

	*ret = 0;
	if (err != ERR_OK || there == 0)
		return err;
	return ask_int(c, "SELECT version FROM c2o_meta", ret, why);
}

static enum err is_newer(int64_t version, struct why *why)
{
	return why_fail(why, ERR_NEWER_VERSION,
	    "the tables in PostgreSQL have version %" PRId64
	    ", this chat2order knows up to %d: run the newer chat2order that wrote "
	    "them, or restore the backup made before the upgrade",
	    version, VERSION_KNOWN);
}

/* ---- the predecessor's tables ---- */

/* What must be there for a table of that name to be the predecessor's. */
static const struct {
	const char *table;
	int n_columns;
	const char *columns; /* a list for SQL */
} expected[] = {
	{ "orders", 9,
	    "'id','client_phone','delivery_address','quantity','source','chat2desk_client_id','status','created_at','updated_at'" },
	{ "message_logs", 9,
	    "'id','client_id','message_id','text','dialog_state','timestamp','success','error_reason','created_at'" },
	{ "dialog_outcomes", 7,
	    "'id','client_id','completed','dropoff_state','total_messages','duration_seconds','created_at'" },
};

#define OF_TABLE " FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '%s'"

static enum err check_table(PGconn *c, size_t i, bool *ret_there, struct why *why)
{
	int64_t columns = 0, known = 0;
	char sql[512];
	enum err err;

	(void)snprintf(sql, sizeof sql, "SELECT count(*)" OF_TABLE, expected[i].table);
	err = ask_int(c, sql, &columns, why);
	*ret_there = columns > 0;
	if (err != ERR_OK || columns == 0)
		return err;
	(void)snprintf(sql, sizeof sql, "SELECT count(*)" OF_TABLE " AND column_name IN (%s)", expected[i].table,
	    expected[i].columns);
	err = ask_int(c, sql, &known, why);
	if (err != ERR_OK || known == expected[i].n_columns)
		return err;
	return why_fail(why, ERR_CONFLICT,
	    "the database has a table \"%s\" that is neither ours nor the predecessor's: name another database, or another schema "
	    "by the user's search_path",
	    expected[i].table);
}

/* The zone that the predecessor's times were written in; to be freed with free(). */
static enum err find_zone(PGconn *c, const struct settings *settings, char **ret, struct why *why)
{
	PGresult *r;
	enum err err;

	*ret = NULL;
	if (settings->predecessor_zone[0] == '\0') {
		err = ask(c, "SELECT current_setting('TimeZone')", NULL, &r, why);
	} else {
		err = ask(c, "SELECT name FROM pg_timezone_names WHERE lower(name) = lower($1)",
		    settings->predecessor_zone, &r, why);
		if (err == ERR_OK && PQntuples(r) == 0) {
			PQclear(r);
			return why_fail(why, ERR_INVALID,
			    "PREDECESSOR_TIMEZONE is \"%s\", which PostgreSQL does not know: name one as Asia/Bishkek "
			    "(SELECT name FROM pg_timezone_names)",
			    settings->predecessor_zone);
		}
	}
	if (err != ERR_OK)
		return err;
	*ret = mem_text(PQgetvalue(r, 0, 0));
	PQclear(r);
	return ERR_OK;
}

/* The change of one column to the type that we have it in; nothing for one that has it already. */
static void widen_column(PGconn *c, struct buf *sql, const char *column, const char *type, const char *zone)
{
	if (strcmp(type, "integer") == 0 && strcmp(column, "id") == 0) {
		buf_text(sql, ", ALTER id TYPE bigint");
	} else if (strcmp(type, "character varying") == 0) {
		buf_printf(sql, ", ALTER %s TYPE text", column);
	} else if (strcmp(type, "timestamp without time zone") == 0) {
		char *quoted = PQescapeLiteral(c, zone, strlen(zone));

		buf_printf(sql,
		    ", ALTER %s DROP DEFAULT, ALTER %s TYPE timestamptz USING %s AT TIME ZONE %s, ALTER %s SET DEFAULT now()",
		    column, column, column, quoted, column);
		PQfreemem(quoted);
	}
}

/* One statement a table, so that it is rewritten once. */
static enum err widen_columns(PGconn *c, size_t i, const char *zone, struct why *why)
{
	struct buf sql = { 0 };
	char question[512];
	PGresult *r;
	enum err err;

	(void)snprintf(question, sizeof question,
	    "SELECT quote_ident(column_name), data_type" OF_TABLE " AND column_name IN (%s) ORDER BY ordinal_position",
	    expected[i].table, expected[i].columns);
	err = ask(c, question, NULL, &r, why);
	if (err != ERR_OK)
		return err;
	for (int row = 0; row < PQntuples(r); row++)
		widen_column(c, &sql, PQgetvalue(r, row, 0), PQgetvalue(r, row, 1), zone);
	PQclear(r);
	if (sql.n > 0) {
		struct buf whole = { 0 };

		buf_printf(&whole, "ALTER TABLE %s %s", expected[i].table, sql.p + 1);
		err = run(c, whole.p, why);
		buf_free(&whole);
	}
	buf_free(&sql);
	return err;
}

static enum err widen_sequence(PGconn *c, const char *table, struct why *why)
{
	char sql[256];
	PGresult *r;
	enum err err;

	(void)snprintf(sql, sizeof sql, "SELECT pg_get_serial_sequence('%s', 'id')", table);
	err = ask(c, sql, NULL, &r, why);
	if (err != ERR_OK)
		return err;
	if (!PQgetisnull(r, 0, 0)) {
		(void)snprintf(sql, sizeof sql, "ALTER SEQUENCE %s AS bigint", PQgetvalue(r, 0, 0));
		err = run(c, sql, why);
	}
	PQclear(r);
	return err;
}

/* Checks of the quantity by any name: the predecessor's 1..50. */
static enum err drop_checks(PGconn *c, struct why *why)
{
	enum err err = ERR_OK;
	PGresult *r;

	err = ask(c,
	    "SELECT 'ALTER TABLE orders DROP CONSTRAINT ' || quote_ident(conname) FROM pg_constraint k"
	    " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)"
	    " WHERE k.conrelid = to_regclass('orders') AND k.contype = 'c' AND a.attname = 'quantity'",
	    NULL, &r, why);
	if (err != ERR_OK)
		return err;
	for (int row = 0; row < PQntuples(r) && err == ERR_OK; row++)
		err = run(c, PQgetvalue(r, row, 0), why);
	PQclear(r);
	return err;
}

/* 0A000: a view or rule uses a column that is to be widened. */
static enum err explain(enum err err, struct why *why)
{
	struct why said;

	if (why == NULL || (strstr(why->text, "view") == NULL && strstr(why->text, "rule") == NULL))
		return err;
	said = *why;
	return why_fail(why, ERR_CONFLICT,
	    "%s. Drop the view, start again (or run `chat2order migrate`), and create it again afterwards", said.text);
}

static enum err widen(PGconn *c, const struct settings *settings, struct why *why)
{
	enum err err;
	char *zone;

	err = find_zone(c, settings, &zone, why);
	for (size_t i = 0; i < COUNT_OF(expected) && err == ERR_OK; i++) {
		bool there;

		err = check_table(c, i, &there, why);
		if (err != ERR_OK || !there)
			continue;
		err = widen_columns(c, i, zone, why);
		if (err == ERR_OK)
			err = widen_sequence(c, expected[i].table, why);
		else
			err = explain(err, why);
	}
	free(zone);
	return err == ERR_OK ? drop_checks(c, why) : err;
}

/* ---- all of it ---- */

static enum err apply(PGconn *c, const struct settings *settings, int64_t number, struct why *why)
{
	char sql[128];
	enum err err = ERR_OK;

	if (number == 1)
		err = widen(c, settings, why);
	if (err == ERR_OK)
		err = run(c, migrations[number - 1], why);
	if (err == ERR_OK && number == 1)
		err = run(c,
		    "CREATE TABLE c2o_meta(one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL,"
		    " epoch text NOT NULL DEFAULT '', took_over timestamptz);"
		    "INSERT INTO c2o_meta(version) VALUES (0)",
		    why);
	if (err != ERR_OK)
		return err;
	(void)snprintf(sql, sizeof sql, "UPDATE c2o_meta SET version = %" PRId64, number);
	return run(c, sql, why);
}

/* One migration, if one is left. Another process may be at it: it is waited for as long as it takes; a table that
 * somebody else holds, for half a minute. */
static enum err step(PGconn *c, const struct settings *settings, bool *ret_more, struct why *why)
{
	int64_t version = 0;
	enum err err = run(c,
	    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
	    "SELECT pg_advisory_xact_lock(hashtext('chat2order')); SET LOCAL lock_timeout = '30s'",
	    why);

	if (err == ERR_OK)
		err = version_of(c, &version, why);
	if (err == ERR_OK && version > VERSION_KNOWN)
		err = is_newer(version, why);
	if (err == ERR_OK && version < VERSION_KNOWN)
		err = apply(c, settings, version + 1, why);
	*ret_more = err == ERR_OK && version + 1 < VERSION_KNOWN;
	if (err == ERR_OK)
		return run(c, "COMMIT", why);
	(void)run(c, "ROLLBACK", NULL);
	return err;
}

enum err pg_migrate(PGconn *connection, const struct settings *settings, struct why *why)
{
	bool more = true;
	enum err err = ERR_OK;

	while (more && err == ERR_OK)
		err = step(connection, settings, &more, why);
	return err;
}

enum err pg_version_fits(PGconn *connection, struct why *why)
{
	int64_t version;
	enum err err = version_of(connection, &version, why);

	if (err != ERR_OK || version == VERSION_KNOWN)
		return err;
	if (version > VERSION_KNOWN)
		return is_newer(version, why);
	return why_fail(why, ERR_NOT_FOUND,
	    version == 0
		? "the database \"%s\" has no tables of chat2order yet: start `chat2order worker` or run "
		  "`chat2order migrate`"
		: "the tables in the database \"%s\" are an older chat2order's: start `chat2order worker` or run "
		  "`chat2order migrate`",
	    PQdb(connection));
}

enum err pg_prepare(struct pg_pool *pool, bool migrate, struct why *why)
{
	PGconn *connection;
	enum err err = pg_connect(pg_pool_settings(pool), &connection, why);

	if (err != ERR_OK)
		return err;
	err = migrate ? pg_migrate(connection, pg_pool_settings(pool), why) : pg_version_fits(connection, why);
	PQfinish(connection);
	return err;
}

/* ---- a look beforehand ---- */

static struct slice text_at(const PGresult *r, int column, struct arena *a)
{
	return PQntuples(r) > 0 ? slice_copy(a, slice_of(PQgetvalue(r, 0, column))) : SLICE("");
}

static enum err look_at_meta(PGconn *c, bool *ret, struct why *why)
{
	int64_t took_over;
	enum err err = ask_int(c, "SELECT (took_over IS NOT NULL)::int FROM c2o_meta", &took_over, why);

	*ret = err == ERR_OK && took_over != 0;
	return err;
}

static enum err look_at_times(PGconn *c, struct arena *a, struct pg_predecessor *ret, struct why *why)
{
	PGresult *r;
	enum err err = ask(c,
	    "SELECT created_at::text, to_char(created_at AT TIME ZONE $1 AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
	    " FROM orders WHERE created_at IS NOT NULL ORDER BY created_at LIMIT 1",
	    ret->zone.p, &r, why);

	if (err != ERR_OK)
		return err;
	ret->oldest = text_at(r, 0, a);
	ret->oldest_migrated = text_at(r, 1, a);
	PQclear(r);
	return ERR_OK;
}

static enum err count_rows(PGconn *c, struct pg_predecessor *ret, struct why *why)
{
	enum err err = run(c, "SET statement_timeout = 0", why);

	if (err == ERR_OK)
		err = ask_int(c, "SELECT count(*) FROM orders", &ret->orders, why);
	if (err == ERR_OK)
		err = ask_int(c, "SELECT count(*) FROM message_logs", &ret->logs, why);
	if (err == ERR_OK)
		err = ask_int(c, "SELECT count(*) FROM dialog_outcomes", &ret->outcomes, why);
	return err;
}

enum err pg_look_at_predecessor(
    PGconn *c, const struct settings *settings, struct arena *arena, struct pg_predecessor *ret, struct why *why)
{
	bool there[COUNT_OF(expected)] = { false };
	int64_t version;
	enum err err = version_of(c, &version, why);
	char *zone;

	*ret = (struct pg_predecessor){ 0 };
	if (err == ERR_OK && version > 0)
		return look_at_meta(c, &ret->took_over, why);
	for (size_t i = 0; i < COUNT_OF(expected) && err == ERR_OK; i++)
		err = check_table(c, i, &there[i], why);
	ret->found = there[0] && there[1] && there[2];
	if (err != ERR_OK || !ret->found)
		return err;
	err = find_zone(c, settings, &zone, why);
	if (err != ERR_OK)
		return err;
	ret->zone = slice_copy(arena, slice_of(zone));
	free(zone);
	err = look_at_times(c, arena, ret, why);
	return err == ERR_OK ? count_rows(c, ret, why) : err;
}
