/* writer.c - the one writer: all jobs that wait become one transaction, and each is answered when it is true.
 *
 * While a commit is under way the next batch gathers; there is no timer. The disk is waited for elsewhere (syncer.c). Waiters, takes and
 * claims that found nothing, are tried again at the end of every batch and at short intervals, which also
 * shows them what commands beside the service wrote and what became due by time. */
#include "base/clock.h"
#include "base/metrics.h"
#include "base/wait.h"
#include "store/embedded/embedded.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	POLL_MS = 25,        /* how soon waiters notice what became due by time, or by another process */
	BESIDE_PAUSE_MS = 5, /* between two steps of a command */
	WRITER_NICE = 5      /* see give_way() */
};

static void command(struct sql *s, const char *text)
{
	if (s->err != ERR_OK)
		return;
	(void)sql_run(s, text, "");
}

void savepoint_begin(struct embedded *e)
{
	if (e->careful)
		command(&e->writer, "SAVEPOINT element");
}

enum err savepoint_end(struct embedded *e)
{
	struct sql *s = &e->writer;
	enum err err = s->err;

	if (!e->careful)
		return err;
	if (err == ERR_FAILED) {
		sql_clear(s);
		command(s, "ROLLBACK TO element");
	}
	command(s, "RELEASE element");
	return s->err != ERR_OK ? s->err : err;
}

/* Runs one job inside the transaction. FAILED, when not careful, is for the caller to sort out. */
static void run_one(struct embedded *e, struct job *job)
{
	if (e->careful)
		command(&e->writer, "SAVEPOINT job");
	job->result = job->run(e, job->args);
	if (!e->careful)
		return;
	if (e->writer.err == ERR_FAILED) {
		sql_clear(&e->writer);
		command(&e->writer, "ROLLBACK TO job");
	}
	command(&e->writer, "RELEASE job");
}

static enum err transaction(struct embedded *e, struct job *jobs, struct job *waiters)
{
	struct sql *s = &e->writer;
	size_t held = e->held;
	bool held_alone = e->held_alone;

	sql_clear(s);
	command(s, "BEGIN IMMEDIATE");
	for (struct job *j = jobs; j != NULL && s->err == ERR_OK; j = j->next)
		run_one(e, j);
	if (waiters != NULL && !e->careful)
		enter_for_waiters(e, waiters);
	for (struct job *j = waiters; j != NULL && s->err == ERR_OK; j = j->next)
		run_one(e, j);
	command(s, "COMMIT");
	if (s->err == ERR_OK)
		return ERR_OK;
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	e->held = held; /* what it changed in memory goes back with it */
	e->held_alone = held_alone;
	return s->err;
}

static const char *cure_of(enum err err)
{
	switch (err) {
	case ERR_NO_SPACE:
		return ": free some space on its disk";
	case ERR_AGAIN:
		return ": another program holds it; end it";
	case ERR_IO:
		return ": look after its disk (dmesg), or restore a backup";
	default:
		return "";
	}
}

/* One batch, whole or not at all; an element at fault is found by a second, careful run. In that run no message enters its lane:
 * where there is no room for it, turns are still taken. */
static enum err commit_batch(struct embedded *e, struct job *jobs, struct job *waiters)
{
	int64_t began = clock_mono_us();
	enum err err = transaction(e, jobs, waiters);

	if (err == ERR_FAILED || (err == ERR_NO_SPACE && waiters != NULL)) {
		e->careful = true;
		err = transaction(e, jobs, waiters);
		e->careful = false;
	}
	if (err_verdict(err) == VERDICT_RETRY)
		atomic_store(&e->failed_ms, clock_mono_ms());
	metric_observe(METRIC_STORE_LATENCY, clock_mono_us() - began);
	return err;
}

enum err embedded_failed(const struct embedded *e, const struct sql *s, enum err err, struct why *why)
{
	if (err == ERR_OK)
		return ERR_OK;
	return why_fail(why, err, "%s: %s%s", e->path, s->text[0] != '\0' ? s->text : err_text(err), cure_of(err));
}

static void answer(struct embedded *e, struct job *job, enum err batch)
{
	if (batch != ERR_OK)
		job->result = embedded_failed(e, &e->writer, batch, job->why);
	if (job->result == ERR_OK && job->safety != JOB_COMMITTED)
		syncer_pass(e, job);
	else
		job->ended(job);
}

static bool waiter_is_over(const struct embedded *e, const struct job *job, int64_t now)
{
	return e->stop_waiting || now >= job->deadline_ms;
}

/* Answers the waiters that found something, failed or waited long enough; the others wait on. */
static void settle_waiters(struct embedded *e, struct job *waiters, enum err batch)
{
	int64_t now = clock_mono_ms();

	for (struct job *j = waiters, *next; j != NULL; j = next) {
		next = j->next;
		if (batch != ERR_OK || j->result != ERR_OK || j->found(j->args)) {
			answer(e, j, batch);
			continue;
		}
		(void)pthread_mutex_lock(&e->lock);
		if (waiter_is_over(e, j, now)) {
			j->result = e->stop_waiting ? ERR_STOPPED : ERR_OK;
			(void)pthread_mutex_unlock(&e->lock);
			j->ended(j);
		} else {
			j->looked = true;
			job_list_put(&e->waiters, j);
			(void)pthread_mutex_unlock(&e->lock);
		}
	}
}

