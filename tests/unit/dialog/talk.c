/* talk.c - a customer and the dialog in a test: keeps state, profile and what was shown, as a store does. */
#include "talk.h"

#include <stdio.h>

enum { SECOND = 1000 };

void talk_begin(struct talk *t, const struct dialog_form *form)
{
	*t = (struct talk){ .form = form, .now_ms = 1700000000000, .order_number = 42 };
}

void talk_end(struct talk *t)
{
	arena_free(&t->arena[0]);
	arena_free(&t->arena[1]);
}

static struct dialog *begin(struct talk *t, char *turn_id, size_t size)
{
	int n = snprintf(turn_id, size, "turn%u", ++t->turns);
	struct dialog_context context = {
		.form = t->form,
		.turn_id = { turn_id, (size_t)n },
		.state = t->state,
		.profile = t->profile,
		.shown_ms = t->shown_ms,
		.order_number = t->order_number,
		.order_status = t->order_status,
		.now_ms = t->now_ms,
	};

	return dialog_begin(&context);
}

/* What the store does with a result: an equal question keeps the time it was shown. */
static void finish(struct talk *t, struct dialog **d)
{
	struct arena *arena = &t->arena[t->turns % 2];

	arena_reset(arena);
	dialog_end(d, arena, &t->result);
	if (!slice_eq(t->question, t->result.question))
		t->shown_ms = 0;
	if (t->shown_ms == 0 && t->result.question.n > 0 && !t->undelivered)
		t->shown_ms = t->now_ms + SECOND;
	t->state = t->result.state;
	t->profile = t->result.profile;
	t->question = t->result.question;
	t->n_orders += t->result.has_order;
	t->now_ms += 2 * SECOND;
}

void talk_turn(struct talk *t, struct dialog_message *messages, size_t n)
{
	char turn_id[32];
	struct dialog *d = begin(t, turn_id, sizeof turn_id);

	t->now_ms += SECOND;
	for (size_t i = 0; i < n; i++) {
		if (messages[i].said_ms == 0)
			messages[i].said_ms = t->now_ms;
		messages[i].client_phone = t->client_phone;
		dialog_step(d, &messages[i], &t->marks[i]);
	}
	finish(t, &d);
}

void talk_say(struct talk *t, const char *text)
{
	struct dialog_message message = { .kind = KIND_TEXT, .text = slice_of(text) };

	talk_turn(t, &message, 1);
}

void talk_burst(struct talk *t, const char *texts)
{
	struct dialog_message messages[TALK_TURN_MESSAGES] = { 0 };
	size_t n = 0;

	for (const char *at = texts; at != NULL && n < TALK_TURN_MESSAGES; n++) {
		const char *bar = strchr(at, '|');

		messages[n].text = bar != NULL ? (struct slice){ at, (size_t)(bar - at) } : slice_of(at);
		at = bar != NULL ? bar + 1 : NULL;
	}
	talk_turn(t, messages, n);
}

void talk_expire(struct talk *t)
{
	char turn_id[32];
	struct dialog *d = begin(t, turn_id, sizeof turn_id);

	dialog_expire(d);
	finish(t, &d);
}

struct slice talk_state(const struct talk *t)
{
	static const char key[] = "{\"state\":\"";
	struct slice s = t->state;
	const char *end;

	if (s.n <= sizeof key - 1)
		return SLICE("INITIAL");
	s = (struct slice){ s.p + sizeof key - 1, s.n - (sizeof key - 1) };
	end = memchr(s.p, '"', s.n);
	return (struct slice){ s.p, end != NULL ? (size_t)(end - s.p) : 0 };
}

bool talk_replied(const struct talk *t, const char *part)
{
	return t->result.reply.n > 0 && memmem(t->result.reply.p, t->result.reply.n, part, strlen(part)) != NULL;
}
