/* clock.c - clocks, and times read and written without locale or time zone tables. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_boot_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm = { 0 };

	if (wall_ms < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900) {
		text[0] = '\0';
		return text;
	}
	(void)snprintf(text, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
	    (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100,
	    (int)(wall_ms % 1000));
	return text;
}

/* Reads exactly width digits at *at; -1 when they are not there. */
static int digits(struct slice s, size_t *at, size_t width)
{
	int value = 0;

	if (s.n - *at < width)
		return -1;
	for (size_t i = 0; i < width; i++) {
		char c = s.p[*at + i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*at += width;
	return value;
}

static bool literal(struct slice s, size_t *at, char c)
{
	if (*at >= s.n || s.p[*at] != c)
		return false;
	(*at)++;
	return true;
}

/* ".984494" as milliseconds; further digits are dropped. */
static bool fraction(struct slice s, size_t *at, int *ret_ms)
{
	int ms = 0, scale = 100;
	size_t first;

	*ret_ms = 0;
	if (!literal(s, at, '.'))
		return true;
	for (first = *at; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; (*at)++) {
		ms += (s.p[*at] - '0') * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return *at > first;
}

/* "Z", " UTC", "+06:00" or "+0600", to the end of the text. */
static bool zone(struct slice s, size_t at, int *ret_minutes)
{
	struct slice rest = { s.p + at, s.n - at };
	int sign, h, m;

	*ret_minutes = 0;
	if (slice_eq(rest, SLICE("Z")) || slice_eq(rest, SLICE("z")) || slice_eq(rest, SLICE(" UTC")))
		return true;
	if (rest.n < 5 || (rest.p[0] != '+' && rest.p[0] != '-'))
		return false;
	sign = rest.p[0] == '-' ? -1 : 1;
	at = 1;
	h = digits(rest, &at, 2);
	(void)literal(rest, &at, ':');
	m = digits(rest, &at, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59 || at != rest.n)
		return false;
	*ret_minutes = sign * (h * 60 + m);
	return true;
}

static bool calendar_fits(const struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days[tm->tm_mon] && tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 &&
	       tm->tm_min < 60 && tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

bool clock_parse(struct slice s, int64_t *ret_wall_ms)
{
	struct tm tm = { 0 };
	int ms, minutes;
	size_t at = 0;

	tm.tm_year = digits(s, &at, 4) - 1900;
	if (!literal(s, &at, '-'))
		return false;
	tm.tm_mon = digits(s, &at, 2) - 1;
	if (!literal(s, &at, '-'))
		return false;
	tm.tm_mday = digits(s, &at, 2);
	if (!literal(s, &at, 'T') && !literal(s, &at, ' '))
		return false;
	tm.tm_hour = digits(s, &at, 2);
	if (!literal(s, &at, ':'))
		return false;
	tm.tm_min = digits(s, &at, 2);
	if (!literal(s, &at, ':'))
		return false;
	tm.tm_sec = digits(s, &at, 2);
	if (!calendar_fits(&tm) || !fraction(s, &at, &ms) || !zone(s, at, &minutes))
		return false;
	*ret_wall_ms = ((int64_t)timegm(&tm) - (int64_t)minutes * 60) * 1000 + ms;
	return true;
}
