/* pipeline.c - libpq's pipeline mode with a deadline. */
#include "store/shared/pg/pipeline.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "store/shared/pg/connect.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>

const struct pg_statement pg_begin = { "begin", "BEGIN" }, pg_commit = { "commit", "COMMIT" };
static const struct pg_statement roll_back = { "rollback", "ROLLBACK" };

void pg_flush_begin(struct pg_flush *f, struct pg *pg, int64_t timeout_ms)
{
	*f = (struct pg_flush){ .pg = pg, .deadline_ms = clock_mono_ms() + timeout_ms };
}

static void fail(struct pg_flush *f, enum err err, const char *what)
{
	if (f->err == ERR_OK)
		f->err = why_fail(&f->why, err, "%s", what);
}

/* The connection, and with it what became of the statements, is lost. */
static void lose(struct pg_flush *f)
{
	char line[sizeof f->why.text], said[300];

	f->pg->broken = true;
	(void)snprintf(line, sizeof line, "PostgreSQL: %s", pg_message(f->pg->connection, said, sizeof said));
	fail(f, ERR_UNREACHABLE, line);
}

static void step(struct pg_flush *f, enum pg_step_kind kind, const struct pg_statement *statement, int sent)
{
	assert(f->n < PG_FLUSH_STEPS);
	f->step[f->n++] = (struct pg_step){ .kind = kind, .statement = statement };
	if (sent != 1 && !f->pg->broken)
		lose(f);
}

static bool is_prepared(const struct pg *pg, const struct pg_statement *statement)
{
	for (size_t i = 0; i < pg->n_prepared; i++)
		if (pg->prepared[i] == statement)
			return true;
	return false;
}

static bool is_being_prepared(const struct pg_flush *f, const struct pg_statement *statement)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->step[i].kind == PG_STEP_PREPARE && f->step[i].statement == statement)
			return true;
	return false;
}

struct values {
	int n;
	const char *value[PG_PARAMS_MAX];
	int length[PG_PARAMS_MAX], format[PG_PARAMS_MAX];
	Oid type[PG_PARAMS_MAX];
};

static void values_of(const struct pg_params *p, struct values *v)
{
	v->n = p != NULL ? p->n : 0;
	for (int i = 0; i < v->n; i++) {
		struct slice bytes = buf_as_slice(&p->at[i].bytes);

		v->value[i] = p->at[i].is_null ? NULL : bytes.p;
		v->length[i] = (int)bytes.n;
		v->format[i] = 1;
		v->type[i] = p->at[i].type;
	}
}

size_t pg_flush_add(struct pg_flush *f, const struct pg_statement *statement, const struct pg_params *params)
{
	PGconn *c = f->pg->connection;
	struct values v;

	values_of(params, &v);
	if (!is_prepared(f->pg, statement) && !is_being_prepared(f, statement))
		step(f, PG_STEP_PREPARE, statement, PQsendPrepare(c, statement->name, statement->sql, v.n, v.type));
	step(f, PG_STEP_QUERY, statement, PQsendQueryPrepared(c, statement->name, v.n, v.value, v.length, v.format, 0));
	return f->n - 1;
}

size_t pg_flush_text(struct pg_flush *f, const char *sql, const struct pg_params *params)
{
	struct values v;

	values_of(params, &v);
	step(f, PG_STEP_QUERY, NULL,
	    PQsendQueryParams(f->pg->connection, sql, v.n, v.type, v.value, v.length, v.format, 0));
	return f->n - 1;
}

void pg_flush_sync(struct pg_flush *f)
{
	step(f, PG_STEP_SYNC, NULL, PQpipelineSync(f->pg->connection));
	if (!f->pg->broken && PQflush(f->pg->connection) < 0)
		lose(f);
}

/* Until the server has said or taken something. False: the deadline, or the connection's end. */
static bool wait(struct pg_flush *f, short events)
{
	struct pollfd fd = { .fd = PQsocket(f->pg->connection), .events = events };
	int64_t left = f->deadline_ms - clock_mono_ms();

	if (left > 0 && poll(&fd, 1, (int)left) >= 0)
		return true;
	if (left <= 0) {
		f->pg->broken = true;
		fail(f, ERR_TIMEOUT, "PostgreSQL does not answer in time");
	}
	return left > 0;
}

static bool send_all(struct pg_flush *f)
{
	PGconn *c = f->pg->connection;
	int left;

	while ((left = PQflush(c)) > 0) {
		if (!wait(f, POLLIN | POLLOUT))
			return false;
		if (PQconsumeInput(c) == 0)
			break;
	}
	if (left != 0)
		lose(f);
	return left == 0;
}

/* After FATAL the server ends the connection. */
static void note_error(struct pg_flush *f, const PGresult *r)
{
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (f->err == ERR_OK)
		f->err = pg_result_error(f->pg->connection, r, f->sqlstate, &f->why);
	if (severity != NULL && strcmp(severity, "ERROR") != 0)
		f->pg->broken = true;
}

