/* clock.c - one offset, and whether it jumped. */
#include "store/shared/redis/clock.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	SAMPLE_LIFE_MS = 60000,
	TRUSTED_TRIP_MS = 200,
	SAME_CLOCK_MS = 5 /* beyond the trip: rounding, and slow slewing */
};

struct redis_clock {
	pthread_mutex_t lock;
	bool known;
	int64_t offset_ms; /* Redis' clock less clock_boot_ms() */
	int64_t trip_ms;   /* round trip of the answer that said so */
	int64_t noted_ms;  /* clock_boot_ms() of that answer */
	int64_t jumped_ms; /* since somebody asked */
};

struct redis_clock *redis_clock_new(void)
{
	struct redis_clock *c = mem_alloc(sizeof *c);

	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void redis_clock_free(struct redis_clock **clock)
{
	if (*clock != NULL)
		(void)pthread_mutex_destroy(&(*clock)->lock);
	free(*clock);
	*clock = NULL;
}

/* Both trips were short, so the difference is none of the network's. */
static bool has_jumped(const struct redis_clock *c, int64_t offset_ms, int64_t trip_ms)
{
	return c->known && trip_ms < TRUSTED_TRIP_MS && c->trip_ms < TRUSTED_TRIP_MS &&
	       llabs(offset_ms - c->offset_ms) > REDIS_CLOCK_STEP_MS;
}

void redis_clock_note(struct redis_clock *clock, int64_t redis_ms, int64_t sent_ms, int64_t read_ms)
{
	int64_t trip_ms = read_ms - sent_ms, offset_ms = redis_ms - (sent_ms + trip_ms / 2);
	bool jumped;

	(void)pthread_mutex_lock(&clock->lock);
	jumped = has_jumped(clock, offset_ms, trip_ms);
	if (jumped)
		clock->jumped_ms += offset_ms - clock->offset_ms;
	if (!clock->known || jumped || trip_ms <= clock->trip_ms || read_ms - clock->noted_ms > SAMPLE_LIFE_MS) {
		clock->known = true;
		clock->offset_ms = offset_ms;
		clock->trip_ms = trip_ms;
		clock->noted_ms = read_ms;
	}
	(void)pthread_mutex_unlock(&clock->lock);
}

int64_t redis_now_ms(struct shared *s)
{
	struct redis_clock *c = s->clock;
	int64_t now;

	(void)pthread_mutex_lock(&c->lock);
	now = c->known ? clock_boot_ms() + c->offset_ms : clock_wall_ms();
	(void)pthread_mutex_unlock(&c->lock);
	return now;
}

/* A difference no larger than what measuring it may have made is none: clocks that agree give times that agree. */
int64_t redis_from_wall_ms(struct shared *s, int64_t wall_ms)
{
	struct redis_clock *c = s->clock;
	int64_t ahead_ms = 0;

	(void)pthread_mutex_lock(&c->lock);
	if (c->known) {
		ahead_ms = clock_boot_ms() + c->offset_ms - clock_wall_ms();
		if (llabs(ahead_ms) <= c->trip_ms / 2 + SAME_CLOCK_MS)
			ahead_ms = 0;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return wall_ms + ahead_ms;
}

int64_t redis_clock_jump_ms(struct shared *s)
{
	struct redis_clock *c = s->clock;
	int64_t jumped;

	(void)pthread_mutex_lock(&c->lock);
	jumped = c->jumped_ms;
	c->jumped_ms = 0;
	(void)pthread_mutex_unlock(&c->lock);
	return jumped;
}
