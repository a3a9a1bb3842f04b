/* test_model.c - random steps of workers, senders and people, with crashes among them, against the model.
 *
 * CONFORMANCE_SEED repeats a run (all but the moments of the kills that hit a verb under way), CONFORMANCE_SECONDS
 * makes it longer. */
#include "base/clock.h"
#include "base/random.h"
#include "model.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 8, CLEAN_EXIT = 0 };

struct run {
	struct model model;
	uint64_t random;
};

static void step(struct actor *a)
{
	switch (dice(a, 24)) {
	case 0 ... 4:
		actor_add(a, (int)dice(a, MODEL_CLIENTS));
		break;
	case 5 ... 9:
		actor_take(a);
		break;
	case 10 ... 13:
		actor_finish(a);
		break;
	case 14:
		actor_fail(a);
		break;
	case 15 ... 17:
		actor_claim(a);
		break;
	case 18 ... 21:
		actor_send(a);
		break;
	case 22:
		actor_retry_dead(a);
		break;
	default:
		actor_keep(a);
	}
}

/* Kills the process at a moment that the steps know nothing of. */
static void *kill_soon(void *context)
{
	sleep_ms(*(int64_t *)context);
	(void)kill(getpid(), SIGKILL);
	return NULL;
}

/* One process's life: it takes up what the last one left, and ends by a crash between two steps, by one in the
 * middle of a verb, or with a close. */
static void live(struct fixture *f, struct run *run)
{
	struct actor a = { .f = f, .m = &run->model, .random = run->random };
	int64_t steps = 20 + (int64_t)dice(&a, 300), delay_ms = (int64_t)dice(&a, 150);
	uint64_t ends = dice(&a, 4);
	pthread_t killer;

	run->random = a.random; /* the next life is another, however short this one is */
	if (ends == 0)
		CHECK(pthread_create(&killer, NULL, kill_soon, &delay_ms) == 0);
	fixture_open(f);
	if (ends > 1 && dice(&a, 3) == 0)
		fixture_settle(f);
	actor_add_again(&a);
	for (int64_t i = 0; i < steps || ends == 0; i++) {
		step(&a);
		run->random = a.random;
	}
	if (ends == 1) {
		actor_release(&a);
		run->random = a.random;
		delay_ms %= 4; /* sometimes in the middle of the close */
		CHECK(pthread_create(&killer, NULL, kill_soon, &delay_ms) == 0);
		fixture_close(f);
		_exit(CLEAN_EXIT);
	}
	(void)kill(getpid(), SIGKILL);
}

static void run_a_life(struct fixture *f, struct run *run)
{
	int status = 0;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		live(f, run);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	      (WIFEXITED(status) && WEXITSTATUS(status) == CLEAN_EXIT));
	run->model.crashes += WIFSIGNALED(status);
	model_after_crash(&run->model, f);
}

static uint64_t seed(void)
{
	const char *given = getenv("CONFORMANCE_SEED");

	return given != NULL ? strtoull(given, NULL, 0) : random_u64() | 1;
}

static int64_t seconds(void)
{
	const char *given = getenv("CONFORMANCE_SECONDS");

	return given != NULL ? atoll(given) : SECONDS;
}

static void test_model(void **state)
{
	struct fixture *f = *state;
	struct run *run = mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t until = clock_mono_ms() + seconds() * 1000;

	CHECK(run != MAP_FAILED);
	model_begin(&run->model, f);
	run->random = seed();
	print_message("CONFORMANCE_SEED=%" PRIu64 "\n", run->random);
	while (clock_mono_ms() < until)
		run_a_life(f, run);
	fixture_open(f);
	fixture_settle(f);
	struct actor last = { .f = f, .m = &run->model, .random = run->random };
	actor_add_again(&last);
	model_drain(&last);
	model_check_end(&run->model, f);
	print_message("%" PRId64 " steps, %" PRId64 " turns, %" PRId64 " crashes, %" PRId64 " orders, %" PRId64
		      " doubled replies\n",
	    run->model.steps, run->model.turns, run->model.crashes, run->model.orders, run->model.doubles);
	(void)munmap(run, sizeof *run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_model),
	};

	return RUN_OVER_SUBJECTS("model", tests);
}