/* The next result, NULL at a statement's end; false: there is none, the flush is lost. */
static bool next_result(struct pg_flush *f, PGresult **ret)
{
	PGconn *c = f->pg->connection;

	*ret = NULL;
	while (PQisBusy(c)) {
		if (!wait(f, POLLIN))
			return false;
		if (PQconsumeInput(c) == 0) {
			lose(f);
			return false;
		}
	}
	*ret = PQgetResult(c);
	if (*ret == NULL || PQstatus(c) == CONNECTION_OK)
		return true;
	if (PQresultErrorField(*ret, PG_DIAG_SQLSTATE) != NULL)
		note_error(f, *ret);
	lose(f);
	PQclear(*ret);
	return false;
}

static void read_step(struct pg_flush *f, struct pg_step *s)
{
	PGresult *r, *end = NULL;

	if (!next_result(f, &r))
		return;
	if (PQresultStatus(r) == PGRES_FATAL_ERROR)
		note_error(f, r);
	if (s->kind == PG_STEP_PREPARE && PQresultStatus(r) == PGRES_COMMAND_OK && f->pg->n_prepared < PG_PREPARED_MAX)
		f->pg->prepared[f->pg->n_prepared++] = s->statement;
	if (s->kind == PG_STEP_QUERY)
		s->result = r;
	else
		PQclear(r);
	if (s->kind == PG_STEP_SYNC || f->pg->broken)
		return;
	(void)next_result(f, &end); /* NULL: the statement's end */
	PQclear(end);
}

static void run(struct pg_flush *f)
{
	if (f->n == 0 || f->step[f->n - 1].kind != PG_STEP_SYNC)
		pg_flush_sync(f);
	if (f->pg->broken || !send_all(f))
		return;
	for (size_t i = 0; i < f->n && !f->pg->broken; i++)
		read_step(f, &f->step[i]);
}

static void leave_transaction(struct pg_flush *f)
{
	struct pg_flush back;

	if (f->pg->broken || PQtransactionStatus(f->pg->connection) == PQTRANS_IDLE)
		return;
	pg_flush_begin(&back, f->pg, f->deadline_ms - clock_mono_ms());
	(void)pg_flush_add(&back, &roll_back, NULL);
	run(&back);
	if (PQtransactionStatus(f->pg->connection) != PQTRANS_IDLE)
		f->pg->broken = true;
	pg_flush_end(&back);
}

enum err pg_flush_run(struct pg_flush *f, struct why *why)
{
	run(f);
	leave_transaction(f);
	if (f->err != ERR_OK)
		metric_add_by(METRIC_POSTGRES_ERRORS, slice_of(err_name(f->err)), 1);
	return f->err == ERR_OK ? ERR_OK : why_fail(why, f->err, "%s", f->why.text);
}

const PGresult *pg_flush_result(const struct pg_flush *f, size_t added)
{
	return f->step[added].result;
}

void pg_flush_end(struct pg_flush *f)
{
	for (size_t i = 0; i < f->n; i++)
		PQclear(f->step[i].result);
	f->n = 0;
}

/* Runs all of it for the result of one step, and ends it with its borrowed connection. */
static enum err run_for(struct pg_pool *pool, struct pg_flush *f, size_t at, PGresult **ret, struct why *why)
{
	struct pg *pg = f->pg;
	enum err err = pg_flush_run(f, why);

	if (err == ERR_OK) {
		*ret = f->step[at].result;
		f->step[at].result = NULL;
	}
	pg_flush_end(f);
	pg_give_back(pool, pg);
	return err;
}

enum err pg_do(struct pg_pool *pool, const struct pg_statement *statement, const struct pg_params *params,
    PGresult **ret, struct why *why)
{
	struct pg_flush f;
	struct pg *pg;
	enum err err = pg_borrow(pool, &pg, why);
	size_t at;

	*ret = NULL;
	if (err != ERR_OK)
		return err;
	pg_flush_begin(&f, pg, pg_pool_settings(pool)->lease_ms * 6 / 10);
	at = pg_flush_add(&f, statement, params);
	return run_for(pool, &f, at, ret, why);
}

enum err pg_ask(struct pg_pool *pool, const char *sql, const struct pg_params *params, PGresult **ret, struct why *why)
{
	struct pg_flush f;
	struct pg *pg;
	enum err err = pg_borrow(pool, &pg, why);
	char patience[64];
	size_t at;

	*ret = NULL;
	if (err != ERR_OK)
		return err;
	(void)snprintf(patience, sizeof patience, "SET LOCAL statement_timeout = %d", PG_PATIENCE_MS);
	pg_flush_begin(&f, pg, PG_PATIENCE_MS + PG_CONNECT_MS);
	(void)pg_flush_add(&f, &pg_begin, NULL);
	(void)pg_flush_text(&f, patience, NULL);
	at = pg_flush_text(&f, sql, params);
	(void)pg_flush_add(&f, &pg_commit, NULL);
	return run_for(pool, &f, at, ret, why);
}
