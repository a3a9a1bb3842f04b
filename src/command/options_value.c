/* options_value.c - the values of a command's own options, checked. */
#include "base/clock.h"
#include "command/options.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_given *last_given(const struct options *o, const char *name)
{
	for (size_t i = o->n_given; i > 0; i--)
		if (strcmp(o->given[i - 1].name, name) == 0)
			return &o->given[i - 1];
	return NULL;
}

bool options_flag(const struct options *o, const char *name)
{
	return last_given(o, name) != NULL;
}

const char *options_value(const struct options *o, const char *name)
{
	const struct option_given *given = last_given(o, name);

	return given != NULL ? given->value : NULL;
}

const char *options_value_at(const struct options *o, const char *name, size_t at)
{
	for (size_t i = 0; i < o->n_given; i++)
		if (strcmp(o->given[i].name, name) == 0 && at-- == 0)
			return o->given[i].value;
	return NULL;
}

int options_number(const struct options *o, const char *name, int64_t least, int64_t most, int64_t *ret)
{
	const char *text = options_value(o, name);
	int64_t number;

	if (text == NULL)
		return OPTIONS_GO_ON;
	if (!slice_to_int64(slice_of(text), &number) || number < least || number > most)
		return options_mistake(o->help, "--%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64, name,
		    text, least, most);
	*ret = number;
	return OPTIONS_GO_ON;
}

/* "24h" as milliseconds; 0 when it is no such text. */
static int64_t span_ms(struct slice text)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	int64_t count, ms;

	if (text.n < 2 || !slice_to_int64((struct slice){ text.p, text.n - 1 }, &count) || count <= 0)
		return 0;
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (text.p[text.n - 1] == units[i].unit)
			return __builtin_mul_overflow(count, units[i].ms, &ms) ? 0 : ms;
	return 0;
}

static bool read_time(const char *text, int64_t *ret_wall_ms)
{
	int64_t span = span_ms(slice_of(text)), now = clock_wall_ms();
	char whole_day[CLOCK_TEXT_SIZE];

	if (span > 0 && span < now) {
		*ret_wall_ms = now - span;
		return true;
	}
	if (strlen(text) == strlen("2026-11-23")) {
		(void)snprintf(whole_day, sizeof whole_day, "%sT00:00:00Z", text);
		return clock_parse(slice_of(whole_day), ret_wall_ms);
	}
	return clock_parse(slice_of(text), ret_wall_ms);
}

int options_time(const struct options *o, const char *name, int64_t *ret_wall_ms)
{
	const char *text = options_value(o, name);

	if (text == NULL || read_time(text, ret_wall_ms))
		return OPTIONS_GO_ON;
	return options_mistake(o->help,
	    "--%s: \"%s\" is no time; write 2026-11-23, 2026-11-23T09:15:00Z, or how long ago: 90s, 15m, 24h, 7d", name,
	    text);
}

static bool is_choice(struct slice word, const char *choices)
{
	for (;; choices++) {
		size_t n = strcspn(choices, "|");

		if (slice_eq(word, (struct slice){ choices, n }))
			return true;
		choices += n;
		if (*choices == '\0')
			return false;
	}
}

int options_choice(const struct options *o, const char *name, const char *choices, const char **ret)
{
	const char *text = options_value(o, name);

	if (text == NULL)
		return OPTIONS_GO_ON;
	if (!is_choice(slice_of(text), choices))
		return options_mistake(o->help, "--%s: \"%s\" is none of %s", name, text, choices);
	*ret = text;
	return OPTIONS_GO_ON;
}
