/* mem.c - the allocator that never returns NULL, and arenas made of a chain of blocks. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_FIRST = 4096 - 64, /* bytes of an arena's first block; each further one has twice its forerunner's */
	BLOCK_KEPT = 1 << 16     /* bytes of the largest block that grows so, and that a reset keeps */
};

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

static void out_of_memory(size_t size)
{
	(void)fprintf(stderr, "chat2order: out of memory (%zu bytes wanted)\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

void *mem_grow(void *old, size_t size)
{
	void *p = realloc(old, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

char *mem_text(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(mem_alloc(n), text, n);
}

static size_t next_size(const struct arena_block *former)
{
	if (former == NULL)
		return BLOCK_FIRST;
	return former->size < BLOCK_KEPT / 2 ? former->size * 2 : BLOCK_KEPT;
}

static struct arena_block *block_with(struct arena *a, size_t size)
{
	struct arena_block *b = a->block;
	size_t room = next_size(b);

	if (b != NULL && b->size - b->used >= size)
		return b;
	if (room < size)
		room = size;
	b = mem_grow(NULL, sizeof *b + room);
	*b = (struct arena_block){ .next = a->block, .size = room };
	a->block = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t step = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct arena_block *b;
	void *p;

	if (step < size)
		out_of_memory(size);
	b = block_with(a, step);
	p = b->bytes + b->used;
	b->used += step;
	return memset(p, 0, size);
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->block;

	if (keep == NULL)
		return;
	for (struct arena_block *b = keep->next, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	keep->next = NULL;
	keep->used = 0;
	if (keep->size > BLOCK_KEPT)
		arena_free(a);
}

void arena_free(struct arena *a)
{
	for (struct arena_block *b = a->block, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	a->block = NULL;
}
