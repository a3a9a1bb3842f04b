/* queue.c - `queue`: its verbs, and what those about dead letters share. */
#include "command/queue.h"

#include "command/commands.h"
#include "command/jsonout.h"
#include "command/output.h"

#include <stdlib.h>

enum { PAGE = 200 };

int queue_filter(const struct options *o, struct store_dead_filter *ret)
{
	const char *kind = NULL;
	int code = options_choice(o, "kind", "message|reply", &kind);

	if (code == OPTIONS_GO_ON)
		code = options_time(o, "since", &ret->since_ms);
	if (code == OPTIONS_GO_ON)
		code = options_time(o, "until", &ret->until_ms);
	if (kind != NULL)
		ret->kind = strcmp(kind, "message") == 0 ? STORE_DEAD_MESSAGE : STORE_DEAD_REPLY;
	ret->client_id = slice_of(options_value(o, "client"));
	ret->reason = slice_of(options_value(o, "reason"));
	return code;
}

bool queue_is_filtered(const struct options *o)
{
	return options_flag(o, "kind") || options_flag(o, "client") || options_flag(o, "reason") ||
	       options_flag(o, "since") || options_flag(o, "until");
}

enum err queue_walk(
    struct store *store, const struct store_dead_filter *filter, int64_t limit, queue_each *each, void *context)
{
	struct arena arena = { 0 };
	struct store_dead *dead;
	int64_t after = 0, left = limit > 0 ? limit : INT64_MAX;
	size_t n = 0;
	enum err e;

	do {
		size_t most = left < PAGE ? (size_t)left : PAGE;

		arena_reset(&arena);
		e = store_dead_list(store, filter, after, most, &arena, &dead, &n);
		for (size_t i = 0; e == ERR_OK && i < n; i++) {
			each(context, &dead[i]);
			after = dead[i].id;
		}
		left -= (int64_t)n;
	} while (e == ERR_OK && n > 0 && left > 0);
	arena_free(&arena);
	return e;
}

const char *queue_kind_name(enum store_dead_kind kind)
{
	return kind == STORE_DEAD_REPLY ? "reply" : "message";
}

json_t *queue_json(const struct store_dead *d)
{
	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i}", "id", (json_int_t)d->id,
	    "kind", queue_kind_name(d->kind), "ref", json_from_slice(d->ref), "client_id",
	    json_from_slice(d->client_id), "died_at", json_from_time(d->died_ms), "created_at",
	    json_from_time(d->created_ms), "reason", json_from_slice(d->reason), "text", json_from_slice(d->text),
	    "dialog_id", json_from_slice(d->dialog_id), "transport", json_from_slice(d->transport), "channel_id",
	    (json_int_t)d->channel_id, "attempts", (int)d->attempts);
}

static void add_id(struct queue_choice *choice, int64_t id)
{
	if (choice->n == choice->size) {
		choice->size = choice->size == 0 ? PAGE : 2 * choice->size;
		choice->ids = mem_grow(choice->ids, choice->size * sizeof *choice->ids);
	}
	choice->ids[choice->n++] = id;
}

static int ids_of_operands(const struct options *o, struct queue_choice *choice)
{
	for (size_t i = 0; i < o->n_operands; i++) {
		int64_t id;

		if (!slice_to_int64(slice_of(o->operand[i]), &id) || id <= 0)
			return options_mistake(o->help,
			    "\"%s\" is no dead letter's id; `chat2order queue dead` lists them", o->operand[i]);
		add_id(choice, id);
	}
	return OPTIONS_GO_ON;
}

int queue_choose(const struct options *o, struct queue_choice *choice)
{
	bool all = options_flag(o, "all");

	if (all && o->n_operands > 0)
		return options_mistake(o->help, "give ids or --all, not both");
	if (!all && o->n_operands == 0)
		return options_mistake(o->help, "give the ids of dead letters, or --all (with filters, if you like)");
	if (!all && queue_is_filtered(o))
		return options_mistake(o->help, "filters go with --all, not with ids");
	return all ? queue_filter(o, &choice->filter) : ids_of_operands(o, choice);
}

static void collect_one(void *context, const struct store_dead *dead)
{
	add_id(context, dead->id);
}

enum err queue_collect(const struct options *o, struct store *store, struct queue_choice *choice)
{
	return options_flag(o, "all") ? queue_walk(store, &choice->filter, 0, collect_one, choice) : ERR_OK;
}

void queue_choice_free(struct queue_choice *choice)
{
	free(choice->ids);
	*choice = (struct queue_choice){ 0 };
}

int queue_confirm(const struct options *o, const char *verb, size_t n)
{
	char question[96];
	bool asked;

	if (options_flag(o, "yes") || n == 0)
		return OPTIONS_GO_ON;
	(void)snprintf(question, sizeof question, "%s %zu dead letter%s?", verb, n, n == 1 ? "" : "s");
	if (output_confirm(question, &asked))
		return OPTIONS_GO_ON;
	if (!asked)
		return options_mistake(
		    o->help, "nobody is there to be asked; add --yes to do it, or --dry-run to look");
	(void)fputs("Nothing was done.\n", stderr);
	return EXIT_FAILED;
}

int command_queue(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "counts", "what waits, is held and is dead (also without a word)", queue_counts },
		{ "dead", "list dead letters: what could not be processed, and why", queue_dead },
		{ "show", "one dead letter with its text and reason", queue_show },
		{ "retry", "put dead letters back to be processed again", queue_retry },
		{ "remove", "remove dead letters for good", queue_remove },
	};
	static const struct verb_set set = {
		.name = "queue",
		.about = "Shows what waits, and the dead letters: messages and replies that could not be processed.\n",
		.verbs = verbs,
		.n = COUNT_OF(verbs),
		.standard = "counts",
		.examples = "chat2order queue\n"
			    "chat2order queue dead --kind reply --since 24h\n"
			    "chat2order queue show 12\n"
			    "chat2order queue retry 12 13\n"
			    "chat2order queue retry --all --reason \"client not found\" --dry-run\n"
			    "chat2order queue remove 12 --yes\n",
	};

	return verbs_run(&set, argc, argv);
}
