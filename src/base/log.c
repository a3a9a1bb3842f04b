/* log.c - a line is built whole and written with one write, so that lines of threads never mix. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <unistd.h>

static struct {
	enum log_level least;
	enum log_format format;
	bool customer_data;
} setup = { LOG_INFO, LOG_AS_TEXT, false };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level least, enum log_format format, bool customer_data)
{
	setup.least = least;
	setup.format = format;
	setup.customer_data = customer_data;
}

bool log_wants(enum log_level level)
{
	return level >= setup.least;
}

static void mask_phone(struct buf *out, struct slice s)
{
	enum { HEAD = 4, TAIL = 2 };

	if (s.n < HEAD + TAIL + 3) {
		buf_printf(out, "(%zu characters)", s.n);
		return;
	}
	buf_add(out, s.p, HEAD);
	buf_text(out, "***");
	buf_add(out, s.p + s.n - TAIL, TAIL);
}

static void masked(struct buf *out, const struct log_field *f)
{
	if (f->kind == LOG_FIELD_TEXT || setup.customer_data)
		buf_slice(out, f->text);
	else if (f->kind == LOG_FIELD_PHONE)
		mask_phone(out, f->text);
	else
		buf_printf(out, "(%zu bytes)", f->text.n);
}

static bool is_plain_word(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

static void field_value(struct buf *line, const struct log_field *f)
{
	struct buf text = { 0 };

	if (f->kind == LOG_FIELD_NUMBER) {
		buf_int(line, f->number);
		return;
	}
	masked(&text, f);
	if (setup.format == LOG_AS_TEXT && is_plain_word(buf_as_slice(&text)))
		buf_slice(line, buf_as_slice(&text));
	else
		buf_json(line, buf_as_slice(&text));
	buf_free(&text);
}

static void json_line(struct buf *line, const char *time, enum log_level level, const char *event,
    const struct log_field *fields, size_t n)
{
	buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time, level_names[level]);
	buf_json(line, slice_of(event));
	for (size_t i = 0; i < n; i++) {
		buf_char(line, ',');
		buf_json(line, slice_of(fields[i].name));
		buf_char(line, ':');
		field_value(line, &fields[i]);
	}
	buf_text(line, "}\n");
}

static void text_line(struct buf *line, const char *time, enum log_level level, const char *event,
    const struct log_field *fields, size_t n)
{
	buf_printf(line, "%s %-5s %s", time, level_names[level], event);
	for (size_t i = 0; i < n; i++) {
		buf_printf(line, "%s%s=", i == 0 ? "  " : " ", fields[i].name);
		field_value(line, &fields[i]);
	}
	buf_char(line, '\n');
}

static void write_whole(struct slice line)
{
	while (line.n > 0) {
		ssize_t n = write(STDERR_FILENO, line.p, line.n);

		if (n <= 0)
			return;
		line.p += n;
		line.n -= (size_t)n;
	}
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	char time[CLOCK_TEXT_SIZE];
	struct buf line = { 0 };

	(void)clock_format(clock_wall_ms(), time);
	if (setup.format == LOG_AS_JSON)
		json_line(&line, time, level, event, fields, n);
	else
		text_line(&line, time, level, event, fields, n);
	write_whole(buf_as_slice(&line));
	buf_free(&line);
}
