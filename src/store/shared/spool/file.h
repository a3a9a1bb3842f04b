/* file.h - one file of the spool with its lock: rows enter at one end and leave at the other.
 *
 * SQLite in WAL mode, synced with every commit. <folder>/<name>.db holds the rows; <name>.lock is locked (flock) by the
 * process that uses it, so that it is free when that process is gone, however it ended. The lock's file is removed
 * last, and counts only while its name still leads to it. Any thread. */
#ifndef STORE_SHARED_SPOOL_FILE_H
#define STORE_SHARED_SPOOL_FILE_H

#include "store/store.h"

struct spool_file;

/* A new file of this process. */
MUST_CHECK enum err spool_file_make(const char *folder, const char *name, struct spool_file **ret, struct why *why);
/* A file that another process left. IN_USE: its process lives, or another one has adopted it; NOT_FOUND: there is none
 * any more, and what was left of it is removed. */
MUST_CHECK enum err spool_file_adopt(const char *folder, const char *name, struct spool_file **ret, struct why *why);
/* Removes the file when nothing stands in it. NULL is fine. */
void spool_file_close(struct spool_file **file);

/* All of them, or none. ret[i]: DUPLICATE when its id stands here already, or earlier in the call. NO_SPACE when the file
 * would use more than most_bytes, or the disk is full. */
MUST_CHECK enum err spool_file_enter(struct spool_file *file, const struct store_message *messages, size_t n,
    int64_t arrived_ms, int64_t most_bytes, enum store_added *ret);

/* A row waits to be forwarded, or is passed by since the store refuses this very message. */
enum spool_rows { SPOOL_WAITING, SPOOL_REFUSED };

/* The oldest rows, texts in the arena. Zeroed, it is empty. */
struct spool_batch {
	struct arena arena;
	struct store_message *messages; /* place: the row */
	int64_t *arrived_ms;
	size_t n;
};
/* Up to most rows and, unless one alone is larger, about most_bytes. n is 0 when there is none. */
MUST_CHECK enum err spool_file_oldest(
    struct spool_file *file, enum spool_rows which, size_t most, size_t most_bytes, struct spool_batch *ret);
void spool_batch_free(struct spool_batch *batch);

/* Rows of this kind from place to place, both counted, leave. */
MUST_CHECK enum err spool_file_forwarded(struct spool_file *file, enum spool_rows which, int64_t from, int64_t to);
MUST_CHECK enum err spool_file_refuse(struct spool_file *file, int64_t place);

int64_t spool_file_waiting(struct spool_file *file); /* rows; without waiting for a transaction under way */

struct spool_figures {
	int64_t waiting, refused; /* rows */
	int64_t oldest_ms;        /* arrival of the oldest one waiting; 0: none */
	int64_t waiting_ms;       /* for how long some have been waiting */
	int64_t bytes;            /* of the file in use */
};
void spool_file_figures(struct spool_file *file, struct spool_figures *ret);
/* Gives the disk back what an emptied file used. */
void spool_file_shrink(struct spool_file *file);

#endif
