/* breaker.h - is the API itself in trouble, or only this one reply? A pure state machine: time is passed in
 * (monotonic ms). Not locked: one thread at a time.
 *
 *   WORKING ──cannot be reached──────────────▶ AWAY      probed every 2 to 5 s
 *      │ └───a refusal, 5xx, time-out──▶ (suspicion) ──confirmed by another client──▶ AWAY
 *      ├──429 or rate text───────────────────▶ LIMITED   probed after Retry-After, or 5 s growing to 60 s
 *      └──quota text─────────────────────────▶ QUOTA     probed every 5 min
 *
 * Back to WORKING: from AWAY by any answer that shows the API at work, from the limits by such an answer to a
 * probe (others were under way already when the limit was met). A suspicion ends by the next outcome of
 * another client, or of api_info. While not WORKING only single probes are posted, and nothing is spent. */
#ifndef SERVICE_BREAKER_H
#define SERVICE_BREAKER_H

#include "chat2desk/api.h"

enum breaker_state { BREAKER_WORKING, BREAKER_AWAY, BREAKER_LIMITED, BREAKER_QUOTA };

/* A zeroed struct is a breaker at work. */
struct breaker {
	enum breaker_state state;
	int64_t since_ms;    /* when it left WORKING */
	int64_t probe_at_ms; /* not WORKING: the next probe */
	unsigned probes;     /* that failed in a row in this state */
	bool suspecting;     /* one client's failure waits for confirmation */
	int64_t suspected_ms;
	char suspect[80]; /* client id */
	char reason[200]; /* why it is not WORKING; why it suspects; without a text of theirs */
};

enum breaker_fate {
	BREAKER_OWN,  /* the outcome is the reply's own: act on its verdict */
	BREAKER_HELD, /* keep the reply until the suspicion has ended */
	BREAKER_BACK  /* the surroundings': give the reply back, nothing spent */
};

/* Tells what a POST came to, and what to do with its reply. After each call look at suspecting: when it has
 * ended, the reply held goes BACK unless the state is WORKING, where it is its OWN. */
enum breaker_fate breaker_judged(
    struct breaker *b, const struct c2d_judgement *judged, struct slice client_id, bool probe, int64_t now_ms);
/* Could the surroundings be to blame for it, and not the one reply? */
bool breaker_blames_surroundings(enum c2d_verdict verdict);
/* The answer of api_info, asked because no other client's reply was there to confirm. */
void breaker_confirmed(struct breaker *b, const struct c2d_judgement *judged, int64_t now_ms);
/* Nothing confirmed the suspicion in time: it was the reply's own. */
void breaker_unsuspect(struct breaker *b);
/* How long until a probe may go out; 0: now, or WORKING. */
int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms);

#endif
