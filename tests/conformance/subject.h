/* subject.h - the store implementations under test, a row each: how to get an empty one, and how one gets over a crash. */
#ifndef CONFORMANCE_SUBJECT_H
#define CONFORMANCE_SUBJECT_H

#include "base/settings.h"
#include "store/store.h"

enum { FOLDER_SIZE = 256 };

struct subject {
	const char *name;
	/* Points the settings at an empty store; folder is a fresh one for what it needs to keep. */
	void (*begin)(struct settings *settings, const char *folder);
	/* The store is closed and not needed any more; the folder is removed by the caller. */
	void (*end)(const struct settings *settings);
	/* The store is open again after a crash: keeps it until nothing is held by a dead process any more. */
	void (*settle)(struct store *store);
	/* LEASE_MS of runs with many crashes: long enough that no living process loses a lease on a slow machine. */
	int64_t crash_lease_ms;
	/* What a time of this process may be off by in the store: its clock may be another's, known to half a round trip. */
	int64_t clock_error_ms;
	/* A finish that a crash cut off may have become true unseen: the next finish of its client is then stale, and meets
	 * what was recorded. */
	bool records;
};

extern const struct subject subjects[];
extern const size_t n_subjects;

#endif
