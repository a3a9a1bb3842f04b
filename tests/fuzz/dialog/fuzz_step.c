/* fuzz_step.c - any talk: the input is lines, each a message; its first byte says how it comes.
 *
 * a turn ends before a line whose first byte has bit 0 set; bit 1: said before the question was shown;
 * bit 2: late; bits 3 to 5: its kind; bit 6: the reply of the turn before did not arrive. Instead of a line of
 * messages, "!" lets the dialog expire and "=" puts the rest of the line in the state's place. */
#include "dialog/form_data.h"
#include "dialog/state.h"
#include "dialog/text.h"
#include "dialog/words.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { TURN_ENDS = 1, EARLY = 2, LATE = 4, KIND_SHIFT = 3, KIND_BITS = 7, UNDELIVERED = 64, LINES_MAX = 200 };

struct talk {
	const struct dialog_form *form;
	struct dialog *turn; /* under way, or NULL */
	char turn_id[32];
	unsigned turns;
	int64_t now_ms, shown_ms;
	bool undelivered;
	bool said_yes; /* in this turn, after the question was shown */
	bool was_late; /* a message of this turn, and changed nothing */
	struct buf state, profile, question;
	bool was_summary; /* the question that is open is a summary, and was shown */
};

static void must(bool what)
{
	if (!what)
		abort();
}

static const struct dialog_form *builtin(void)
{
	static struct dialog_form *form;

	if (form == NULL)
		must(dialog_form_load(NULL, &form, NULL) == ERR_OK);
	return form;
}

static void begin(struct talk *t)
{
	struct dialog_context context = {
		.form = t->form,
		.turn_id = slice_of(t->turn_id),
		.state = buf_as_slice(&t->state),
		.profile = buf_as_slice(&t->profile),
		.shown_ms = t->shown_ms,
		.now_ms = t->now_ms,
	};

	if (t->turn != NULL)
		return;
	(void)snprintf(t->turn_id, sizeof t->turn_id, "t%u", ++t->turns);
	context.turn_id = slice_of(t->turn_id);
	t->turn = dialog_begin(&context);
	t->said_yes = t->was_late = false;
}

/* An order only on a yes said after a summary was shown, with the fields that were shown in it. */
static void check_order(const struct talk *t, const struct dialog_result *r)
{
	if (!r->has_order)
		return;
	must(t->said_yes);
	must(t->was_summary);
	must(memmem(t->question.p, t->question.n, r->order.fields.p, r->order.fields.n) != NULL);
	must(r->order.quantity >= 1 && r->order.quantity <= FORM_QUANTITY_MAX);
	must(r->order.phone.n > 0 && r->order.phone.p[0] == '+');
	must(text_graphemes(r->order.address) >= 5 && text_graphemes(r->order.address) <= 200);
}

static void check_result(const struct talk *t, const struct dialog_result *r)
{
	struct dialog_state state;
	struct arena a = { 0 };
	size_t orders_done = 0;

	must(slice_is_utf8(r->reply) && text_characters(r->reply) <= FORM_REPLY_MAX);
	for (size_t i = 0; i < r->n_outcomes; i++)
		orders_done += r->outcomes[i].completed;
	must(orders_done == r->has_order);
	must((r->state.n == 0) == (r->dialog_id.n == 0));
	must(r->question.n == 0 || r->state.n > 0);
	must(r->reply.n > 0 || r->question.n == 0 || !t->was_late); /* nobody is met with silence */
	state_decode(&a, t->form, r->state, SLICE("x"), &state);
	must(state.open == (r->state.n > 0));
	if (state.open) /* what was written reads back as the same */
		must(slice_eq(state_encode(&a, t->form, &state), r->state));
	arena_free(&a);
}

static void keep(struct buf *b, struct slice s)
{
	buf_reset(b);
	buf_slice(b, s);
}

static void end(struct talk *t)
{
	struct dialog_result r;
	struct arena a = { 0 };
	bool same;

	if (t->turn == NULL)
		return;
	dialog_end(&t->turn, &a, &r);
	check_order(t, &r);
	check_result(t, &r);
	same = slice_eq(r.question, buf_as_slice(&t->question));
	if (!same)
		t->shown_ms = 0;
	if (t->shown_ms == 0 && !t->undelivered && r.question.n > 0)
		t->shown_ms = t->now_ms + 1;
	keep(&t->state, r.state);
	keep(&t->profile, r.profile);
	keep(&t->question, r.question);
	t->was_summary = t->shown_ms != 0 && memmem(r.question.p, r.question.n, "WAITING_CONFIRMATION", 20) != NULL;
	t->now_ms += 1000;
	arena_free(&a);
}

static bool is_yes(struct talk *t, struct slice text)
{
	struct arena a = { 0 };
	struct slice folded = words_fold(&a, text_clean(&a, text));
	bool yes = words_meaning(&t->form->meanings, folded) == MEANING_YES && !text_asks(text_clean(&a, text));

	arena_free(&a);
	return yes;
}

static void say(struct talk *t, unsigned how, struct slice text)
{
	struct dialog_message m = { .text = text, .client_phone = SLICE("996700123456") };
	struct dialog_mark mark;

	m.kind = (enum kind)(((how >> KIND_SHIFT) & KIND_BITS) % KIND_COUNT);
	m.coordinates = m.kind == KIND_LOCATION ? text : SLICE_NONE;
	m.said_ms = (how & EARLY) != 0 && t->shown_ms != 0 ? t->shown_ms : t->now_ms;
	m.late = (how & LATE) != 0;
	begin(t);
	if (!m.late && t->shown_ms != 0 && m.said_ms > t->shown_ms && is_yes(t, text))
		t->said_yes = true;
	dialog_step(t->turn, &m, &mark);
	t->was_late = t->was_late || (m.late && !mark.applied);
	must(mark.applied == (mark.reason == NULL));
	must(!m.late || mark.applied || strcmp(mark.reason, "late") == 0 || strncmp(mark.reason, "said", 4) == 0);
}

static void feed(struct talk *t, struct slice line)
{
	unsigned how = line.n > 0 ? (unsigned char)line.p[0] : 0;
	struct slice text = line.n > 1 ? (struct slice){ line.p + 1, line.n - 1 } : SLICE_NONE;

	if (how == '!') {
		end(t);
		begin(t);
		dialog_expire(t->turn);
		end(t);
	} else if (how == '=') {
		end(t);
		keep(&t->state, text);
		keep(&t->question, SLICE_NONE);
		t->shown_ms = 0;
		t->was_summary = false;
	} else {
		if ((how & TURN_ENDS) != 0)
			end(t);
		t->undelivered = (how & UNDELIVERED) != 0;
		say(t, how, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct talk t = { .form = builtin(), .now_ms = 1000 };
	struct slice rest = { (const char *)data, n };

	for (unsigned i = 0; rest.n > 0 && i < LINES_MAX; i++) {
		const char *feed_at = memchr(rest.p, '\n', rest.n);
		size_t length = feed_at != NULL ? (size_t)(feed_at - rest.p) : rest.n;

		feed(&t, (struct slice){ rest.p, length });
		rest = (struct slice){ rest.p + length + (feed_at != NULL), rest.n - length - (feed_at != NULL) };
	}
	end(&t);
	buf_free(&t.state);
	buf_free(&t.profile);
	buf_free(&t.question);
	return 0;
}
