/* meta.c - the one row about the whole store, and the lock by which one process works on all of it. */
#include "store/shared/pg/connect.h"
#include "store/shared/pg/pipeline.h"

static const struct pg_statement epoch_is = { "epoch", "SELECT epoch FROM c2o_meta" };
static const struct pg_statement epoch_becomes = { "set_epoch", "UPDATE c2o_meta SET epoch = $1" };

enum err pg_epoch(struct shared *s, char epoch[OWNER_SIZE], struct why *why)
{
	PGresult *r;
	enum err err = pg_do(s->pg, &epoch_is, NULL, &r, why);

	epoch[0] = '\0';
	if (err != ERR_OK)
		return err;
	if (PQntuples(r) == 1 && !slice_to_buffer(pg_value(r, 0, 0), epoch, OWNER_SIZE))
		err = why_fail(why, ERR_CONFLICT, "c2o_meta.epoch is no epoch of ours");
	PQclear(r);
	return err;
}

enum err pg_set_epoch(struct shared *s, const char *epoch, struct why *why)
{
	struct pg_params p = { 0 };
	PGresult *r;
	enum err err;

	pg_param_text(&p, slice_of(epoch));
	err = pg_do(s->pg, &epoch_becomes, &p, &r, why);
	pg_params_free(&p);
	PQclear(r);
	return err;
}

/* The lock is its session's: it ends with the connection, however this process ends. */
enum err pg_with_lock(struct shared *s, enum err (*work)(struct shared *s, void *context, struct why *why),
    void *context, struct why *why)
{
	PGconn *connection;
	enum err err = pg_connect(&s->settings, &connection, why);
	PGresult *r;

	if (err != ERR_OK)
		return err;
	r = PQexec(connection, "SELECT pg_try_advisory_lock(hashtext('chat2order'), 1)");
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		err = pg_result_error(connection, r, NULL, why);
	else if (!pg_value_bool(r, 0, 0))
		err = why_fail(why, ERR_AGAIN, "another process is taking over or restoring; it is waited for");
	PQclear(r);
	if (err == ERR_OK) {
		err = work(s, context, why);
		/* the server ends a closed connection's session some time later, and the next who asks would wait */
		PQclear(PQexec(connection, "SELECT pg_advisory_unlock(hashtext('chat2order'), 1)"));
	}
	PQfinish(connection);
	return err;
}
