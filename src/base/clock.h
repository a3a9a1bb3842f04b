/* clock.h - the two clocks and the one written form of a time.
 *
 * Wall times are milliseconds since 1970-01-01T00:00:00Z (UTC, never local); 0 means "no time".
 * Waits and durations use the monotonic clock, which no one can set. All functions: any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/slice.h"

int64_t clock_wall_ms(void); /* CLOCK_REALTIME */
int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC */
int64_t clock_boot_ms(void); /* CLOCK_BOOTTIME: goes on while the machine is suspended */
int64_t clock_mono_us(void);

enum { CLOCK_TEXT_SIZE = 32 };

/* 2026-11-23T09:15:04.123Z into text[CLOCK_TEXT_SIZE]; returns text. */
const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);
/* Reads RFC 3339 as Chat2Desk writes it (2025-04-03T11:50:06.984494Z, fraction optional, Z or +hh:mm)
 * and its REST form (2026-07-10T17:57:56 UTC). False leaves *ret as it was; years 1970 to 9999. */
bool clock_parse(struct slice text, int64_t *ret_wall_ms);

#endif
