/* test_threads.c - all verbs at once from many threads, held to the model: also for the thread sanitizer. */
#include "model.h"

#include "given.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ADDERS = MODEL_CLIENTS, WORKERS = 4, SENDERS = 3, PEOPLE = 2, BESIDE = 1 };
enum { ALL = ADDERS + WORKERS + SENDERS + PEOPLE + BESIDE };
enum { BATCHES = 60 };

struct party {
	struct model model;
	_Atomic int adders;
};

static void work(struct actor *a)
{
	actor_take(a);
	if (dice(a, 12) == 0)
		actor_fail(a);
	actor_finish(a);
}

static void send(struct actor *a)
{
	actor_claim(a);
	actor_send(a);
}

static void look(struct actor *a)
{
	struct store_order_filter orders = { 0 };
	struct arena arena = { 0 };
	struct store_order *order;
	struct store_log_row *rows;
	struct store_funnel funnel;
	size_t n;

	actor_retry_dead(a);
	(void)counts(a->f);
	CHECK_INT(store_order_list(a->f->s, &orders, 0, 5, &arena, &order, &n), ERR_OK);
	if (n > 0)
		CHECK_INT(store_order_status(a->f->s, order[0].id, SLICE("processing")), ERR_OK);
	CHECK_INT(store_logs(a->f->s, SLICE_NONE, 0, 5, &arena, &rows, &n), ERR_OK);
	CHECK_INT(store_funnel(a->f->s, 0, &funnel), ERR_OK);
	arena_free(&arena);
}

/* What a command does, with a store of its own beside the service. */
static void look_from_beside(struct crew_member *me, struct party *party)
{
	struct fixture beside = { .settings = me->f->settings, .s = fixture_beside(me->f) };
	struct actor a = { .f = &beside, .m = &party->model, .random = 2463534242u };

	(void)pthread_mutex_init(&beside.lock, NULL);
	while (party->adders > 0)
		look(&a);
	given_free(&beside);
	(void)pthread_mutex_destroy(&beside.lock);
	store_close(&beside.s);
}

static void people(struct actor *a)
{
	look(a);
	actor_keep(a);
	CHECK_INT(store_rate(a->f->s), ERR_OK);
}

static void *take_part(void *context)
{
	struct crew_member *me = context;
	struct party *party = me->context;
	struct actor a = { .f = me->f, .m = &party->model, .random = 88172645463325252u + me->number };

	if (me->number < ADDERS) {
		for (int i = 0; i < BATCHES; i++)
			actor_add(&a, (int)me->number);
		party->adders--;
		return NULL;
	}
	if (me->number == ALL - 1) {
		look_from_beside(me, party);
		return NULL;
	}
	while (party->adders > 0) {
		if (me->number < ADDERS + WORKERS)
			work(&a);
		else if (me->number < ADDERS + WORKERS + SENDERS)
			send(&a);
		else
			people(&a);
	}
	actor_release(&a);
	return NULL;
}

static void test_all_at_once(void **state)
{
	struct fixture *f = *state;
	struct party *party = mem_alloc(sizeof *party);
	struct actor last = { .f = f, .m = &party->model, .random = 1 };

	model_begin(&party->model, f);
	fixture_open(f);
	party->adders = ADDERS;
	run_crew(f, ALL, take_part, party);
	model_drain(&last);
	model_check_end(&party->model, f);
	free(party);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_all_at_once),
	};

	return RUN_OVER_SUBJECTS("threads", tests);
}
