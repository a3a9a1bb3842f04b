/* lanes.c - the steps of a lane that several verbs share. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

/* Its dialog has a row from the start on, so that a turn need only change it. */
int64_t lane_open(struct embedded *e, struct slice client_id, int64_t now)
{
	struct sql *s = &e->writer;
	int64_t number;

	(void)sql_run(s, "INSERT INTO lanes(client_id, state, check_at, last_at) VALUES(?,0,?,?)", "tii", client_id,
	    now + e->dialog_ttl, now);
	number = sqlite3_last_insert_rowid(s->db);
	(void)sql_run(s, "INSERT INTO dialogs(lane) VALUES(?)", "i", number);
	return number;
}

void lane_follow(struct sql *s, int64_t place, int64_t next)
{
	(void)sql_run(s, "INSERT INTO followed(seq, next) VALUES(?,?)", "ii", place, next);
}

void lane_remove(struct sql *s, int64_t place)
{
	(void)sql_run(s, "DELETE FROM messages WHERE seq=?", "i", place);
	(void)sql_run(s, "DELETE FROM followed WHERE seq=?", "i", place);
}

static bool parked_reply(struct sql *s, struct slice client_id, char reply[STORE_TURN_ID_SIZE])
{
	sqlite3_stmt *q = sql_query(s,
	    "SELECT reply_id FROM outbox WHERE state=2 AND client_id=? ORDER BY created_at, reply_id LIMIT 1", "t",
	    client_id);

	reply[0] = '\0';
	if (sql_row(s, q)) {
		(void)slice_to_buffer(sql_column(q, 0), reply, STORE_TURN_ID_SIZE);
		sql_done(q);
	}
	return reply[0] != '\0';
}

void lane_settle(struct embedded *e, struct lane lane, int64_t now)
{
	struct sql *s = &e->writer;
	char reply[STORE_TURN_ID_SIZE];

	if (!parked_reply(s, lane.client_id, reply) ||
	    sql_run(s, "UPDATE lanes SET state=2, due_at=NULL WHERE lane=? AND state=0", "i", lane.number) == 0)
		return;
	(void)sql_run(s, "UPDATE dialogs SET reply_id=? WHERE lane=?", "ti", slice_of(reply), lane.number);
	(void)sql_run(s, "UPDATE outbox SET state=0, due_at=? WHERE reply_id=?", "it", now, slice_of(reply));
}

static void log_buried(struct sql *s, int64_t lane, const char *reason, struct slice now_text)
{
	(void)sql_run(s,
	    "INSERT INTO message_logs(client_id, message_id, text, dialog_state, timestamp, success, error_reason, created_at)"
	    " SELECT client_id, message_id, text, NULL, CASE WHEN event_at<>0 THEN event_at ELSE arrived_at END, 0, ?2, ?3"
	    " FROM messages WHERE seq=(SELECT first FROM lanes WHERE lane=?1)"
	    " ON CONFLICT(message_id) DO UPDATE SET success=0, error_reason=excluded.error_reason",
	    "itt", lane, slice_cut(slice_of(reason), STORE_REASON_MAX), now_text);
}

/* The lane's oldest message becomes a dead letter; the lane goes on with the next. */
void lane_bury_first(struct embedded *e, struct lane lane, const char *reason, int64_t attempts, int64_t now)
{
	struct sql *s = &e->writer;
	char text[CLOCK_TEXT_SIZE];
	int64_t first;

	log_buried(s, lane.number, reason, slice_of(clock_format(now, text)));
	(void)sql_run(s,
	    "INSERT INTO dead_letters(kind, client_id, ref, dialog_id, text, reason, attempts, transport, channel_id, created_at,"
	    " died_at, message_kind, coordinates, client_phone, event_at, said_at)"
	    " SELECT 1, m.client_id, m.message_id, dialog_id, m.text, ?2, ?3, m.transport, m.channel_id, m.arrived_at, ?4, m.kind,"
	    " m.coordinates, m.client_phone, m.event_at, m.said_at"
	    " FROM lanes JOIN dialogs USING(lane) JOIN messages m ON m.seq=first WHERE lane=?1",
	    "itii", lane.number, slice_cut(slice_of(reason), STORE_REASON_MAX), attempts, now);
	first = sql_int(s, 0, "SELECT first FROM lanes WHERE lane=?", "i", lane.number);
	(void)sql_run(s,
	    "UPDATE lanes SET state=0, owner=NULL, lease=NULL, held=0, attempts=0, crashes=0, waiting=waiting-1,"
	    " alone=CASE WHEN apart_to>held_to THEN alone ELSE 0 END,"
	    " due_at=CASE WHEN waiting>1 THEN ?2 ELSE NULL END, " LANE_GOES_ON(
		LANE_NEXT_OF("first"), "waiting<=1") " WHERE lane=?1",
	    "ii", lane.number, now);
	lane_remove(s, first);
	lane_settle(e, lane, now);
}

/* A failed turn of several messages is run again message by message; a turn of one spends an attempt. An expired
 * dialog's turn has no message to bury: it is tried again with the longest delay. */
void lane_failed(struct embedded *e, struct lane lane, const char *reason, int64_t now, bool *ret_buried)
{
	enum { LONGEST_SHIFT = 5 };
	struct sql *s = &e->writer;
	sqlite3_stmt *q = sql_query(s, "SELECT held, attempts FROM lanes WHERE lane=?", "i", lane.number);
	int64_t held, attempts, shift;

	*ret_buried = false;
	if (!sql_row(s, q))
		return;
	held = sql_column_int(q, 0);
	attempts = sql_column_int(q, 1) + (held == 1 ? 1 : 0);
	sql_done(q);
	if (held == 1 && attempts >= e->turn_attempts) {
		lane_bury_first(e, lane, reason, attempts, now);
		*ret_buried = true;
		return;
	}
	shift = held == 0 || attempts > LONGEST_SHIFT ? LONGEST_SHIFT : attempts > 0 ? attempts - 1 : 0;
	(void)sql_run(s,
	    "UPDATE lanes SET state=3, due_at=?2, attempts=?3, owner=NULL, lease=NULL, held=0, crashes=0,"
	    " expire=CASE WHEN held=0 THEN 1 ELSE 0 END, apart_to=max(apart_to, CASE WHEN held>1 THEN held_to ELSE 0 END)"
	    " WHERE lane=?1",
	    "iii", lane.number, now + (e->turn_backoff << shift), attempts);
}
