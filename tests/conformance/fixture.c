/* fixture.c - stores of tests: where they live, how they are opened, closed and crashed. */
#include "fixture.h"

#include "given.h"

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct subject *current;

static bool is_wanted(const struct subject *subject)
{
	const char *only = getenv("CONFORMANCE_SUBJECT");

	return only == NULL || strcmp(only, subject->name) == 0;
}

static int run_group(const struct subject *subject, const char *group, const struct CMUnitTest *tests, size_t n)
{
	char name[128];

	if (!is_wanted(subject))
		return 0;
	current = subject;
	(void)snprintf(name, sizeof name, "%s over %s", group, subject->name);
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

int run_over_subjects(const char *group, const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < n_subjects; i++)
		failed += run_group(&subjects[i], group, tests, n);
	return failed;
}

int run_over(const char *subject, const char *group, const struct CMUnitTest *tests, size_t n)
{
	for (size_t i = 0; i < n_subjects; i++)
		if (strcmp(subjects[i].name, subject) == 0)
			return run_group(&subjects[i], group, tests, n);
	print_error("there is no subject \"%s\"\n", subject);
	return 1;
}

/* Settings that let a test see in milliseconds what takes the service seconds. */
static void hurry(struct settings *s)
{
	s->turn_backoff_ms = 20;
	s->lease_ms = 1000;
	s->send_timeout_ms = 100;
	s->rate_limit = 0;
}

int fixture_begin(void **state)
{
	struct fixture *f = mem_alloc(sizeof *f);
	const char *tmp = getenv("TMPDIR");

	f->subject = current;
	(void)snprintf(f->folder, sizeof f->folder, "%s/store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	settings_defaults(&f->settings);
	hurry(&f->settings);
	f->subject->begin(&f->settings, f->folder);
	(void)pthread_mutex_init(&f->lock, NULL);
	*state = f;
	fixture_open(f);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int fixture_end(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	given_free(f);
	f->subject->end(&f->settings);
	(void)nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(&f->arena);
	settings_free(&f->settings);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

void fixture_open(struct fixture *f)
{
	struct why why = { 0 };

	if (store_open(&f->settings, STORE_SERVICE, &f->s, &why) != ERR_OK || store_wait(f->s, &why) != ERR_OK)
		check_failed(__FILE__, __LINE__, why.text);
}

void fixture_close(struct fixture *f)
{
	store_close(&f->s);
}

void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

struct store *fixture_beside(struct fixture *f)
{
	struct store *beside = NULL;
	struct why why = { 0 };

	if (store_open(&f->settings, STORE_BESIDE, &beside, &why) != ERR_OK)
		check_failed(__FILE__, __LINE__, why.text);
	return beside;
}

void fixture_crash(struct fixture *f, void (*steps)(struct fixture *f))
{
	int status = 0;
	pid_t child;

	fixture_close(f);
	(void)fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		fixture_open(f);
		steps(f);
		(void)kill(getpid(), SIGKILL);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fixture_open(f);
	fixture_settle(f);
}

void fixture_settle(struct fixture *f)
{
	f->subject->settle(f->s);
}

void run_crew(struct fixture *f, size_t n, void *(*work)(void *crew_member), void *context)
{
	pthread_t *threads = mem_alloc(n * sizeof *threads);
	struct crew_member *members = mem_alloc(n * sizeof *members);

	for (size_t i = 0; i < n; i++) {
		members[i] = (struct crew_member){ f, i, context };
		CHECK(pthread_create(&threads[i], NULL, work, &members[i]) == 0);
	}
	for (size_t i = 0; i < n; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	free(members);
	free(threads);
}

void sleep_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) != 0)
		;
}
