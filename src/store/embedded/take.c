/* take.c - turns: which lanes are due, and what a worker needs to run each. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#include <inttypes.h>
#include <stdio.h>

struct take {
	size_t most;
	struct store_turns *ret;
};

/* A lane that wants a worker, as found; one in turn whose lease has ended is the keeper's. */
struct due {
	struct slice client_id, dialog, dialog_id, asked, profile, order_status;
	bool expire, alone;
	int64_t lane, first, waiting, attempts, apart_to, shown_at, last_event_at, order_id;
};

static size_t find_due(struct sql *s, size_t most, int64_t now, struct arena *a, struct due *due)
{
	sqlite3_stmt *q = sql_query(s,
	    "SELECT lanes.client_id, expire, alone, waiting, attempts, apart_to, dialog, dialog_id, ifnull(shown_at,0),"
	    " last_event_at, ifnull(order_id,0), profile, (SELECT status FROM orders o WHERE o.id=order_id), first, lane, question"
	    " FROM lanes JOIN dialogs USING(lane) LEFT JOIN profiles ON profiles.client_id=lanes.client_id"
	    " WHERE due_at<=? AND state<>1 ORDER BY due_at LIMIT ?",
	    "ii", now, (int64_t)most);
	size_t n = 0;

	while (n < most && sql_row(s, q)) {
		due[n++] = (struct due){
			.client_id = sql_column_copy(q, 0, a),
			.expire = sql_column_int(q, 1) != 0,
			.alone = sql_column_int(q, 2) != 0,
			.waiting = sql_column_int(q, 3),
			.attempts = sql_column_int(q, 4),
			.apart_to = sql_column_int(q, 5),
			.dialog = sql_column_copy(q, 6, a),
			.dialog_id = sql_column_copy(q, 7, a),
			.shown_at = sql_column_int(q, 8),
			.last_event_at = sql_column_int(q, 9),
			.order_id = sql_column_int(q, 10),
			.profile = sql_column_copy(q, 11, a),
			.order_status = sql_column_copy(q, 12, a),
			.first = sql_column_int(q, 13),
			.lane = sql_column_int(q, 14),
			.asked = sql_column_copy(q, 15, a),
		};
	}
	sql_done(q);
	return n;
}

static struct store_message read_message(sqlite3_stmt *q, int64_t place, struct slice client_id, struct arena *a)
{
	return (struct store_message){
		.client_id = client_id,
		.place = place,
		.message_id = sql_column_copy(q, 1, a),
		.kind = (enum kind)sql_column_int(q, 2),
		.text = sql_column_copy(q, 3, a),
		.coordinates = sql_column_copy(q, 4, a),
		.transport = sql_column_copy(q, 5, a),
		.client_phone = sql_column_copy(q, 6, a),
		.channel_id = sql_column_int(q, 7),
		.event_ms = sql_column_int(q, 8),
		.arrived_ms = sql_column_int(q, 9),
		.said_ms = sql_column_int(q, 10),
		.late = sql_column_int(q, 12) != 0,
		.forced = sql_column_int(q, 13) != 0,
	};
}

/* The oldest waiting messages of the lane; where a neighbour failed or crashed, one at a time. */
static int64_t read_messages(struct sql *s, const struct due *due, struct store_turn *turn, struct arena *a)
{
	size_t room = (size_t)(due->waiting < STORE_TURN_MESSAGES_MAX ? due->waiting : STORE_TURN_MESSAGES_MAX);
	int64_t place = due->first, held_to = 0;

	turn->messages = arena_alloc(a, (room + 1) * sizeof *turn->messages);
	while (turn->n_messages < room && (turn->n_messages == 0 || held_to > due->apart_to)) {
		sqlite3_stmt *q = sql_query(s,
		    "SELECT next, message_id, kind, text, coordinates, transport, client_phone, channel_id, event_at, arrived_at,"
		    " said_at, arrived_us, late, forced FROM messages LEFT JOIN followed USING(seq) WHERE seq=?",
		    "i", place);

		if (!sql_row(s, q))
			break;
		if (turn->n_messages == 0)
			turn->oldest_arrived_us = sql_column_int(q, 11);
		turn->messages[turn->n_messages++] = read_message(q, place, turn->client_id, a);
		held_to = place;
		place = sql_column_int(q, 0);
		sql_done(q);
	}
	return held_to;
}

static void hold_lane(struct sql *s, const struct store_turn *turn, bool alone, int64_t hung_ms)
{
	(void)sql_run(s,
	    "UPDATE lanes SET state=1, owner=?, lease=?, due_at=?, held=?, held_to=?, crashes=crashes+?, expire=0"
	    " WHERE lane=?",
	    "iiiiiii", (int64_t)turn->lease.owner, (int64_t)turn->lease.counter, turn->taken_ms + hung_ms,
	    (int64_t)turn->n_messages, turn->held_to, (int64_t)alone, turn->lane);
}

static void give_turn(struct embedded *e, struct take *take, const struct due *due, int64_t now)
{
	struct arena *a = &take->ret->arena;
	struct store_turn *turn = &take->ret->turn[take->ret->n++];

	*turn = (struct store_turn){
		.lease = { e->owner, ++e->leases },
		.client_id = due->client_id,
		.lane = due->lane,
		.asked = due->asked,
		.alone = due->alone,
		.attempt = (unsigned)due->attempts + 1,
		.expired = due->expire,
		.dialog = due->dialog,
		.dialog_id = due->dialog_id,
		.shown_ms = due->shown_at,
		.last_event_ms = due->last_event_at,
		.profile = due->profile,
		.order_number = due->order_id,
		.order_status = due->order_status,
		.taken_ms = now,
	};
	(void)snprintf(
	    turn->turn_id, sizeof turn->turn_id, "%016" PRIx64 "-%010" PRIx64, turn->lease.owner, turn->lease.counter);
	if (!due->expire)
		turn->held_to = read_messages(&e->writer, due, turn, a);
	hold_lane(&e->writer, turn, due->alone, e->hung);
}

static enum err run_take(struct embedded *e, void *args)
{
	struct take *take = args;
	struct store_turns *ret = take->ret;
	int64_t now = clock_wall_ms();
	struct due *due;
	size_t n;

	arena_reset(&ret->arena);
	ret->n = 0;
	if (e->held > 0 && e->held_alone)
		return ERR_OK;
	ret->turn = arena_alloc(&ret->arena, take->most * sizeof *ret->turn);
	due = arena_alloc(&ret->arena, take->most * sizeof *due);
	n = find_due(&e->writer, take->most, now, &ret->arena, due);
	for (size_t i = 0; i < n && e->writer.err == ERR_OK; i++) {
		if (due[i].alone && e->held > 0)
			break;
		give_turn(e, take, &due[i], now);
		e->held++;
		e->held_alone = due[i].alone;
		if (due[i].alone)
			break;
	}
	return e->writer.err;
}

static bool found_turns(const void *args)
{
	return ((const struct take *)args)->ret->n > 0;
}

enum err embedded_take(struct store *store, size_t most, int64_t wait_ms, struct store_turns *ret)
{
	struct take take = { .most = most, .ret = ret };
	enum err err;

	ret->n = 0;
	err = writer_wait(embedded_of(store), run_take, found_turns, JOB_COMMITTED, &take, wait_ms);
	if (err != ERR_OK)
		ret->n = 0;
	return err;
}
