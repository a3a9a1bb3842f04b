/* verbs.c - the store's verbs in a test's short words; what goes wrong in them fails the test. */
#include "fixture.h"

#include "given.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

enum { SOON_MS = 5000 /* for what must come; only a failing test waits so long */ };

struct given *given_new(struct fixture *f)
{
	struct given *h = mem_alloc(sizeof *h);

	(void)pthread_mutex_lock(&f->lock);
	h->next = f->given;
	f->given = h;
	(void)pthread_mutex_unlock(&f->lock);
	return h;
}

void given_free(struct fixture *f)
{
	for (struct given *h = f->given, *next; h != NULL; h = next) {
		next = h->next;
		store_turns_free(&h->turns);
		store_replies_free(&h->replies);
		free(h);
	}
	f->given = NULL;
}

struct store_message message(const char *client, const char *id, const char *text)
{
	return (struct store_message){
		.client_id = slice_of(client),
		.message_id = slice_of(id),
		.kind = KIND_TEXT,
		.text = slice_of(text),
		.transport = SLICE("telegram"),
		.channel_id = 7,
	};
}

enum store_added add(struct fixture *f, const char *client, const char *id)
{
	struct store_message m = message(client, id, id);
	enum store_added ret = STORE_DUPLICATE;

	CHECK_INT(store_add(f->s, &m, 1, &ret), ERR_OK);
	return ret;
}

struct one_begun {
	struct store_adding adding; /* first: a struct store_adding * is a struct one_begun * */
	enum err err;
	struct why said;
	sem_t told;
};

static void tell_one(struct store_adding *adding, enum err err)
{
	struct one_begun *one = (struct one_begun *)(void *)adding;

	one->err = err;
	why_set(&one->said, "%s", store_said(err));
	(void)sem_post(&one->told);
}

enum err add_begun(struct fixture *f, const struct store_message *m, enum store_added *ret, struct why *said)
{
	struct one_begun one = { .adding = { .messages = m, .n = 1, .ret = ret, .added = tell_one } };

	CHECK(sem_init(&one.told, 0, 0) == 0);
	store_add_begin(f->s, &one.adding);
	CHECK(sem_wait(&one.told) == 0);
	CHECK(sem_destroy(&one.told) == 0);
	if (said != NULL)
		*said = one.said;
	return one.err;
}

void add_new(struct fixture *f, const char *client, const char *id)
{
	CHECK_INT(add(f, client, id), STORE_ADDED);
}

struct store_turns *take(struct fixture *f, size_t most, int64_t wait_ms)
{
	struct given *h = given_new(f);

	CHECK_INT(store_take(f->s, most, wait_ms, &h->turns), ERR_OK);
	CHECK(h->turns.n <= most);
	return &h->turns;
}

const struct store_turn *take_one(struct fixture *f)
{
	struct store_turns *turns = take(f, 1, SOON_MS);

	CHECK_INT(turns->n, 1);
	return &turns->turn[0];
}

const struct store_turn *take_from(struct fixture *f, const char *client)
{
	const struct store_turn *turn = take_one(f);

	CHECK_TEXT(turn->client_id, client);
	return turn;
}

void take_none(struct fixture *f)
{
	CHECK_INT(take(f, 100, 0)->n, 0);
}

void check_messages(const struct store_turn *turn, const char *ids)
{
	char have[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < turn->n_messages; i++)
		used += (size_t)snprintf(have + used, sizeof have - used, "%s%.*s", i > 0 ? " " : "",
		    SLICE_PRINT(turn->messages[i].message_id));
	CHECK_TEXT(slice_of(ids), have);
}

static const struct store_log *logs_of(struct fixture *f, const struct store_turn *turn, const struct finish_with *with)
{
	struct store_log *logs = arena_alloc(&f->arena, (turn->n_messages + 1) * sizeof *logs);

	for (size_t i = 0; i < turn->n_messages; i++)
		logs[i] = (struct store_log){
			.dialog_state = with->state != NULL ? with->state : "WAITING",
			.success = with->trouble == NULL,
			.reason = with->trouble,
		};
	return logs;
}

