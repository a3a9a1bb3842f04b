/* queue_counts.c - `queue counts`: what waits, is held and is dead. */
#include "command/jsonout.h"
#include "command/queue.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
	const char *name, *about;
	size_t offset;
} rows[] = {
#define ROW(field, about)                                                                                              \
	{                                                                                                              \
#field, about, offsetof(struct store_counts, field)                                                    \
	}
	ROW(waiting, "messages that no worker has seen yet"),
	ROW(in_lanes, "messages behind their client's running turn or unsent reply"),
	ROW(active, "messages held by workers"),
	ROW(lanes_in_turn, "clients whose turn is running"),
	ROW(lanes_speaking, "clients whose reply is not yet accepted by Chat2Desk"),
	ROW(lanes_backing_off, "clients whose failed turn waits for its retry"),
	ROW(replies_waiting, "replies that wait to be sent"),
	ROW(replies_claimed, "replies being sent"),
	ROW(dead_messages, "messages that are dead letters"),
	ROW(dead_replies, "replies that are dead letters"),
	ROW(dialogs_open, "dialogs not finished"),
	ROW(oldest_waiting_ms, "ms that the oldest message has waited"),
	ROW(oldest_reply_ms, "ms that the oldest reply has waited"),
#undef ROW
};

static int64_t value_of(const struct store_counts *counts, size_t row)
{
	int64_t value;

	memcpy(&value, (const char *)counts + rows[row].offset, sizeof value);
	return value;
}

static void print_json(const struct store_counts *counts)
{
	json_t *object = json_object();

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)json_object_set_new(object, rows[i].name, json_integer((json_int_t)value_of(counts, i)));
	json_print(object);
}

static void print_lines(const struct store_counts *counts)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)printf("%-18s %8" PRId64 "  %s\n", rows[i].name, value_of(counts, i), rows[i].about);
	if (counts->dead_messages + counts->dead_replies > 0)
		(void)puts("\nWhat is dead, and why: chat2order queue dead");
}

static int count(const struct options *o, struct store *store, void *request)
{
	struct store_counts counts = { 0 };
	enum err e = store_counts(store, &counts);

	if (e == ERR_OK)
		(o->json ? print_json : print_lines)(&counts);
	return command_end(e);
}

int queue_counts(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "queue counts",
		.about = "Shows how much waits, is held by workers, and is dead.\n",
		.settings = true,
		.json = true,
		.examples = "chat2order queue\nchat2order queue counts --json\n",
	};
	static const struct beside command = { &help, NULL, count };

	return beside_run(&command, argc, argv, NULL);
}
