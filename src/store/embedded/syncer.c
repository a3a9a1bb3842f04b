/* syncer.c - makes commits durable beside the writer.
 *
 * The writer commits into the log without waiting for the disk. A job that may be answered only when it is on stable
 * storage comes here with its commit done, and is answered behind an fdatasync that began after it; one sync serves all
 * that came while the former was under way. Meanwhile the writer is at its next transaction. */
#include "store/embedded/embedded.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum err syncer_open(struct embedded *e, struct why *why)
{
	char path[1200];

	(void)snprintf(path, sizeof path, "%s-wal", e->path);
	e->log_fd = open(path, O_RDWR | O_CLOEXEC);
	if (e->log_fd < 0)
		return why_fail(why, ERR_IO, "cannot open %s: %s", path, strerror(errno));
	return ERR_OK;
}

/* After a failed sync nobody can say what is on the disk, and the next sync may succeed without having written it. So the
 * process ends: nothing that hangs on this sync was answered, and the next start sees what there is. */
static void sync_log(struct embedded *e)
{
	int64_t began = clock_mono_us();

	if (fdatasync(e->log_fd) != 0) {
		(void)fprintf(stderr,
		    "chat2order: the disk did not take what was written to %s-wal: %s. Look after the disk, then start "
		    "again; what was not yet answered is delivered again\n",
		    e->path, strerror(errno));
		_exit(EXIT_FAILURE);
	}
	metric_observe(METRIC_STORE_SYNC, clock_mono_us() - began);
}

void syncer_pass(struct embedded *e, struct job *job)
{
	(void)pthread_mutex_lock(&e->sync_lock);
	if (job->safety == JOB_BEHIND_DURABLE && !e->syncing && e->committed.first == NULL) {
		(void)pthread_mutex_unlock(&e->sync_lock);
		job->ended(job);
		return;
	}
	e->sync_wanted = e->sync_wanted || job->safety == JOB_DURABLE;
	job_list_put(&e->committed, job);
	(void)pthread_cond_signal(&e->sync_wake);
	(void)pthread_mutex_unlock(&e->sync_lock);
}

static void answer_all(struct job *jobs)
{
	for (struct job *j = jobs, *next; j != NULL; j = next) {
		next = j->next;
		j->ended(j);
	}
}

static void *syncer_main(void *context)
{
	struct embedded *e = context;

	(void)pthread_setname_np(pthread_self(), "store syncer");
	(void)pthread_mutex_lock(&e->sync_lock);
	for (;;) {
		struct job *jobs;
		bool wanted;

		while (e->committed.first == NULL && !e->sync_closing)
			(void)pthread_cond_wait(&e->sync_wake, &e->sync_lock);
		if (e->committed.first == NULL)
			break;
		jobs = job_list_all(&e->committed);
		wanted = e->sync_wanted;
		e->sync_wanted = false;
		e->syncing = true;
		(void)pthread_mutex_unlock(&e->sync_lock);
		if (wanted)
			sync_log(e);
		answer_all(jobs);
		(void)pthread_mutex_lock(&e->sync_lock);
		e->syncing = false;
	}
	(void)pthread_mutex_unlock(&e->sync_lock);
	return NULL;
}

void syncer_start(struct embedded *e)
{
	(void)pthread_mutex_init(&e->sync_lock, NULL);
	(void)pthread_cond_init(&e->sync_wake, NULL);
	if (pthread_create(&e->syncer, NULL, syncer_main, e) != 0)
		abort();
}

void syncer_stop(struct embedded *e)
{
	(void)pthread_mutex_lock(&e->sync_lock);
	e->sync_closing = true;
	(void)pthread_cond_signal(&e->sync_wake);
	(void)pthread_mutex_unlock(&e->sync_lock);
	(void)pthread_join(e->syncer, NULL);
	(void)pthread_cond_destroy(&e->sync_wake);
	(void)pthread_mutex_destroy(&e->sync_lock);
}
