/* api.h - the wire form of the calls we make, and how their answers are judged. Pure; any thread.
 * Facts: docs/chat2desk.md, "POST /v1/messages" and "Errors". */
#ifndef CHAT2DESK_API_H
#define CHAT2DESK_API_H

#include "base/buf.h"
#include "chat2desk/transfer.h"

struct c2d_outgoing {
	struct slice client_id; /* sent as a number when it is one */
	struct slice text;
	const char *type;         /* "to_client" or "autoreply" */
	struct slice transport;   /* empty: Chat2Desk's default, the client's last */
	int64_t channel_id;       /* 0: the same */
	struct slice external_id; /* our reply id */
};

/* The token as it goes into the Authorization header: raw. Whoever copied it with white space, with the
 * header's name or with "Bearer " before it meant the same token. A part of setting. */
struct slice c2d_token(const char *setting);

void c2d_message_body(struct buf *out, const struct c2d_outgoing *message); /* JSON */

enum c2d_verdict {
	C2D_ACCEPTED,
	C2D_RETRY,     /* this reply failed, spend one of its attempts */
	C2D_REJECTED,  /* 4xx about this client or message: dead letter at once */
	C2D_LIMITED,   /* 429 or a rate text: pause everything, spend nothing */
	C2D_QUOTA,     /* the month's quota is used up: pause everything, spend nothing */
	C2D_TOKEN,     /* 401, 403 or a text about the token: surroundings, when a second client confirms it */
	C2D_AWAY,      /* could not be reached at all: surroundings at once */
	C2D_MAYBE_AWAY /* 5xx, 408, timeout, unknown path, no envelope: surroundings when a second client confirms it */
};

struct c2d_judgement {
	enum c2d_verdict verdict;
	bool maybe_sent;    /* the message may have been accepted although we were not told */
	int64_t message_id; /* when accepted; 0 when they did not say */
	int64_t pause_ms;   /* LIMITED with Retry-After or known window; 0: not said */
	char cause[200];    /* in our own words, with the HTTP code and the error's key: for log and health */
	char reason[200];   /* the same with Chat2Desk's text, which may repeat the customer's: for the dead letter */
};

/* Judges by HTTP code and the body's "status" together. Only 2xx with status "success" is accepted: 2xx with
 * status "error" is a failure, and 2xx with neither comes from something that is not Chat2Desk's API. */
void c2d_judge(const struct transfer_result *result, struct c2d_judgement *ret);

#endif
