/* add.c - intake: duplicates are found by the insert itself, order of arrival is the order of the batch. It only appends; the
 * messages enter their lanes later (enter.c). */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#include <stdatomic.h>
#include <stdlib.h>

struct add {
	const struct store_message *messages;
	size_t n;
	enum store_added *ret;
};

struct arrival {
	int64_t seq, now, now_us, offset;
	bool offset_known;
	struct said said;
};

static bool load_arrival(struct sql *s, struct arrival *a)
{
	sqlite3_stmt *q = sql_query(s, "SELECT next_seq, offsets FROM intake", "");
	struct slice offsets;

	if (!sql_row(s, q))
		return false;
	a->seq = sql_column_int(q, 0);
	offsets = sql_column(q, 1);
	if (offsets.n == sizeof a->said)
		memcpy(&a->said, offsets.p, sizeof a->said);
	if (a->said.n > SAID_OFFSETS || a->said.next >= SAID_OFFSETS)
		a->said = (struct said){ 0 };
	sql_done(q);
	a->now = clock_wall_ms();
	a->now_us = clock_mono_us();
	a->offset = said_median(&a->said, &a->offset_known);
	return true;
}

static int64_t said_at(const struct arrival *a, int64_t event_ms)
{
	int64_t said = event_ms + a->offset;

	if (event_ms == 0 || !a->offset_known || said > a->now)
		return a->now;
	return said;
}

static void insert_message(struct sql *s, const struct store_message *m, const struct arrival *a)
{
	(void)sql_run(s,
	    "INSERT INTO messages(seq, client_id, message_id, kind, text, coordinates, transport, client_phone, channel_id,"
	    " event_at, arrived_at, said_at, arrived_us, late, forced) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,0,0)",
	    "ittittttiiiii", a->seq, m->client_id, m->message_id, (int64_t)m->kind, m->text, m->coordinates,
	    m->transport, m->client_phone, m->channel_id, m->event_ms, a->now, said_at(a, m->event_ms), a->now_us);
}

static enum err run_add(struct embedded *e, void *args)
{
	struct add *add = args;
	struct sql *s = &e->writer;
	struct arrival a = { 0 };
	enum err unwritable = (enum err)atomic_load(&e->writable);

	if (unwritable != ERR_OK)
		return unwritable;
	if (size_is_reached(e, s))
		return ERR_NO_SPACE;
	if (!load_arrival(s, &a))
		return s->err;
	enter_if_many(e);
	for (size_t i = 0; i < add->n && s->err == ERR_OK; i++) {
		const struct store_message *m = &add->messages[i];

		add->ret[i] = seen_is_new(s, m->message_id, a.now) ? STORE_ADDED : STORE_DUPLICATE;
		if (add->ret[i] == STORE_DUPLICATE)
			continue;
		insert_message(s, m, &a);
		if (m->event_ms != 0)
			said_note(&a.said, a.now - m->event_ms);
		a.seq++;
	}
	(void)sql_run(s, "UPDATE intake SET next_seq=?, last_at=?, clock_offset=?, offsets=?", "iiib", a.seq, a.now,
	    a.now - clock_boot_ms(), (struct slice){ (const char *)&a.said, sizeof a.said });
	return s->err;
}

/* An add that was begun. */
struct begun {
	struct job job; /* first: a struct job * is a struct begun * */
	struct add add;
	struct store_adding *adding;
	struct why why;
};

static void tell_added(struct job *job)
{
	struct begun *b = (struct begun *)(void *)job;
	struct store_adding *adding = b->adding;
	enum err err = job->result;

	*store_why() = b->why;
	free(b);
	adding->added(adding, err);
}

void embedded_add_begin(struct store *store, struct store_adding *adding)
{
	struct begun *b = mem_alloc(sizeof *b);

	b->adding = adding;
	b->add = (struct add){ adding->messages, adding->n, adding->ret };
	b->job =
	    (struct job){ .run = run_add, .args = &b->add, .safety = JOB_DURABLE, .why = &b->why, .ended = tell_added };
	writer_begin(embedded_of(store), &b->job);
}

enum err embedded_add(struct store *store, const struct store_message *messages, size_t n, enum store_added *ret)
{
	struct add add = { messages, n, ret };
	struct job job = { .run = run_add, .args = &add, .safety = JOB_DURABLE };

	return writer_do(embedded_of(store), &job);
}
