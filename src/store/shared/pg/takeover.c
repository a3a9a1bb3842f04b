/* takeover.c - statements of a take-over. */
#include "store/shared/pg/takeover.h"

#include "store/shared/pg/pipeline.h"

static const struct pg_statement took_over = { "took_over", "SELECT took_over IS NOT NULL FROM c2o_meta" };
static const struct pg_statement note_took_over = { "note_took_over",
	"UPDATE c2o_meta SET took_over = now() WHERE took_over IS NULL" };
static const struct pg_statement insert_dialogs = {
	"insert_dialogs",
	"INSERT INTO c2o_clients(client_id, version, turn_id, covers, dialog, dialog_id, question, last_event, reply_meta, updated_at)"
	" SELECT DISTINCT ON (d.client) d.client, 1, d.turn, '[]', d.dialog, d.did, '', 0, '{}', now()"
	" FROM unnest($1, $2, $3, $4) AS d(client, turn, dialog, did) ORDER BY d.client ON CONFLICT (client_id) DO NOTHING"
};

enum err pg_took_over(struct shared *s, bool *ret, struct why *why)
{
	PGresult *r;
	enum err err = pg_do(s->pg, &took_over, NULL, &r, why);

	if (err != ERR_OK)
		return err;
	*ret = PQntuples(r) == 1 && pg_value_bool(r, 0, 0);
	PQclear(r);
	return ERR_OK;
}

enum err pg_note_took_over(struct shared *s, struct why *why)
{
	PGresult *r;
	enum err err = pg_do(s->pg, &note_took_over, NULL, &r, why);

	PQclear(r);
	return err;
}

enum err pg_insert_dialogs(struct shared *s, const struct client_row *rows, size_t n, struct why *why)
{
	struct pg_params p = { 0 };
	PGresult *r;
	enum err err;

	for (int i = 0; i < 4; i++)
		pg_param_array(&p, PG_TEXT);
	for (size_t i = 0; i < n; i++) {
		pg_add_text(&p, 0, rows[i].client_id);
		pg_add_text(&p, 1, rows[i].turn_id);
		pg_add_text(&p, 2, rows[i].dialog);
		pg_add_text(&p, 3, rows[i].dialog_id);
	}
	err = pg_do(s->pg, &insert_dialogs, &p, &r, why);
	pg_params_free(&p);
	PQclear(r);
	return err;
}
