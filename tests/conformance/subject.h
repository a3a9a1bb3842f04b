/* subject.h - the store implementations under test, a row each: how to get an empty one. */
#ifndef CONFORMANCE_SUBJECT_H
#define CONFORMANCE_SUBJECT_H

#include "base/settings.h"

enum { FOLDER_SIZE = 256 };

struct subject {
	const char *name;
	/* Points the settings at an empty store; folder is a fresh one for what it needs to keep. */
	void (*begin)(struct settings *settings, const char *folder);
	/* The store is closed and not needed any more; the folder is removed by the caller. */
	void (*end)(const struct settings *settings);
};

extern const struct subject subjects[];
extern const size_t n_subjects;

#endif
