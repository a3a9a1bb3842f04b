/* breaker.c - from single outcomes to what they say about the API. */
#include "service/breaker.h"

#include <stdio.h>

enum {
	AWAY_FIRST_MS = 2000,
	AWAY_STEP_MS = 1000,
	AWAY_LONGEST_MS = 5000,
	LIMITED_FIRST_MS = 5000,
	LIMITED_LONGEST_MS = 60000,
	QUOTA_MS = 5 * 60 * 1000,
	PAUSE_LONGEST_MS = 60 * 60 * 1000 /* whatever their Retry-After says */
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t pause_of(enum breaker_state state, unsigned probes, int64_t said_ms)
{
	if (said_ms > 0)
		return least(said_ms, PAUSE_LONGEST_MS);
	switch (state) {
	case BREAKER_AWAY:
		return least(AWAY_FIRST_MS + (int64_t)probes * AWAY_STEP_MS, AWAY_LONGEST_MS);
	case BREAKER_LIMITED:
		return probes < 8 ? least((int64_t)LIMITED_FIRST_MS << probes, LIMITED_LONGEST_MS) : LIMITED_LONGEST_MS;
	case BREAKER_QUOTA:
		return QUOTA_MS;
	case BREAKER_WORKING:
		break;
	}
	return 0;
}

static void enter(struct breaker *b, enum breaker_state state, const struct c2d_judgement *judged, int64_t now_ms)
{
	if (b->state == BREAKER_WORKING)
		b->since_ms = now_ms;
	b->probes = b->state == state ? b->probes + 1 : 0;
	b->state = state;
	b->suspecting = false;
	b->probe_at_ms = now_ms + pause_of(state, b->probes, judged->pause_ms);
	snprintf(b->reason, sizeof b->reason, "%s", judged->cause);
}

static void work(struct breaker *b)
{
	b->state = BREAKER_WORKING;
	b->probes = 0;
	b->reason[0] = '\0';
}

static bool is_limit(enum c2d_verdict v)
{
	return v == C2D_LIMITED || v == C2D_QUOTA;
}

static bool is_trouble(enum c2d_verdict v)
{
	return v == C2D_AWAY || v == C2D_MAYBE_AWAY || v == C2D_TOKEN;
}

bool breaker_blames_surroundings(enum c2d_verdict verdict)
{
	return is_limit(verdict) || is_trouble(verdict);
}

static enum breaker_state state_of(enum c2d_verdict v)
{
	if (v == C2D_LIMITED)
		return BREAKER_LIMITED;
	return v == C2D_QUOTA ? BREAKER_QUOTA : BREAKER_AWAY;
}

static void suspect(struct breaker *b, const struct c2d_judgement *judged, struct slice client_id, int64_t now_ms)
{
	b->suspecting = true;
	b->suspected_ms = now_ms;
	snprintf(b->suspect, sizeof b->suspect, "%.*s", SLICE_PRINT(client_id));
	snprintf(b->reason, sizeof b->reason, "%s", judged->cause);
}

static enum breaker_fate judged_while_working(
    struct breaker *b, const struct c2d_judgement *judged, struct slice client_id, int64_t now_ms)
{
	bool other = b->suspecting && !slice_eq(client_id, slice_of(b->suspect));

	if (is_limit(judged->verdict) || judged->verdict == C2D_AWAY || (is_trouble(judged->verdict) && other)) {
		enter(b, state_of(judged->verdict), judged, now_ms);
		return BREAKER_BACK;
	}
	if (is_trouble(judged->verdict) && !b->suspecting) {
		suspect(b, judged, client_id, now_ms);
		return BREAKER_HELD;
	}
	if (other)
		breaker_unsuspect(b);
	return BREAKER_OWN;
}

/* Only a probe says something new about a limit; those under way when it was met are told the same, or not. */
static enum breaker_fate judged_while_not(
    struct breaker *b, const struct c2d_judgement *judged, bool probe, int64_t now_ms)
{
	enum breaker_state said = state_of(judged->verdict);

	if (breaker_blames_surroundings(judged->verdict)) {
		if (probe || (b->state == BREAKER_AWAY && said != BREAKER_AWAY))
			enter(b, said, judged, now_ms);
		return BREAKER_BACK;
	}
	if (probe || b->state == BREAKER_AWAY)
		work(b);
	return BREAKER_OWN;
}

enum breaker_fate breaker_judged(
    struct breaker *b, const struct c2d_judgement *judged, struct slice client_id, bool probe, int64_t now_ms)
{
	if (b->state == BREAKER_WORKING)
		return judged_while_working(b, judged, client_id, now_ms);
	return judged_while_not(b, judged, probe, now_ms);
}

void breaker_confirmed(struct breaker *b, const struct c2d_judgement *judged, int64_t now_ms)
{
	if (!b->suspecting)
		return;
	if (breaker_blames_surroundings(judged->verdict))
		enter(b, state_of(judged->verdict), judged, now_ms);
	else
		breaker_unsuspect(b);
}

void breaker_unsuspect(struct breaker *b)
{
	b->suspecting = false;
	b->reason[0] = '\0';
}

int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms)
{
	return b->state == BREAKER_WORKING || b->probe_at_ms <= now_ms ? 0 : b->probe_at_ms - now_ms;
}
