/* lateness.c - late and stale, from raw event times. */
#include "service/lateness.h"

/* 0 where there is none, or where it can't be true. */
static int64_t believed(const struct store_message *m)
{
	if (m->forced || m->event_ms > m->arrived_ms + LATENESS_FUTURE_MS)
		return 0;
	return m->event_ms;
}

enum lateness lateness_of(const struct store_message *m, int64_t last_event_ms)
{
	int64_t event = believed(m);

	if (m->late)
		return LATENESS_LATE;
	if (event == 0 || last_event_ms == 0 || event >= last_event_ms)
		return LATENESS_ON_TIME;
	return last_event_ms - event > LATENESS_STALE_MS ? LATENESS_STALE : LATENESS_LATE;
}

int64_t lateness_advance(const struct store_message *m, int64_t last_event_ms)
{
	int64_t event = believed(m), most = m->arrived_ms + LATENESS_SKEW_MS;

	if (event > most)
		event = most;
	return event > last_event_ms ? event : last_event_ms;
}