struct store_result result_of(struct fixture *f, const struct store_turn *turn, const struct finish_with *with)
{
	return (struct store_result){
		.turn = turn,
		.dialog = with->dialog != NULL ? slice_of(with->dialog) : turn->dialog,
		.dialog_id = with->dialog_id != NULL ? slice_of(with->dialog_id) : turn->dialog_id,
		.profile = slice_of(with->profile),
		.question = slice_of(with->question),
		.reply = slice_of(with->reply),
		.reply_channel_id = 7,
		.reply_transport = SLICE("telegram"),
		.last_event_ms = with->last_event_ms,
		.logs = logs_of(f, turn, with),
		.order = with->order,
		.outcomes = with->outcome,
		.n_outcomes = with->outcome != NULL,
	};
}

struct store_result finish_as(struct fixture *f, const struct store_turn *turn, const struct finish_with *with)
{
	struct store_result result = result_of(f, turn, with);

	CHECK_INT(store_finish(f->s, &result, 1, 0, NULL), ERR_OK);
	CHECK_INT(result.err, ERR_OK);
	return result;
}

bool fail_turn(struct fixture *f, const struct store_turn *turn, const char *reason)
{
	struct store_failure failure = { .turn = turn, .reason = reason };

	CHECK_INT(store_fail(f->s, &failure, 1), ERR_OK);
	CHECK_INT(failure.err, ERR_OK);
	return failure.buried;
}

void give_back(struct fixture *f, const struct store_turn *turn)
{
	struct store_failure failure = { .turn = turn, .give_back = true };

	CHECK_INT(store_fail(f->s, &failure, 1), ERR_OK);
	CHECK_INT(failure.err, ERR_OK);
	CHECK(!failure.buried);
}

int64_t bury(struct fixture *f, const char *client, const char *id)
{
	add_new(f, client, id);
	while (!fail_turn(f, take_from(f, client), "it is poisonous"))
		;
	return last_dead(f).id;
}

struct store_replies *claim(struct fixture *f, size_t most, int64_t wait_ms)
{
	struct given *h = given_new(f);

	CHECK_INT(store_claim(f->s, most, wait_ms, &h->replies), ERR_OK);
	CHECK(h->replies.n <= most);
	return &h->replies;
}

const struct store_reply *claim_one(struct fixture *f)
{
	struct store_replies *replies = claim(f, 1, SOON_MS);

	CHECK_INT(replies->n, 1);
	return &replies->reply[0];
}

void claim_none(struct fixture *f)
{
	CHECK_INT(claim(f, 100, 0)->n, 0);
}

enum err report(struct fixture *f, struct store_sent sent)
{
	CHECK_INT(store_sent(f->s, &sent, 1), ERR_OK);
	return sent.err;
}

void accepted(struct fixture *f, const struct store_reply *reply, int64_t posted_ms)
{
	struct store_sent sent = { .reply = reply, .how = STORE_SENT_ACCEPTED, .posted_ms = posted_ms };

	CHECK_INT(report(f, sent), ERR_OK);
}

const struct store_turn *talk(struct fixture *f, const char *client, const char *id, const char *reply)
{
	const struct store_turn *turn;

	add_new(f, client, id);
	turn = take_from(f, client);
	FINISH(f, turn, .reply = reply);
	return turn;
}

struct store_counts counts(struct fixture *f)
{
	struct store_counts c;

	CHECK_INT(store_counts(f->s, &c), ERR_OK);
	return c;
}

struct store_dead last_dead(struct fixture *f)
{
	struct store_dead_filter all = { 0 };
	struct store_dead *dead;
	size_t n;

	CHECK_INT(store_dead_list(f->s, &all, 0, 1000, &f->arena, &dead, &n), ERR_OK);
	CHECK(n > 0);
	return dead[n - 1];
}

size_t count_logs(struct fixture *f, const char *client)
{
	struct store_log_row *rows;
	size_t n;

	CHECK_INT(store_logs(f->s, slice_of(client), 0, 1000, &f->arena, &rows, &n), ERR_OK);
	return n;
}
