/* turn.c - one turn: each message is late, stale or on time; the dialog decides; the store gets the result. */
#include "service/turn.h"

#include "base/crash.h"
#include "base/metrics.h"
#include "service/lateness.h"

_Static_assert(DIALOG_ORDER_MARK == STORE_ORDER_MARK, "the dialog writes the mark that the store replaces");
_Static_assert((int)DIALOG_ID_MAX >= (int)STORE_TURN_ID_SIZE, "a dialog is named after its turn");

static struct store_log run_message(struct dialog *d, const struct store_message *m, int64_t *last_event_ms)
{
	enum lateness lateness = lateness_of(m, *last_event_ms);
	struct dialog_mark mark;

	if (lateness == LATENESS_STALE) {
		metric_add(METRIC_MESSAGES_STALE, 1);
		return (struct store_log){ .success = false,
			.reason = "stale: said more than 10 minutes before a later message" };
	}
	crash_point_text(m->text);
	dialog_step(d,
	    &(struct dialog_message){
		.kind = m->kind,
		.text = m->text,
		.coordinates = m->coordinates,
		.client_phone = m->client_phone,
		.said_ms = m->said_ms,
		.late = lateness == LATENESS_LATE,
	    },
	    &mark);
	*last_event_ms = lateness_advance(m, *last_event_ms);
	metric_add(lateness == LATENESS_LATE ? METRIC_MESSAGES_LATE : METRIC_MESSAGES_APPLIED, 1);
	return (struct store_log){ .dialog_state = mark.state, .success = mark.applied, .reason = mark.reason };
}

static const struct store_log *run_messages(
    struct dialog *d, const struct store_turn *turn, struct arena *arena, int64_t *last_event_ms)
{
	struct store_log *logs = arena_alloc(arena, (turn->n_messages + 1) * sizeof *logs);

	for (size_t i = 0; i < turn->n_messages; i++)
		logs[i] = run_message(d, &turn->messages[i], last_event_ms);
	return logs;
}

static const struct store_order_new *order_of(const struct dialog_result *decided, struct arena *arena)
{
	struct store_order_new *order;

	if (!decided->has_order)
		return NULL;
	order = arena_alloc(arena, sizeof *order);
	*order = (struct store_order_new){
		.dialog_id = decided->order.dialog_id,
		.address = decided->order.address,
		.phone = decided->order.phone,
		.fields = decided->order.fields,
		.quantity = decided->order.quantity,
	};
	return order;
}

static const struct store_outcome *outcomes_of(const struct dialog_result *decided, struct arena *arena)
{
	struct store_outcome *outcomes = arena_alloc(arena, (decided->n_outcomes + 1) * sizeof *outcomes);

	for (size_t i = 0; i < decided->n_outcomes; i++)
		outcomes[i] = (struct store_outcome){
			.dialog_id = decided->outcomes[i].dialog_id,
			.dropoff_state = decided->outcomes[i].dropoff_state,
			.completed = decided->outcomes[i].completed,
			.total_messages = decided->outcomes[i].total_messages,
			.duration_s = decided->outcomes[i].duration_s,
		};
	return outcomes;
}

void turn_run(const struct store_turn *turn, const struct dialog_form *form, int64_t now_ms, struct arena *arena,
    struct store_result *ret)
{
	const struct store_message *last = turn->n_messages > 0 ? &turn->messages[turn->n_messages - 1] : NULL;
	int64_t last_event_ms = turn->last_event_ms;
	struct dialog_result *decided = arena_alloc(arena, sizeof *decided);
	struct dialog *d = dialog_begin(&(struct dialog_context){
	    .form = form,
	    .turn_id = slice_of(turn->turn_id),
	    .state = turn->dialog,
	    .profile = turn->profile,
	    .shown_ms = turn->shown_ms,
	    .order_number = turn->order_number,
	    .order_status = turn->order_status,
	    .now_ms = now_ms,
	});
	const struct store_log *logs;

	if (turn->expired)
		dialog_expire(d);
	logs = run_messages(d, turn, arena, &last_event_ms);
	dialog_end(&d, arena, decided);
	*ret = (struct store_result){
		.turn = turn,
		.dialog = decided->state,
		.dialog_id = decided->dialog_id,
		.profile = decided->profile_changed ? decided->profile : SLICE_NONE,
		.question = decided->question,
		.reply = decided->reply,
		.reply_channel_id = last != NULL ? last->channel_id : 0,
		.reply_transport = last != NULL ? last->transport : SLICE_NONE,
		.last_event_ms = last_event_ms,
		.logs = logs,
		.order = order_of(decided, arena),
		.outcomes = outcomes_of(decided, arena),
		.n_outcomes = decided->n_outcomes,
	};
}