static bool anything_due(struct embedded *e)
{
	int64_t now = clock_wall_ms();

	sql_clear(&e->writer);
	return sql_int(&e->writer, 0, "SELECT 1 FROM lanes WHERE due_at<=? AND state<>1 LIMIT 1", "i", now) != 0 ||
	       outbox_has_due(e, now) || enter_waiting(&e->writer) > 0;
}

/* When waiters look again, monotonic: messages that gather are not kept waiting for longer than they should. */
static int64_t next_look_us(const struct embedded *e)
{
	int64_t now = clock_mono_us(), look_at = now + (int64_t)POLL_MS * 1000;

	return e->enter_at_us > now && e->enter_at_us < look_at ? e->enter_at_us : look_at;
}

/* Sleeps until there is a job, or a waiter should look again. Called and returns with the lock held. */
static void wait_for_work(struct embedded *e)
{
	if (e->jobs.first != NULL || e->new_waiter || e->closing)
		return;
	if (e->waiters.first == NULL) {
		(void)pthread_cond_wait(&e->wake, &e->lock);
		return;
	}
	(void)wait_until(&e->wake, &e->lock, next_look_us(e));
}

/* On a busy machine the threads that feed the writer go first: its batches grow, and each message costs less. */
static void give_way(void)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), WRITER_NICE);
}

static void *writer_main(void *context)
{
	struct embedded *e = context;

	(void)pthread_setname_np(pthread_self(), "store writer");
	give_way();
	(void)pthread_mutex_lock(&e->lock);
	for (;;) {
		struct job *jobs, *waiters;
		bool idle, stopping;

		wait_for_work(e);
		if (e->closing && e->jobs.first == NULL && e->waiters.first == NULL)
			break;
		e->new_waiter = false;
		jobs = job_list_all(&e->jobs);
		waiters = job_list_all(&e->waiters);
		stopping = e->stop_waiting;
		(void)pthread_mutex_unlock(&e->lock);
		idle = jobs == NULL && (stopping || !anything_due(e));
		enum err err = idle ? ERR_OK : commit_batch(e, jobs, stopping ? NULL : waiters);
		for (struct job *j = jobs, *next; j != NULL; j = next) {
			next = j->next;
			answer(e, j, err);
		}
		settle_waiters(e, waiters, err);
		if (!idle)
			checkpoints_tend(e);
		(void)pthread_mutex_lock(&e->lock);
	}
	(void)pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* A command beside the service has no writer thread: its job is a transaction of its own, fsynced. The pause after it is
 * the service's chance: its writer looks every millisecond whether it may go on. */
static enum err do_beside(struct embedded *e, struct job *job)
{
	struct timespec pause = { 0, BESIDE_PAUSE_MS * 1000000L };
	enum err err;

	job->next = NULL;
	(void)pthread_mutex_lock(&e->lock);
	err = embedded_failed(e, &e->writer, commit_batch(e, job, NULL), store_why());
	(void)nanosleep(&pause, NULL);
	(void)pthread_mutex_unlock(&e->lock);
	return err != ERR_OK ? err : job->result;
}

void writer_begin(struct embedded *e, struct job *job)
{
	job->result = ERR_OK;
	(void)pthread_mutex_lock(&e->lock);
	job_list_put(job->found != NULL ? &e->waiters : &e->jobs, job);
	e->new_waiter = e->new_waiter || job->found != NULL;
	(void)pthread_cond_signal(&e->wake);
	(void)pthread_mutex_unlock(&e->lock);
}

static void wake_caller(struct job *job)
{
	(void)sem_post(&job->done);
}

enum err writer_do(struct embedded *e, struct job *job)
{
	if (e->role == STORE_BESIDE)
		return do_beside(e, job);
	job->ended = wake_caller;
	job->why = store_why();
	(void)sem_init(&job->done, 0, 0);
	writer_begin(e, job);
	while (sem_wait(&job->done) != 0 && errno == EINTR)
		;
	(void)sem_destroy(&job->done);
	return job->result;
}

enum err writer_wait(struct embedded *e, enum err (*run)(struct embedded *, void *), bool (*found)(const void *),
    enum job_safety safety, void *args, int64_t wait_ms)
{
	struct job job = {
		.run = run, .found = found, .safety = safety, .args = args, .deadline_ms = clock_mono_ms() + wait_ms
	};

	return writer_do(e, &job);
}

void writer_start(struct embedded *e)
{
	(void)pthread_mutex_init(&e->lock, NULL);
	wait_init(&e->wake);
	if (e->role == STORE_BESIDE)
		return;
	syncer_start(e);
	checkpoints_start(e);
	if (pthread_create(&e->thread, NULL, writer_main, e) != 0)
		abort();
}

void writer_stop(struct embedded *e)
{
	if (e->role == STORE_SERVICE) {
		(void)pthread_mutex_lock(&e->lock);
		e->closing = true;
		(void)pthread_cond_signal(&e->wake);
		(void)pthread_mutex_unlock(&e->lock);
		(void)pthread_join(e->thread, NULL);
		checkpoints_stop(e);
		syncer_stop(e);
	}
	(void)pthread_cond_destroy(&e->wake);
	(void)pthread_mutex_destroy(&e->lock);
}
