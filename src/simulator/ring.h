/* ring.h - the most recent texts, numbered, bounded in number and bytes. The caller locks. */
#ifndef SIMULATOR_RING_H
#define SIMULATOR_RING_H

#include "base/slice.h"

enum { SIM_RING_BYTES = 4 << 20 };

struct sim_ring {
	struct sim_ring_entry {
		int64_t client_id; /* 0: concerns all */
		struct slice text; /* owned */
	} * slots;
	size_t size, used; /* slots; the entry of number n is in slot n % size */
	size_t bytes;
	int64_t next; /* number of the next one; the first is 1 */
};

void sim_ring_open(struct sim_ring *ring, size_t size);
/* Takes over text (from malloc); forgets the oldest as needed. */
void sim_ring_add(struct sim_ring *ring, int64_t client_id, char *text);
int64_t sim_ring_oldest(const struct sim_ring *ring);
/* The entry of this number, or NULL when it is forgotten, not there yet, or concerns another client than
 * this one (0: any). */
const struct sim_ring_entry *sim_ring_at(const struct sim_ring *ring, int64_t n, int64_t client_id);
void sim_ring_close(struct sim_ring *ring);

#endif
