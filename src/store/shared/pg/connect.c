/* connect.c - connection options, the greeting, sentences. */
#include "store/shared/pg/connect.h"

#include "base/buf.h"
#include "base/clock.h"
#include "store/shared/pg/error.h"
#include "store/shared/pg/url.h"

#include <poll.h>
#include <stdio.h>

enum { PARAMETERS_MAX = 24, LINE_SIZE = 400, SQLSTATE_SIZE = 6 };

struct parameters {
	const char *names[PARAMETERS_MAX], *values[PARAMETERS_MAX];
	size_t n;
	char port[8];
	struct buf options;
};

/* Behind these stands what a row held, or a place in PostgreSQL's source. */
static bool ends_message(const char *line)
{
	static const char *const heads[] = { "DETAIL:", "QUERY:", "CONTEXT:", "LOCATION:" };

	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (strncmp(line, heads[i], strlen(heads[i])) == 0)
			return true;
	return line[0] == '\0';
}

const char *pg_message(const PGconn *connection, char *line, size_t size)
{
	size_t n = 0;

	for (const char *c = PQerrorMessage(connection); *c != '\0' && n + 1 < size; c++) {
		if (*c != '\n')
			line[n++] = *c;
		else if (!ends_message(c + 1) && n + 2 < size)
			n += (size_t)snprintf(line + n, size - n, "; ");
		else
			break;
	}
	line[n] = '\0';
	pg_hide(line, slice_of(PQpass(connection)));
	return line;
}

static enum err sentence(const char *sqlstate, const char *message, struct why *why)
{
	const char *cure = pg_error_cure(sqlstate);

	return why_fail(why, pg_error(sqlstate), "PostgreSQL: %s%s%s", message, cure[0] != '\0' ? ": " : "", cure);
}

/* Names of tables and the like are no secret; what a row held, or the words of a shop's own trigger, may be a customer's. */
static void put_message(struct buf *out, const char *sqlstate, const PGresult *r)
{
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	const char *table = PQresultErrorField(r, PG_DIAG_TABLE_NAME);
	const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
	const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);

	if (text != NULL && pg_error_may_be_told(sqlstate)) {
		buf_text(out, text);
		/* feature_not_supported: only here stands which view is in a migration's way */
		if (detail != NULL && strcmp(sqlstate, "0A000") == 0)
			buf_printf(out, " (%s)", detail);
		return;
	}
	buf_printf(out, "SQLSTATE %s", sqlstate);
	if (table != NULL)
		buf_printf(out, ", table \"%s\"", table);
	if (constraint != NULL)
		buf_printf(out, ", constraint \"%s\"", constraint);
	buf_text(out, " (its own log has the words)");
}

enum err pg_result_error(const PGconn *connection, const PGresult *result, char sqlstate[6], struct why *why)
{
	const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	struct buf message = { 0 };
	char line[LINE_SIZE];
	enum err err;

	if (sqlstate != NULL)
		(void)snprintf(sqlstate, SQLSTATE_SIZE, "%s", state != NULL ? state : "");
	if (state != NULL)
		put_message(&message, state, result);
	else
		buf_text(&message, pg_message(connection, line, sizeof line));
	err = sentence(state, message.n > 0 ? message.p : "the connection ended", why);
	buf_free(&message);
	return err;
}

static void put(struct parameters *p, const char *name, const char *value)
{
	p->names[p->n] = name;
	p->values[p->n++] = value;
	p->names[p->n] = p->values[p->n] = NULL;
}

static void put_set(struct parameters *p, const char *name, const char *value)
{
	if (value[0] != '\0')
		put(p, name, value);
}

/* Below the lease, so that a lock held by a stopped or vanished process is free again before it matters. A scan that
 * was planned while a table was small must never meet it large, hence no scans and one plan for all values. */
static void put_options(struct parameters *p, const struct settings *s, const char *theirs)
{
	buf_printf(&p->options,
	    "%s -c statement_timeout=%d -c lock_timeout=%d -c idle_in_transaction_session_timeout=%d"
	    " -c default_transaction_isolation=read\\ committed -c enable_seqscan=off -c plan_cache_mode=force_generic_plan"
	    " -c jit=off",
	    theirs, (int)(s->lease_ms / 2), (int)(s->lease_ms / 4), (int)(s->lease_ms / 4));
	put(p, "options", p->options.p);
}

static void put_address(struct parameters *p, const struct settings *s, const PQconninfoOption *url)
{
	/* Several hosts mean a failover: that which takes writes is wanted, unless the URL says otherwise. */
	if (strchr(pg_url_option(url, "host"), ',') != NULL)
		put(p, "target_session_attrs", "read-write");
	if (url != NULL) {
		put(p, "dbname", s->database_url);
		return;
	}
	(void)snprintf(p->port, sizeof p->port, "%d", (int)s->database_port);
	put_set(p, "host", s->database_host);
	put(p, "port", p->port);
	put_set(p, "dbname", s->database_name);
	put_set(p, "user", s->database_user);
	put_set(p, "password", s->database_password);
}

static void fill(struct parameters *p, const struct settings *s, const PQconninfoOption *url)
{
	put_address(p, s, url);
	put(p, "client_encoding", "UTF8");
	put(p, "application_name", "chat2order");
	put(p, "keepalives", "1");
	put(p, "keepalives_idle", "5");
	put(p, "keepalives_interval", "2");
	put(p, "keepalives_count", "3");
	put(p, "tcp_user_timeout", "3000");
	put_options(p, s, pg_url_option(url, "options"));
}

