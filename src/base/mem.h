/* mem.h - memory: a plain allocator that never returns NULL, and arenas.
 *
 * A process that has no memory left can keep no promise; it aborts with a message. All that was
 * accepted is on stable storage, and the next start takes up what it held. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_grow(void *old, size_t size) __attribute__((returns_nonnull));
char *mem_text(const char *text) __attribute__((malloc, returns_nonnull)); /* strdup */

/* An arena hands out pieces that live until the arena is reset or freed. One thread at a time.
 * A zeroed struct is an empty arena. */
struct arena_block;
struct arena {
	struct arena_block *block;
};

void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
char *arena_copy(struct arena *a, const void *p, size_t n);                               /* with a NUL behind it */
void arena_reset(struct arena *a); /* forgets all pieces, keeps one block for the next use */
void arena_free(struct arena *a);

#endif
