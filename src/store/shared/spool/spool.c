/* spool.c - what intake keeps on this machine while Redis is away: entering, bounds, figures. */
#include "store/shared/spool/spool.h"

#include "base/crash.h"
#include "base/file.h"
#include "store/shared/spool/file.h"
#include "store/shared/spool/forward.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum { ADOPT_EVERY_MS = 60000, PATH_BYTES = 1024 };

struct spool {
	char folder[PATH_BYTES], owner[64];
	int64_t most_bytes, reserve_bytes;
	struct spool_way way;
	struct spool_file *file;
	struct spool_forwarder *forwarder;
	_Atomic int64_t stored;
	atomic_bool full;
};

enum err spool_open(
    const struct spool_settings *settings, const struct spool_way *way, struct spool **ret, struct why *why)
{
	struct spool *s = mem_alloc(sizeof *s);
	enum err err;

	s->most_bytes = settings->most_bytes;
	s->reserve_bytes = settings->reserve_bytes;
	s->way = *way;
	(void)snprintf(s->owner, sizeof s->owner, "%s", settings->owner);
	if (snprintf(s->folder, sizeof s->folder, "%s/spool", settings->data_dir) >= (int)sizeof s->folder)
		err = why_fail(why, ERR_INVALID, "DATA_DIR is longer than %d bytes: shorten it", PATH_BYTES - 8);
	else
		err = folder_make(s->folder, why);
	if (err == ERR_OK)
		err = spool_file_make(s->folder, s->owner, &s->file, why);
	if (err != ERR_OK) {
		free(s);
		return err;
	}
	s->forwarder = spool_forward_start(s->file, s->folder, s->owner, &s->way,
	    settings->adopt_every_ms != 0 ? settings->adopt_every_ms : ADOPT_EVERY_MS);
	*ret = s;
	return ERR_OK;
}

void spool_close(struct spool **spool)
{
	struct spool *s = *spool;

	if (s == NULL)
		return;
	spool_forward_stop(&s->forwarder);
	spool_file_close(&s->file);
	free(s);
	*spool = NULL;
}

bool spool_is_empty(struct spool *s)
{
	return spool_file_waiting(s->file) == 0;
}

static bool disk_has_room(const struct spool *s)
{
	struct statvfs fs;

	return statvfs(s->folder, &fs) == 0 && (int64_t)(fs.f_bavail * fs.f_frsize) >= s->reserve_bytes;
}

static int64_t count_added(const enum store_added *added, size_t n)
{
	int64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += added[i] == STORE_ADDED;
	return count;
}

enum err spool_add(struct spool *s, const struct store_message *messages, size_t n, enum store_added *ret)
{
	enum err err = ERR_NO_SPACE;

	if (disk_has_room(s))
		err = spool_file_enter(s->file, messages, n, s->way.now_ms(s->way.context), s->most_bytes, ret);
	atomic_store(&s->full, err == ERR_NO_SPACE);
	if (err != ERR_OK)
		return err;
	atomic_fetch_add(&s->stored, count_added(ret, n));
	crash_point("spooled");
	spool_forward_wake(s->forwarder);
	return ERR_OK;
}

void spool_counts(struct spool *s, struct spool_counts *ret)
{
	struct spool_forward_figures moved;
	struct spool_figures here;

	spool_file_figures(s->file, &here);
	spool_forward_figures(s->forwarder, &moved);
	*ret = (struct spool_counts){
		.messages = here.waiting,
		.refused = here.refused,
		.bytes = here.bytes,
		.oldest_ms = here.oldest_ms,
		.waiting_ms = here.waiting_ms,
		.stored = s->stored,
		.forwarded = moved.forwarded,
		.adopted = moved.adopted,
		.full = s->full,
	};
}

/* The sentence for health: whether anything is wrong, and is_grave is told too. */
static bool is_well(struct spool *s, bool redis_answers, bool *is_grave, struct why *why)
{
	struct spool_forward_figures moved;
	struct spool_counts c;
	const char *colon;

	spool_counts(s, &c);
	spool_forward_figures(s->forwarder, &moved);
	colon = moved.away.text[0] != '\0' ? ": " : "";
	*is_grave = true;
	if (c.full)
		why_set(why, "the spool in %s is full: bring Redis back, free some disk, or raise SPOOL_MAX_MB%s%s",
		    s->folder, colon, moved.away.text);
	else if (redis_answers && c.waiting_ms > SPOOL_STUCK_MS)
		why_set(why,
		    "%" PRId64 " messages have been waiting in %s for %" PRId64 " min though Redis answers%s%s",
		    c.messages, s->folder, c.waiting_ms / 60000, colon, moved.away.text);
	else
		*is_grave = false;
	if (*is_grave)
		return false;
	if (c.refused > 0)
		why_set(why, "Redis refuses %" PRId64 " messages in %s: keys of their names may be in the way",
		    c.refused, s->folder);
	else if (moved.trouble.text[0] != '\0')
		*why = moved.trouble;
	else if (c.messages > 0)
		why_set(why, "%" PRId64 " messages wait in %s for Redis%s%s", c.messages, s->folder, colon,
		    moved.away.text);
	return c.refused == 0 && moved.trouble.text[0] == '\0';
}

void spool_note(struct spool *s, bool redis_answers, struct store_note *ret)
{
	struct why why = { 0 };

	*ret = (struct store_note){ .check = "spool" };
	ret->ok = is_well(s, redis_answers, &ret->grave, &why);
	(void)snprintf(ret->text, sizeof ret->text, "%.*s", (int)sizeof ret->text - 1, why.text);
}
