/* people.c - log rows of dead letters, and pruning. */
#include "store/shared/pg/pipeline.h"

static const struct pg_statement log_buried = { "log_buried",
	"INSERT INTO message_logs(client_id, message_id, text, timestamp, success, error_reason, version, created_at)"
	" SELECT DISTINCT ON (b.id) b.client, b.id, b.text, b.ts, false, b.reason, 0, now()"
	" FROM unnest($1, $2, $3, $4, $5) AS b(client, id, text, reason, ts) ORDER BY b.id"
	" ON CONFLICT (message_id) DO UPDATE SET success = false, error_reason = excluded.error_reason"
	" WHERE message_logs.version = 0" };

/* By the lowest ids: there need not be an index by time. One with a time as far in the future, written by a clock that
 * was wrong, must not stand before the others for ever. */
static const struct pg_statement prune = { "prune",
	"WITH mine AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('chat2order'), 2) AS got),"
	" old AS (SELECT k.id FROM (SELECT id, created_at, timestamp FROM message_logs ORDER BY id LIMIT $1) k"
	"  WHERE coalesce(k.created_at, to_timestamp(k.timestamp / 1000.0))"
	"   NOT BETWEEN now() - $2 * interval '1 day' AND now() + $2 * interval '1 day')"
	" DELETE FROM message_logs WHERE (SELECT got FROM mine) AND id IN (SELECT id FROM old)" };

enum err pg_log_buried(struct shared *s, const struct pg_buried *buried, size_t n, struct why *why)
{
	struct pg_params p = { 0 };
	PGresult *r;
	enum err err;

	for (int i = 0; i < 4; i++)
		pg_param_array(&p, PG_TEXT);
	pg_param_array(&p, PG_INT8);
	for (size_t i = 0; i < n; i++) {
		pg_add_text(&p, 0, buried[i].client_id);
		pg_add_text(&p, 1, buried[i].message_id);
		pg_add_text(&p, 2, buried[i].text.p != NULL ? buried[i].text : SLICE(""));
		pg_add_text(&p, 3, buried[i].reason);
		pg_add_int(&p, 4, buried[i].timestamp_ms);
	}
	err = pg_do(s->pg, &log_buried, &p, &r, why);
	pg_params_free(&p);
	PQclear(r);
	return err;
}

enum err pg_prune(struct shared *s, size_t most, size_t *ret, struct why *why)
{
	struct pg_params p = { 0 };
	int64_t pruned = 0;
	PGresult *r;
	enum err err;

	*ret = 0;
	pg_param_int(&p, (int64_t)most);
	pg_param_int(&p, s->settings.log_days);
	err = pg_do(s->pg, &prune, &p, &r, why);
	pg_params_free(&p);
	if (err != ERR_OK)
		return err;
	(void)slice_to_int64(slice_of(PQcmdTuples(r)), &pruned);
	*ret = (size_t)pruned;
	PQclear(r);
	return ERR_OK;
}
