/* health_page.c - the pages of GET /health and the gauges of GET /metrics. */
#include "service/health_page.h"

#include "base/clock.h"

#include <inttypes.h>

/*        field of struct store_counts, family, label pair or "", help (of the first in the family) */
#define GAUGE_LIST(X)                                                                                                  \
	X(waiting, "messages", "state=\"waiting\"", "Messages in the store that are not done.")                        \
	X(in_lanes, "messages", "state=\"in_lane\"", "")                                                               \
	X(active, "messages", "state=\"active\"", "")                                                                  \
	X(lanes_in_turn, "lanes", "state=\"in_turn\"", "Clients whose lane is not free.")                              \
	X(lanes_speaking, "lanes", "state=\"speaking\"", "")                                                           \
	X(lanes_backing_off, "lanes", "state=\"backing_off\"", "")                                                     \
	X(replies_waiting, "replies_queued", "state=\"waiting\"", "Replies not yet accepted by Chat2Desk.")            \
	X(replies_claimed, "replies_queued", "state=\"claimed\"", "")                                                  \
	X(dead_messages, "dead_letters", "kind=\"message\"", "Dead letters.")                                          \
	X(dead_replies, "dead_letters", "kind=\"reply\"", "")                                                          \
	X(dialogs_open, "dialogs_open", "", "Dialogs that are not finished.")                                          \
	X(spooled, "spool_messages", "", "Messages in the spool, not yet in the shared store.")                        \
	X(spooled_bytes, "spool_bytes", "", "What the spool's file uses.")

static const struct {
	const char *field, *family, *label, *help;
	size_t offset;
} gauges[] = {
#define X(field, family, label, help) { #field, family, label, help, offsetof(struct store_counts, field) },
	GAUGE_LIST(X)
#undef X
};

static int64_t value_at(const struct store_counts *counts, size_t offset)
{
	int64_t value;

	memcpy(&value, (const char *)counts + offset, sizeof value);
	return value;
}

/* ---- JSON --------------------------------------------------------------------------------------------- */

static const char *word(bool value)
{
	return value ? "true" : "false";
}

static void add_time(int64_t wall_ms, struct buf *out)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms == 0)
		buf_text(out, "null");
	else
		buf_json(out, slice_of(clock_format(wall_ms, text)));
}

static void add_checks(const struct health_view *v, struct buf *out)
{
	for (size_t i = 0; i < HEALTH_CHECKS; i++)
		buf_printf(out, "\"%s\":%s,", health_check_name((enum health_check)i), word(v->check[i].ok));
	for (size_t i = 0; i < v->n_notes; i++)
		buf_printf(out, "\"%s\":%s,", v->notes[i].said.check, word(v->notes[i].said.ok));
	buf_printf(out, "\"queues\":{\"message\":%" PRId64 ",\"outbox\":%" PRId64 "}",
	    v->counts.waiting + v->counts.in_lanes + v->counts.active,
	    v->counts.replies_waiting + v->counts.replies_claimed);
}

static void add_reason(const char *check, bool grave, int64_t since_ms, const char *reason, struct buf *out)
{
	buf_printf(out, "{\"check\":\"%s\",\"grave\":%s,\"since\":", check, word(grave));
	add_time(since_ms, out);
	buf_text(out, ",\"reason\":");
	buf_json(out, slice_of(reason));
	buf_char(out, '}');
}

static void add_reasons(const struct health_view *v, struct buf *out)
{
	const char *between = "";

	for (size_t i = 0; i < HEALTH_CHECKS; i++) {
		const struct health_state *s = &v->check[i];

		if (s->ok)
			continue;
		buf_text(out, between);
		add_reason(health_check_name((enum health_check)i), health_is_grave((enum health_check)i), s->since_ms,
		    s->reason, out);
		between = ",";
	}
	for (size_t i = 0; i < v->n_notes; i++) {
		const struct store_note *note = &v->notes[i].said;

		if (note->text[0] == '\0') /* one that is well may have something to tell all the same */
			continue;
		buf_text(out, between);
		add_reason(note->check, !note->ok && note->grave, v->notes[i].since_ms, note->text, out);
		between = ",";
	}
}

static void add_queues(const struct store_counts *counts, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(gauges); i++)
		buf_printf(
		    out, "%s\"%s\":%" PRId64, i > 0 ? "," : "", gauges[i].field, value_at(counts, gauges[i].offset));
}

void health_page_json(const struct health_view *v, struct buf *out)
{
	const struct health_state *api = &v->check[HEALTH_API];

	buf_printf(out, "{\"status\":\"%s\",\"checks\":{", v->healthy ? "healthy" : "unhealthy");
	add_checks(v, out);
	buf_text(out, "},\"reasons\":[");
	add_reasons(v, out);
	buf_text(out, "],\"queues\":{");
	add_queues(&v->counts, out);
	buf_printf(out, "},\"oldest_waiting_ms\":%" PRId64 ",\"oldest_reply_ms\":%" PRId64, v->counts.oldest_waiting_ms,
	    v->counts.oldest_reply_ms);
	buf_printf(out, ",\"api\":{\"away\":%s,\"since\":", word(!api->ok));
	add_time(api->since_ms, out);
	buf_text(out, ",\"why\":");
	buf_json(out, slice_of(api->reason));
	buf_printf(out,
	    "},\"writable\":%s,\"durability\":\"%s\",\"version\":\"%s\",\"timestamp\":", word(v->check[HEALTH_DISK].ok),
	    v->durability, VERSION);
	add_time(clock_wall_ms(), out);
	buf_char(out, '}');
}

/* ---- Prometheus --------------------------------------------------------------------------------------- */

static void add_header(const char *family, const char *help, struct buf *out)
{
	buf_printf(out, "# HELP chat2order_%s %s\n# TYPE chat2order_%s gauge\n", family, help, family);
}

static void add_age(const char *family, const char *help, int64_t ms, struct buf *out)
{
	add_header(family, help, out);
	buf_printf(out, "chat2order_%s %.3f\n", family, (double)ms / 1000);
}

void health_page_gauges(const struct health_view *v, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(gauges); i++) {
		if (gauges[i].help[0] != '\0')
			add_header(gauges[i].family, gauges[i].help, out);
		buf_printf(out, "chat2order_%s", gauges[i].family);
		if (gauges[i].label[0] != '\0')
			buf_printf(out, "{%s}", gauges[i].label);
		buf_printf(out, " %" PRId64 "\n", value_at(&v->counts, gauges[i].offset));
	}
	add_age(
	    "oldest_waiting_seconds", "Age of the oldest message no worker holds.", v->counts.oldest_waiting_ms, out);
	add_age("oldest_reply_seconds", "Age of the oldest reply not yet accepted.", v->counts.oldest_reply_ms, out);
	add_age("spool_oldest_seconds", "Age of the oldest message in the spool.", v->counts.oldest_spooled_ms, out);
	add_header("healthy", "1 while GET /health answers 200.", out);
	buf_printf(out, "chat2order_healthy %d\n", v->healthy);
	add_header("check_ok", "1 while the check is good.", out);
	for (size_t i = 0; i < HEALTH_CHECKS; i++)
		buf_printf(out, "chat2order_check_ok{check=\"%s\"} %d\n", health_check_name((enum health_check)i),
		    v->check[i].ok);
	for (size_t i = 0; i < v->n_notes; i++)
		buf_printf(out, "chat2order_check_ok{check=\"%s\"} %d\n", v->notes[i].said.check, v->notes[i].said.ok);
	add_header("build_info", "The version that runs.", out);
	buf_printf(out, "chat2order_build_info{version=\"%s\"} 1\n", VERSION);
}
