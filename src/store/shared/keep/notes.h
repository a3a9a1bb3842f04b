/* notes.h - what the shared store adds to health's checks: docs/store-protocol.md, 9. One thread at a time. */
#ifndef STORE_SHARED_KEEP_NOTES_H
#define STORE_SHARED_KEEP_NOTES_H

#include "store/shared/shared.h"

/* What was seen at the last look at the servers, each 10 s. A zeroed struct has seen nothing. */
struct keep_notes {
	int64_t looked_ms;
	const char *grade; /* of durability: always, everysec, none, unknown */
	size_t n;
	struct store_note note[STORE_NOTES_MAX];
};

/* What a process that waits for its servers has to tell. */
void keep_notes_waiting(struct shared *s, struct store_kept *ret);
/* Fills ret's notes. */
void keep_notes_look(struct shared *s, struct keep_notes *n, struct store_kept *ret);

#endif
