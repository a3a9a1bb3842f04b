/* ring.c - slots reused in turn; the oldest make room. */
#include "simulator/ring.h"

#include <stdlib.h>

void sim_ring_open(struct sim_ring *ring, size_t size)
{
	*ring = (struct sim_ring){ .slots = mem_alloc(size * sizeof *ring->slots), .size = size, .next = 1 };
}

static struct sim_ring_entry *slot(const struct sim_ring *ring, int64_t n)
{
	return &ring->slots[(size_t)n % ring->size];
}

int64_t sim_ring_oldest(const struct sim_ring *ring)
{
	return ring->next - (int64_t)ring->used;
}

static void forget_oldest(struct sim_ring *ring)
{
	struct sim_ring_entry *oldest = slot(ring, sim_ring_oldest(ring));

	ring->bytes -= oldest->text.n;
	free((char *)(uintptr_t)oldest->text.p);
	ring->used--;
}

void sim_ring_add(struct sim_ring *ring, int64_t client_id, char *text)
{
	size_t n = strlen(text);

	while (ring->used > 0 && (ring->used == ring->size || ring->bytes + n > SIM_RING_BYTES))
		forget_oldest(ring);
	*slot(ring, ring->next) = (struct sim_ring_entry){ client_id, { text, n } };
	ring->bytes += n;
	ring->used++;
	ring->next++;
}

const struct sim_ring_entry *sim_ring_at(const struct sim_ring *ring, int64_t n, int64_t client_id)
{
	const struct sim_ring_entry *entry;

	if (n < sim_ring_oldest(ring) || n >= ring->next)
		return NULL;
	entry = slot(ring, n);
	if (client_id != 0 && entry->client_id != 0 && entry->client_id != client_id)
		return NULL;
	return entry;
}

void sim_ring_close(struct sim_ring *ring)
{
	while (ring->used > 0)
		forget_oldest(ring);
	free(ring->slots);
	*ring = (struct sim_ring){ 0 };
}
