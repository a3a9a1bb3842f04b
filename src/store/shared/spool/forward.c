/* forward.c - empties the spool's files, oldest message first.
 *
 * A batch leaves its file when the store has it. A crash between the two leaves it in both, and the next forward finds
 * duplicates. While the store is away the same batch is tried again; nothing overtakes it. */
#include "store/shared/spool/forward.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/wait.h"
#include "store/ops.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAUSE_LEAST_MS = 100, PAUSE_MOST_MS = 2000, NAME_BYTES = 64 };

struct spool_forwarder {
	struct spool_file *own;
	const char *folder, *name;
	struct spool_way way;
	int64_t adopt_every_ms;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool woken, stopping;
	struct spool_forward_figures figures;
};

/* What became of a file's rows. */
enum outcome {
	EMPTIED,
	AWAY, /* the store is away, or the thread is to stop */
	STUCK /* the file can't be read or written */
};

static bool is_stopping(struct spool_forwarder *f)
{
	bool stopping;

	(void)pthread_mutex_lock(&f->lock);
	stopping = f->stopping;
	(void)pthread_mutex_unlock(&f->lock);
	return stopping;
}

static void note_forwarded(struct spool_forwarder *f, const struct spool_file *file, size_t n)
{
	(void)pthread_mutex_lock(&f->lock);
	f->figures.forwarded += (int64_t)n;
	f->figures.adopted += file != f->own ? (int64_t)n : 0;
	(void)pthread_mutex_unlock(&f->lock);
}

/* Why the store takes nothing: kept for health, and logged when it begins or is another reason than before. */
static void note_away(struct spool_forwarder *f, enum err err)
{
	const char *said = store_said(err);
	bool is_new;

	(void)pthread_mutex_lock(&f->lock);
	is_new = strcmp(f->figures.away.text, said) != 0;
	why_set(&f->figures.away, "%s", said);
	(void)pthread_mutex_unlock(&f->lock);
	if (is_new)
		log_warn("messages wait in the spool", log_word("folder", f->folder), log_word("reason", said));
}

static void note_back(struct spool_forwarder *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->figures.away.text[0] = '\0';
	(void)pthread_mutex_unlock(&f->lock);
}

/* ---- one file ------------------------------------------------------------------------------------------ */

/* Sends n rows of the batch, from the first on, and takes them out of the file. FAILED: one is refused by its own fault. */
static enum err forward_rows(struct spool_forwarder *f, struct spool_file *file, enum spool_rows which,
    const struct spool_batch *b, size_t first, size_t n)
{
	enum store_added added[SPOOL_FORWARD_MOST];
	enum err err;

	store_why()->text[0] = '\0';
	err = f->way.forward(f->way.context, &b->messages[first], &b->arrived_ms[first], n, added);
	if (err != ERR_OK && err != ERR_FAILED)
		note_away(f, err);
	if (err != ERR_OK)
		return err;
	crash_point("forwarded");
	note_back(f);
	note_forwarded(f, file, n);
	err = spool_file_forwarded(file, which, b->messages[first].place, b->messages[first + n - 1].place);
	return err == ERR_OK ? ERR_OK : ERR_IO;
}

/* Something in the batch is refused: one by one, those that are refused by their own fault are set aside. Whatever else
 * befalls one of them befalls the store, and nobody passes him. */
static enum outcome forward_apart(struct spool_forwarder *f, struct spool_file *file, const struct spool_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		enum err err = forward_rows(f, file, SPOOL_WAITING, b, i, 1);

		if (err == ERR_FAILED && spool_file_refuse(file, b->messages[i].place) != ERR_OK)
			return STUCK;
		if (err != ERR_OK && err != ERR_FAILED)
			return AWAY;
	}
	return EMPTIED;
}

static enum outcome forward_batch(struct spool_forwarder *f, struct spool_file *file, const struct spool_batch *b)
{
	enum err err = forward_rows(f, file, SPOOL_WAITING, b, 0, b->n);

	if (err == ERR_OK)
		return EMPTIED;
	return err == ERR_FAILED ? forward_apart(f, file, b) : AWAY;
}

static enum outcome forward_all(struct spool_forwarder *f, struct spool_file *file)
{
	enum outcome outcome = EMPTIED;

	while (outcome == EMPTIED && spool_file_waiting(file) > 0) {
		struct spool_batch b;

		if (is_stopping(f))
			return AWAY;
		outcome = STUCK;
		if (spool_file_oldest(file, SPOOL_WAITING, SPOOL_FORWARD_MOST, SPOOL_FORWARD_BYTES, &b) == ERR_OK &&
		    b.n > 0)
			outcome = forward_batch(f, file, &b);
		spool_batch_free(&b);
	}
	return outcome;
}

/* People may have removed what stood in the way of those set aside. Each is tried alone, and no other waits for it. */
static void retry_refused(struct spool_forwarder *f, struct spool_file *file)
{
	struct spool_batch b;
	enum err err = spool_file_oldest(file, SPOOL_REFUSED, SPOOL_FORWARD_MOST, SPOOL_FORWARD_BYTES, &b);

	for (size_t i = 0; i < b.n && (err == ERR_OK || err == ERR_FAILED) && !is_stopping(f); i++)
		err = forward_rows(f, file, SPOOL_REFUSED, &b, i, 1);
	spool_batch_free(&b);
}

/* ---- others' files ------------------------------------------------------------------------------------- */

static void note_trouble(struct spool_forwarder *f, const struct why *why)
{
	(void)pthread_mutex_lock(&f->lock);
	f->figures.trouble = *why;
	(void)pthread_mutex_unlock(&f->lock);
}

