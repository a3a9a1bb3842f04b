/* dialogs.c - `dialog:<client>`, the predecessor's open dialogs: into rows and lanes, then gone. */
#include "base/crash.h"
#include "base/jdoc.h"
#include "store/shared/lane.h"
#include "store/shared/pg/pg.h"
#include "store/shared/pg/takeover.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/finish.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/redis.h"
#include "store/shared/takeover/inside.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

#define PREFIX "dialog:"

struct old_dialog {
	struct slice key, client_id, json;
	int64_t created_ms, updated_ms, left_ms; /* left: of its life; at most 0: it has no end */
	bool is_begun;                           /* else there is nothing to take over */
};

struct page {
	struct old_dialog *dialog;
	size_t n;
	struct arena arena;
};

/* False: it is not the predecessor's, and is left alone. */
static bool read_json(struct old_dialog *d)
{
	struct slice state;
	struct jdoc root;
	bool ok = jdoc_parse(d->json, &root) && jdoc_kind(root) == JDOC_OBJECT;

	if (ok) {
		state = jdoc_string(jdoc_member(root, "state"));
		d->created_ms = jdoc_integer(jdoc_member(root, "createdAt"));
		d->updated_ms = jdoc_integer(jdoc_member(root, "updatedAt"));
		d->is_begun = !slice_eq(state, SLICE("INITIAL"));
		ok = state.n > 0;
	}
	jdoc_done();
	return ok;
}

static enum err read_dialog(struct shared *s, struct page *p, struct slice key, struct why *why)
{
	struct old_dialog *d = &p->dialog[p->n];
	struct redisReply *reply = NULL;
	enum err err = takeover_ask(s, (struct slice[]){ SLICE("GET"), key }, 2, &reply, why);

	if (err != ERR_OK)
		return err;
	*d = (struct old_dialog){ .key = slice_copy(&p->arena, key), .json = slice_copy(&p->arena, redis_text(reply)) };
	d->client_id = (struct slice){ d->key.p + strlen(PREFIX), d->key.n - strlen(PREFIX) };
	freeReplyObject(reply);
	if (d->json.n == 0 || d->client_id.n == 0 || !read_json(d))
		return ERR_OK;
	err = takeover_ask(s, (struct slice[]){ SLICE("PTTL"), key }, 2, &reply, why);
	if (err != ERR_OK)
		return err;
	d->left_ms = redis_int(reply);
	freeReplyObject(reply);
	p->n++;
	return ERR_OK;
}

static enum err read_page(struct shared *s, struct page *p, const struct redisReply *keys, struct why *why)
{
	enum err err = ERR_OK;

	arena_reset(&p->arena);
	p->n = 0;
	p->dialog = arena_alloc(&p->arena, (redis_n(keys) + 1) * sizeof *p->dialog);
	for (size_t i = 0; i < redis_n(keys) && err == ERR_OK; i++)
		err = read_dialog(s, p, redis_text(redis_at(keys, i)), why);
	return err;
}

/* ---- into PostgreSQL -------------------------------------------------------------------------------- */

static struct client_row row_of(const struct old_dialog *d, struct arena *a)
{
	struct buf turn = { 0 }, dialog = { 0 };
	struct client_row row = { .client_id = d->client_id, .version = 1, .dialog = d->json };

	buf_text(&turn, "pre-");
	buf_slice(&turn, d->client_id);
	buf_slice(&dialog, buf_as_slice(&turn));
	buf_printf(&dialog, "-%" PRId64, d->created_ms);
	row.turn_id = slice_copy(a, buf_as_slice(&turn));
	row.dialog_id = slice_copy(a, buf_as_slice(&dialog));
	buf_free(&turn);
	buf_free(&dialog);
	return row;
}

/* What stands there afterwards: ours by the take-over, or what the client has come to since. */
static enum err insert_rows(struct shared *s, struct page *p, struct client_row **ret, struct why *why)
{
	struct client_row *rows = arena_alloc(&p->arena, (p->n + 1) * sizeof *rows);
	struct slice *clients = arena_alloc(&p->arena, (p->n + 1) * sizeof *clients);
	size_t n = 0;
	enum err err;

	*ret = arena_alloc(&p->arena, (p->n + 1) * sizeof **ret);
	for (size_t i = 0; i < p->n; i++) {
		clients[i] = p->dialog[i].client_id;
		if (p->dialog[i].is_begun)
			rows[n++] = row_of(&p->dialog[i], &p->arena);
	}
	err = pg_insert_dialogs(s, rows, n, why);
	return err == ERR_OK ? pg_rows(s, clients, p->n, &p->arena, *ret, why) : err;
}

/* ---- into Redis ------------------------------------------------------------------------------------- */

static struct slice number(int64_t value, struct arena *a)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRId64, value);

	return (struct slice){ arena_copy(a, text, (size_t)n), (size_t)n };
}

static struct slice lane_key(const struct shared *s, struct slice client_id, struct arena *a)
{
	struct buf key = { 0 };
	struct slice copy;