enum err pg_connect_check(const struct settings *settings, struct why *why)
{
	PQconninfoOption *url;
	enum err err = pg_url_read(settings, &url, why);

	PQconninfoFree(url);
	return err;
}

static bool wait_for(PGconn *c, PostgresPollingStatusType what, int64_t deadline)
{
	struct pollfd fd = { .fd = PQsocket(c), .events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT };
	int64_t left;

	while ((left = deadline - clock_mono_ms()) > 0)
		if (poll(&fd, 1, (int)left) > 0)
			return true;
	return false;
}

/* The SQLSTATE in a verbose message "...FATAL:  28P01: ..."; libpq gives it in no other way before a connection is
 * made. Empty: there is none. */
static const char *sqlstate_in(const char *message, char state[SQLSTATE_SIZE])
{
	enum { LENGTH = SQLSTATE_SIZE - 1 };

	state[0] = '\0';
	for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at += 3) {
		const char *text = at + 3;

		if (strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == LENGTH && text[LENGTH] == ':')
			(void)snprintf(state, SQLSTATE_SIZE, "%.*s", LENGTH, text);
	}
	return state;
}

static enum err not_connected(const PGconn *c, struct why *why)
{
	char state[SQLSTATE_SIZE], line[LINE_SIZE];
	enum err err = sentence(sqlstate_in(PQerrorMessage(c), state), pg_message(c, line, sizeof line), why);

	return pg_error_is_final(state) ? ERR_DENIED : err;
}

static enum err go_through(PGconn *c, struct why *why)
{
	int64_t deadline = clock_mono_ms() + PG_CONNECT_MS;
	PostgresPollingStatusType what = PGRES_POLLING_WRITING;

	if (PQstatus(c) == CONNECTION_BAD)
		return not_connected(c, why);
	(void)PQsetErrorVerbosity(c, PQERRORS_VERBOSE);
	while (what != PGRES_POLLING_OK) {
		if (!wait_for(c, what, deadline))
			return why_fail(why, ERR_TIMEOUT, "PostgreSQL at %s:%s does not answer within %d ms",
			    PQhost(c) != NULL ? PQhost(c) : "", PQport(c) != NULL ? PQport(c) : "", PG_CONNECT_MS);
		what = PQconnectPoll(c);
		if (what == PGRES_POLLING_FAILED)
			return not_connected(c, why);
	}
	(void)PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
	return ERR_OK;
}

static enum err judge(const PGconn *c, const PGresult *r, struct why *why)
{
	if (strcmp(PQgetvalue(r, 0, 0), "UTF8") != 0)
		return why_fail(why, ERR_INVALID,
		    "the database \"%s\" has the encoding %s: create it with ENCODING 'UTF8'", PQdb(c),
		    PQgetvalue(r, 0, 0));
	if (strcmp(PQgetvalue(r, 0, 1), "off") == 0)
		return why_fail(why, ERR_INVALID,
		    "synchronous_commit is off for the user \"%s\" in the database \"%s\", so an order could be lost after it was "
		    "confirmed: set it to on (SHOW synchronous_commit; ALTER ROLE, ALTER DATABASE or postgresql.conf)",
		    PQuser(c), PQdb(c));
	if (PQgetvalue(r, 0, 2)[0] == 't')
		return why_fail(why, ERR_UNREACHABLE,
		    "PostgreSQL at %s:%s is a standby: let DATABASE_URL name the primary", PQhost(c), PQport(c));
	if (PQserverVersion(c) < 130000)
		return why_fail(why, ERR_INVALID, "PostgreSQL at %s:%s has version %d, needed is 13 or newer",
		    PQhost(c), PQport(c), PQserverVersion(c) / 10000);
	return ERR_OK;
}

static enum err check(PGconn *c, struct why *why)
{
	PGresult *r = PQexec(
	    c, "SELECT current_setting('server_encoding'), current_setting('synchronous_commit'), pg_is_in_recovery()");
	enum err err = PQresultStatus(r) == PGRES_TUPLES_OK ? judge(c, r, why) : pg_result_error(c, r, NULL, why);

	PQclear(r);
	return err;
}

/* Notices ("already exists, skipping") are for people at a terminal. */
static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

enum err pg_connect(const struct settings *settings, PGconn **ret, struct why *why)
{
	struct parameters p = { 0 };
	PQconninfoOption *url;
	enum err err = pg_url_read(settings, &url, why);
	PGconn *c;

	*ret = NULL;
	if (err != ERR_OK)
		return err;
	fill(&p, settings, url);
	/* DATABASE_NAME is a name and nothing else: only DATABASE_URL stands for more than its own */
	c = PQconnectStartParams(p.names, p.values, url != NULL);
	PQconninfoFree(url);
	buf_free(&p.options);
	if (c == NULL)
		return why_fail(why, ERR_AGAIN, "PostgreSQL: out of memory");
	(void)PQsetNoticeReceiver(c, ignore_notice, NULL);
	err = go_through(c, why);
	if (err == ERR_OK)
		err = check(c, why);
	if (err == ERR_OK)
		*ret = c;
	else
		PQfinish(c);
	return err;
}