static void look_at_rest(struct spool_forwarder *f, struct spool_file *orphan, const char *name)
{
	struct spool_figures left;
	struct why why;

	spool_file_figures(orphan, &left);
	if (left.waiting + left.refused == 0)
		return;
	why_set(&why, "Redis refuses %" PRId64 " messages of %s/%s.db, which another process left",
	    left.waiting + left.refused, f->folder, name);
	note_trouble(f, &why);
}

static enum outcome adopt_one(struct spool_forwarder *f, const char *name)
{
	struct spool_file *orphan;
	struct why why = { 0 };
	enum outcome outcome;
	enum err err = spool_file_adopt(f->folder, name, &orphan, &why);

	if (err == ERR_IN_USE || err == ERR_NOT_FOUND)
		return EMPTIED;
	if (err != ERR_OK) {
		note_trouble(f, &why);
		return STUCK;
	}
	outcome = forward_all(f, orphan);
	if (outcome != AWAY) {
		retry_refused(f, orphan);
		look_at_rest(f, orphan, name);
	}
	spool_file_close(&orphan);
	return outcome;
}

/* The part of a file's name before .db or .lock, into name; false for any other file, and for the own one. */
static bool name_of_other(const struct spool_forwarder *f, const char *file, char name[NAME_BYTES])
{
	const char *dot = strrchr(file, '.');

	return dot != NULL && (strcmp(dot, ".db") == 0 || strcmp(dot, ".lock") == 0) &&
	       slice_to_buffer((struct slice){ file, (size_t)(dot - file) }, name, NAME_BYTES) &&
	       strcmp(name, f->name) != 0;
}

/* False when the store is away: to be tried again soon. */
static bool adopt_all(struct spool_forwarder *f)
{
	enum outcome outcome = EMPTIED;
	struct why why = { 0 };
	char name[NAME_BYTES];
	struct dirent *entry;
	DIR *folder = opendir(f->folder);

	note_trouble(f, &why);
	if (folder == NULL) {
		why_set(&why, "cannot read %s: %s", f->folder, strerror(errno));
		note_trouble(f, &why);
		return true;
	}
	while (outcome != AWAY && (entry = readdir(folder)) != NULL)
		if (name_of_other(f, entry->d_name, name))
			outcome = adopt_one(f, name);
	(void)closedir(folder);
	return outcome != AWAY;
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

/* Sleeps for so long, or until there is something to forward if that is worth waking for. True when it is time to stop. */
static bool sleep_until_woken(struct spool_forwarder *f, int64_t ms, bool may_wake)
{
	int64_t until_us = clock_mono_us() + ms * 1000;
	bool stopping;

	(void)pthread_mutex_lock(&f->lock);
	while (!f->stopping && !(may_wake && f->woken) && wait_until(&f->wake, &f->lock, until_us))
		;
	f->woken = false;
	stopping = f->stopping;
	(void)pthread_mutex_unlock(&f->lock);
	return stopping;
}

static int64_t longer(int64_t pause_ms)
{
	if (pause_ms == 0)
		return PAUSE_LEAST_MS;
	return pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2 : PAUSE_MOST_MS;
}

static void *forward_main(void *context)
{
	struct spool_forwarder *f = context;
	int64_t look_ms = clock_mono_ms(), pause_ms = 0, left_ms;
	bool well;

	(void)pthread_setname_np(pthread_self(), "spool");
	do {
		well = forward_all(f, f->own) == EMPTIED;
		if (well)
			spool_file_shrink(f->own);
		if (well && clock_mono_ms() >= look_ms) {
			retry_refused(f, f->own);
			well = adopt_all(f);
			if (well)
				look_ms = clock_mono_ms() + f->adopt_every_ms;
		}
		if (well)
			note_back(f); /* what the store did not take another process may have forwarded */
		left_ms = look_ms - clock_mono_ms();
		pause_ms = well ? 0 : longer(pause_ms);
	} while (!sleep_until_woken(f, well ? (left_ms > 0 ? left_ms : 0) : pause_ms, well));
	return NULL;
}

struct spool_forwarder *spool_forward_start(
    struct spool_file *own, const char *folder, const char *name, const struct spool_way *way, int64_t adopt_every_ms)
{
	struct spool_forwarder *f = mem_alloc(sizeof *f);

	f->own = own;
	f->folder = folder;
	f->name = name;
	f->way = *way;
	f->adopt_every_ms = adopt_every_ms;
	(void)pthread_mutex_init(&f->lock, NULL);
	wait_init(&f->wake);
	if (pthread_create(&f->thread, NULL, forward_main, f) != 0)
		abort();
	return f;
}

void spool_forward_wake(struct spool_forwarder *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->woken = true;
	(void)pthread_cond_signal(&f->wake);
	(void)pthread_mutex_unlock(&f->lock);
}

void spool_forward_stop(struct spool_forwarder **forwarder)
{
	struct spool_forwarder *f = *forwarder;

	if (f == NULL)
		return;
	(void)pthread_mutex_lock(&f->lock);
	f->stopping = true;
	(void)pthread_cond_signal(&f->wake);
	(void)pthread_mutex_unlock(&f->lock);
	(void)pthread_join(f->thread, NULL);
	(void)pthread_cond_destroy(&f->wake);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
	*forwarder = NULL;
}

void spool_forward_figures(struct spool_forwarder *f, struct spool_forward_figures *ret)
{
	(void)pthread_mutex_lock(&f->lock);
	*ret = f->figures;
	(void)pthread_mutex_unlock(&f->lock);
}