	buf_printf(&key, "%s:lane:", s->settings.store_prefix);
	buf_slice(&key, client_id);
	copy = slice_copy(a, buf_as_slice(&key));
	buf_free(&key);
	return copy;
}

/* Its question was shown when the dialog was written last, so that a yes counts; its end is the one it had. Nobody takes
 * a turn before the take-over is done, so that these need not be one step with the record. */
static enum err set_times(struct shared *s, const struct old_dialog *d, struct arena *a, struct why *why)
{
	int64_t now = redis_now_ms(s), left = d->left_ms > 0 ? d->left_ms : s->settings.dialog_ttl_s * 1000;
	struct slice shown = number(d->updated_ms > 0 && d->updated_ms < now ? d->updated_ms : now, a);
	struct redisReply *reply = NULL;
	char idle[REDIS_NAME_SIZE];
	enum err err = takeover_ask(s,
	    (struct slice[]){ SLICE("HSET"), lane_key(s, d->client_id, a), SLICE("sh"), shown, SLICE("la"), shown }, 6,
	    &reply, why);

	freeReplyObject(reply);
	if (err != ERR_OK)
		return err;
	err = takeover_ask(s,
	    (struct slice[]){
		SLICE("ZADD"), slice_of(redis_own_key(s, "idle", idle)), number(now + left, a), d->client_id },
	    4, &reply, why);
	freeReplyObject(reply);
	return err;
}

/* The lane stands where the take-over has put it. */
static enum err is_ours(struct shared *s, const struct client_row *row, struct arena *a, bool *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	enum err err = takeover_ask(s,
	    (struct slice[]){ SLICE("HMGET"), lane_key(s, row->client_id, a), SLICE("lt"), SLICE("v") }, 4, &reply,
	    why);

	*ret = err == ERR_OK && slice_eq(redis_text(redis_at(reply, 0)), row->turn_id) &&
	       redis_int(redis_at(reply, 1)) == row->version;
	freeReplyObject(reply);
	return err;
}

static enum err make_lane(
    struct shared *s, const struct old_dialog *d, struct client_row *row, struct arena *a, struct why *why)
{
	struct client_row wanted = row_of(d, a);
	enum redis_recorded how;
	bool ours = false;
	enum err err;

	if (!d->is_begun || row->version != 1 || !slice_eq(row->turn_id, wanted.turn_id))
		return ERR_OK; /* the client has gone on without it */
	row->client_id = d->client_id;
	err = redis_record(s, row, SLICE_NONE, false, &how, why);
	if (err == ERR_OK)
		err = is_ours(s, row, a, &ours, why);
	return err == ERR_OK && ours ? set_times(s, d, a, why) : err;
}

static enum err move_page(struct shared *s, struct page *p, struct why *why)
{
	struct client_row *rows;
	enum err err = insert_rows(s, p, &rows, why);

	for (size_t i = 0; i < p->n && err == ERR_OK; i++) {
		struct redisReply *reply = NULL;

		err = make_lane(s, &p->dialog[i], &rows[i], &p->arena, why);
		crash_point("takeover_dialog");
		if (err == ERR_OK)
			err = takeover_ask(s, (struct slice[]){ SLICE("DEL"), p->dialog[i].key }, 2, &reply, why);
		freeReplyObject(reply);
	}
	return err;
}

/* ---- all of them ------------------------------------------------------------------------------------ */

struct found {
	int64_t begun, not_begun, oldest_ms;
};

static void count(struct found *f, const struct page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct old_dialog *d = &p->dialog[i];

		f->begun += d->is_begun;
		f->not_begun += !d->is_begun;
		if (d->is_begun && d->created_ms > 0 && (f->oldest_ms == 0 || d->created_ms < f->oldest_ms))
			f->oldest_ms = d->created_ms;
	}
}

static void tell(const struct found *f, struct takeover_report *report)
{
	takeover_tell(report, "open dialogs", f->begun, f->oldest_ms, "go on where they are, with what was filled in");
	takeover_tell(report, "dialogs not begun", f->not_begun, 0, "go; the customers' next messages begin them");
}

enum err takeover_dialogs(struct shared *s, bool dry, struct takeover_report *report, struct why *why)
{
	char cursor[TAKEOVER_CURSOR_SIZE] = "0";
	struct page page = { 0 };
	struct found found = { 0 };
	enum err err;

	do {
		struct redisReply *reply = NULL;

		err = takeover_scan(s, PREFIX "*", "string", cursor, &reply, why);
		if (err == ERR_OK)
			err = read_page(s, &page, redis_at(reply, 1), why);
		freeReplyObject(reply);
		if (err != ERR_OK)
			break;
		count(&found, &page);
		if (!dry)
			err = move_page(s, &page, why);
	} while (err == ERR_OK && strcmp(cursor, "0") != 0);
	arena_free(&page.arena);
	if (err == ERR_OK)
		tell(&found, report);
	return err;
}
