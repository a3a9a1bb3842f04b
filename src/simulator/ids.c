/* ids.c - a sequence with a mark in a file: written aside, synced, renamed. */
#include "simulator/ids.h"

#include "base/buf.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP = 10000 };
static const int64_t FIRST = 5000000000; /* beyond 32 bits, within what JSON numbers keep exactly */

static enum err write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		s.p += n;
		s.n -= (size_t)n;
	}
	return fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

static enum err write_aside(const char *path, int64_t mark)
{
	struct buf text = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum err e = ERR_IO;

	if (fd < 0)
		return ERR_IO;
	buf_int(&text, mark);
	buf_char(&text, '\n');
	e = write_all(fd, buf_as_slice(&text));
	if (close(fd) != 0)
		e = ERR_IO;
	buf_free(&text);
	return e;
}

/* A rename is on the disk once its folder is. */
static enum err sync_folder_of(const char *path)
{
	char *copy = mem_text(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;

	if (fd >= 0)
		(void)close(fd);
	free(copy);
	return e;
}

static enum err keep_mark(const struct sim_ids *ids, int64_t mark, struct why *why)
{
	struct buf aside = { 0 };
	enum err e;

	buf_printf(&aside, "%s.new", ids->path);
	e = write_aside(aside.p, mark);
	if (e == ERR_OK && rename(aside.p, ids->path) != 0)
		e = ERR_IO;
	if (e == ERR_OK)
		e = sync_folder_of(ids->path);
	if (e != ERR_OK)
		e = why_fail(why, ERR_IO, "The simulator can't write %s: %s. Free space or choose another folder.",
		    ids->path, strerror(errno));
	buf_free(&aside);
	return e;
}

static enum err read_mark(struct sim_ids *ids, struct why *why)
{
	FILE *file = fopen(ids->path, "re");
	char line[32] = "";
	bool got;

	if (file == NULL && errno == ENOENT) {
		ids->next = FIRST;
		return ERR_OK;
	}
	got = file != NULL && fgets(line, sizeof line, file) != NULL &&
	      slice_to_int64(slice_trim(slice_of(line)), &ids->next) && ids->next >= FIRST;
	if (file != NULL)
		(void)fclose(file);
	if (!got)
		return why_fail(why, ERR_INVALID,
		    "%s holds no mark of the simulator's ids. Remove it to begin a new sequence.", ids->path);
	return ERR_OK;
}

enum err sim_ids_open(struct sim_ids *ids, const char *folder, struct why *why)
{
	struct buf path = { 0 };
	enum err e;

	*ids = (struct sim_ids){ 0 };
	if (folder == NULL) {
		ids->next = clock_wall_ms() * 1000;
		ids->mark = INT64_MAX;
		return ERR_OK;
	}
	buf_printf(&path, "%s/ids", folder);
	ids->path = path.p;
	e = read_mark(ids, why);
	ids->mark = ids->next;
	return e == ERR_OK ? sim_ids_ensure(ids, 1, why) : e;
}

enum err sim_ids_ensure(struct sim_ids *ids, int64_t n, struct why *why)
{
	int64_t mark = ids->next + n + STEP;
	enum err e;

	if (ids->mark - ids->next >= n)
		return ERR_OK;
	e = keep_mark(ids, mark, why);
	if (e == ERR_OK)
		ids->mark = mark;
	return e;
}

int64_t sim_ids_take(struct sim_ids *ids)
{
	assert(ids->next < ids->mark);
	return ids->next++;
}

void sim_ids_close(struct sim_ids *ids)
{
	free(ids->path);
	*ids = (struct sim_ids){ 0 };
}
