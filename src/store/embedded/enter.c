/* enter.c - intake only appends; here what it appended enters its lanes, all messages of a client in one step.
 *
 * Whoever waits for turns or replies lets messages enter first. A message whose lane is busy could not be taken anyway: while none of
 * those that entered last found its lane free, the next ones gather for some milliseconds, and a lane that many of them wait
 * for is changed once. Where nobody waits, an add lets them enter when they are many. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#include <stdlib.h>

enum {
	STRETCH = 1024,         /* messages looked at together */
	APPENDED_MOST = 1024,   /* then an add lets them enter: a few milliseconds */
	GATHER_LEAST_US = 1000, /* doubled each time that no lane was free, */
	GATHER_MOST_US = 8000   /* up to this */
};

struct arrived {
	struct lane lane; /* number 0: there is none yet */
	int64_t place, at, last;
	enum lane_state state;
};

int64_t enter_waiting(struct sql *s)
{
	return sql_int(s, 0, "SELECT next_seq-entered FROM intake", "");
}

static size_t find_arrived(struct sql *s, struct arena *a, struct arrived **ret)
{
	int64_t waiting = enter_waiting(s);
	size_t most = (size_t)(waiting < STRETCH ? waiting : STRETCH), n = 0;
	sqlite3_stmt *q;

	if (most == 0)
		return 0;
	*ret = arena_alloc(a, most * sizeof **ret);
	q = sql_query(s,
	    "SELECT ifnull(lane,0), messages.client_id, seq, arrived_at, ifnull(last,0), ifnull(state,0)"
	    " FROM messages LEFT JOIN lanes USING(client_id) WHERE seq>=(SELECT entered FROM intake) ORDER BY seq LIMIT ?",
	    "i", (int64_t)most);
	while (n < most && sql_row(s, q))
		(*ret)[n++] = (struct arrived){ { sql_column_int(q, 0), sql_column_copy(q, 1, a) },
			sql_column_int(q, 2), sql_column_int(q, 3), sql_column_int(q, 4),
			(enum lane_state)sql_column_int(q, 5) };
	sql_done(q);
	return n;
}

/* Those of a client together, in their order. */
static int compare(const void *left, const void *right)
{
	const struct arrived *a = left, *b = right;
	struct slice x = a->lane.client_id, y = b->lane.client_id;
	int by_client = x.n != y.n ? (x.n < y.n ? -1 : 1) : memcmp(x.p, y.p, x.n);

	return by_client != 0 ? by_client : (a->place > b->place) - (a->place < b->place);
}

static size_t count_of_client(const struct arrived *m, size_t n)
{
	size_t same = 1;

	while (same < n && slice_eq(m[same].lane.client_id, m[0].lane.client_id))
		same++;
	return same;
}

/* Messages of one client, in their order: opens the lane where there is none, wakes it where it is free. */
static void enter_lane(struct embedded *e, const struct arrived *m, size_t n, int64_t now)
{
	struct sql *s = &e->writer;
	int64_t lane = m->lane.number != 0 ? m->lane.number : lane_open(e, m->lane.client_id, now);

	if (m->last > 0)
		lane_follow(s, m->last, m->place);
	for (size_t i = 1; i < n; i++)
		lane_follow(s, m[i - 1].place, m[i].place);
	(void)sql_run(s,
	    "UPDATE lanes SET waiting=waiting+?2, first=CASE WHEN first=0 THEN ?3 ELSE first END, last=?4,"
	    " waiting_since=ifnull(waiting_since, ?5), due_at=CASE WHEN state=0 THEN ifnull(due_at, ?5) ELSE due_at END"
	    " WHERE lane=?1",
	    "iiiii", lane, (int64_t)n, m->place, m[n - 1].place, m->at);
}

/* Does any reply wait for a later retry? Mostly none does, and then no lane need be looked at. */
static bool replies_wait(struct sql *s, int64_t now)
{
	return sql_int(s, 0, "SELECT 1 FROM outbox WHERE state=0 AND due_at>? LIMIT 1", "i", now) != 0;
}

/* The waiting reply of a speaking lane is tried at once: its client is there. */
static void hurry_reply(struct sql *s, int64_t lane, int64_t now)
{
	(void)sql_run(s,
	    "UPDATE outbox SET due_at=?1 WHERE reply_id=(SELECT reply_id FROM dialogs WHERE lane=?2) AND state=0 AND due_at>?1",
	    "ii", now, lane);
}

/* The next stretch: how many messages; any_free is set where a lane was free. */
static size_t enter_stretch(struct embedded *e, bool *any_free)
{
	struct sql *s = &e->writer;
	struct arena a = { 0 };
	struct arrived *m = NULL;
	size_t count = find_arrived(s, &a, &m);
	int64_t now = clock_wall_ms(), last = count > 0 ? m[count - 1].place : 0;
	bool hurry = count > 0 && replies_wait(s, now);

	if (count > 1)
		qsort(m, count, sizeof *m, compare);
	for (size_t i = 0, n; i < count; i += n) {
		n = count_of_client(m + i, count - i);
		enter_lane(e, m + i, n, now);
		*any_free = *any_free || m[i].state == LANE_FREE;
		if (hurry && m[i].state == LANE_SPEAKING)
			hurry_reply(s, m[i].lane.number, now);
	}
	if (count > 0)
		(void)sql_run(s, "UPDATE intake SET entered=?", "i", last + 1);
	arena_free(&a);
	return count;
}

/* All of them: how many. */
static size_t enter(struct embedded *e, bool *any_free)
{
	size_t n = 0, count;

	do
		n += count = enter_stretch(e, any_free);
	while (count == STRETCH && e->writer.err == ERR_OK);
	return n;
}

void enter_lanes(struct embedded *e)
{
	bool any_free = false;

	(void)enter(e, &any_free);
}

void enter_if_many(struct embedded *e)
{
	if (enter_waiting(&e->writer) >= APPENDED_MOST)
		enter_lanes(e);
}

/* Who looks for the first time sees all that was added before he came. */
static bool all_have_looked(const struct job *waiters)
{
	const struct job *j = waiters;

	while (j != NULL && j->looked)
		j = j->next;
	return j == NULL;
}

void enter_for_waiters(struct embedded *e, const struct job *waiters)
{
	int64_t now_us = clock_mono_us();
	bool any_free = false;

	if ((now_us < e->enter_at_us && all_have_looked(waiters)) || enter(e, &any_free) == 0)
		return;
	if (any_free)
		e->enter_pause_us = 0;
	else if (e->enter_pause_us == 0)
		e->enter_pause_us = GATHER_LEAST_US;
	else if (e->enter_pause_us < GATHER_MOST_US)
		e->enter_pause_us *= 2;
	e->enter_at_us = now_us + e->enter_pause_us;
}
