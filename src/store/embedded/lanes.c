/* lanes.c - the steps of a lane that several verbs share. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

static void open_lane(struct embedded *e, struct slice client_id, int64_t place, int64_t now)
{
	(void)sql_run(&e->writer,
	    "INSERT INTO lanes(client_id, state, due_at, check_at, waiting, waiting_since, last_at, first, last)"
	    " VALUES(?1,0,?2,?3,1,?2,?2,?4,?4)",
	    "tiii", client_id, now, now + e->dialog_ttl, place);
}

/* The lane's last message; 0: none waits; -1: there is no lane. */
static int64_t last_of(struct sql *s, struct slice client_id)
{
	return sql_int(s, -1, "SELECT last FROM lanes WHERE client_id=?", "t", client_id);
}

void lane_enter(struct embedded *e, struct slice client_id, int64_t place, int64_t now)
{
	struct sql *s = &e->writer;
	int64_t last = last_of(s, client_id);

	if (last < 0) {
		open_lane(e, client_id, place, now);
		return;
	}
	if (last > 0)
		(void)sql_run(s, "INSERT INTO followed(seq, next) VALUES(?,?)", "ii", last, place);
	(void)sql_run(s,
	    "UPDATE lanes SET waiting=waiting+1, first=CASE WHEN first=0 THEN ?2 ELSE first END, last=?2,"
	    " waiting_since=ifnull(waiting_since, ?3), due_at=CASE WHEN state=0 THEN ifnull(due_at, ?3) ELSE due_at END"
	    " WHERE client_id=?1",
	    "tii", client_id, place, now);
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

void lane_settle(struct embedded *e, struct slice client_id, int64_t now)
{
	struct sql *s = &e->writer;
	char reply[STORE_TURN_ID_SIZE];

	if (parked_reply(s, client_id, reply) &&
	    sql_run(s, "UPDATE lanes SET state=2, due_at=NULL, reply_id=? WHERE client_id=? AND state=0", "tt",
		slice_of(reply), client_id) > 0)
		(void)sql_run(s, "UPDATE outbox SET state=0, due_at=? WHERE reply_id=?", "it", now, slice_of(reply));
}

static void log_buried(struct sql *s, struct slice client_id, const char *reason, struct slice now_text)
{
	(void)sql_run(s,
	    "INSERT INTO message_logs(client_id, message_id, text, dialog_state, timestamp, success, error_reason, created_at)"
	    " SELECT client_id, message_id, text, NULL, CASE WHEN event_at<>0 THEN event_at ELSE arrived_at END, 0, ?2, ?3"
	    " FROM messages WHERE seq=(SELECT first FROM lanes WHERE client_id=?1)"
	    " ON CONFLICT(message_id) DO UPDATE SET success=0, error_reason=excluded.error_reason",
	    "ttt", client_id, slice_cut(slice_of(reason), STORE_REASON_MAX), now_text);
}

/* The lane's oldest message becomes a dead letter; the lane goes on with the next. */
void lane_bury_first(struct embedded *e, struct slice client_id, const char *reason, int64_t attempts, int64_t now)
{
	struct sql *s = &e->writer;
	char text[CLOCK_TEXT_SIZE];
	int64_t first;

	log_buried(s, client_id, reason, slice_of(clock_format(now, text)));
	(void)sql_run(s,
	    "INSERT INTO dead_letters(kind, client_id, ref, dialog_id, text, reason, attempts, transport, channel_id, created_at,"
	    " died_at, message_kind, coordinates, client_phone, event_at, said_at)"
	    " SELECT 1, m.client_id, m.message_id, l.dialog_id, m.text, ?2, ?3, m.transport, m.channel_id, m.arrived_at, ?4, m.kind,"
	    " m.coordinates, m.client_phone, m.event_at, m.said_at"
	    " FROM lanes l JOIN messages m ON m.seq=l.first WHERE l.client_id=?1",
	    "ttii", client_id, slice_cut(slice_of(reason), STORE_REASON_MAX), attempts, now);
	first = sql_int(s, 0, "SELECT first FROM lanes WHERE client_id=?", "t", client_id);
	(void)sql_run(s,
	    "UPDATE lanes SET state=0, owner=NULL, lease=NULL, held=0, attempts=0, crashes=0, waiting=waiting-1,"
	    " alone=CASE WHEN apart_to>held_to THEN alone ELSE 0 END,"
	    " due_at=CASE WHEN waiting>1 THEN ?2 ELSE NULL END, " LANE_GOES_ON(
		LANE_NEXT_OF("first"), "waiting<=1") " WHERE client_id=?1",
	    "ti", client_id, now);
	lane_remove(s, first);
	lane_settle(e, client_id, now);
}

/* A failed turn of several messages is run again message by message; a turn of one spends an attempt. An expired
 * dialog's turn has no message to bury: it is tried again with the longest delay. */
void lane_failed(struct embedded *e, struct slice client_id, const char *reason, int64_t now, bool *ret_buried)
{
	enum { LONGEST_SHIFT = 5 };
	struct sql *s = &e->writer;
	sqlite3_stmt *q = sql_query(s, "SELECT held, attempts FROM lanes WHERE client_id=?", "t", client_id);
	int64_t held, attempts, shift;

	*ret_buried = false;
	if (!sql_row(s, q))
		return;
	held = sql_column_int(q, 0);
	attempts = sql_column_int(q, 1) + (held == 1 ? 1 : 0);
	sql_done(q);
	if (held == 1 && attempts >= e->turn_attempts) {
		lane_bury_first(e, client_id, reason, attempts, now);
		*ret_buried = true;
		return;
	}
	shift = held == 0 || attempts > LONGEST_SHIFT ? LONGEST_SHIFT : attempts > 0 ? attempts - 1 : 0;
	(void)sql_run(s,
	    "UPDATE lanes SET state=3, due_at=?2, attempts=?3, owner=NULL, lease=NULL, held=0, crashes=0,"
	    " expire=CASE WHEN held=0 THEN 1 ELSE 0 END, apart_to=max(apart_to, CASE WHEN held>1 THEN held_to ELSE 0 END)"
	    " WHERE client_id=?1",
	    "tii", client_id, now + (e->turn_backoff << shift), attempts);
}
