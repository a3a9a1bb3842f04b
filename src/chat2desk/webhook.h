/* webhook.h - what Chat2Desk posts to us, decoded. Facts: docs/chat2desk.md (payloads, "inbox").
 *
 * Accepts the vendor's own payload (ids as numbers or decimal strings, beyond 32 bits; any optional field
 * null, absent or of a wrong type) and the short form {"client_id","text","message_id","timestamp"?}.
 * Only hook_type "inbox" with type "from_client", or the short form (which has no hook_type), is a customer's
 * message; everything else, a hook_type that is no string too, is an event to be counted by kind. Pure; any thread. */
#ifndef CHAT2DESK_WEBHOOK_H
#define CHAT2DESK_WEBHOOK_H

#include "base/err.h"
#include "base/kind.h"
#include "base/metrics.h"
#include "base/slice.h"

enum { C2D_ID_MAX = 64 /* bytes of an id: printable ASCII without blanks */ };
enum { C2D_TEXT_MAX = 65536 /* bytes of a text kept; longer ones are cut at a character */ };

struct c2d_message {
	struct slice message_id, client_id; /* never empty */
	enum kind kind;
	struct slice text;         /* UTF-8, control characters dropped but line feed and tab; may be empty */
	struct slice coordinates;  /* as they came: "lat,lng" or "lng lat"; empty without */
	struct slice transport;    /* "telegram"; empty when not said */
	int64_t channel_id;        /* 0 when not said */
	int64_t event_ms;          /* wall ms; 0 when not said or unreadable */
	struct slice client_phone; /* the client's real phone where Chat2Desk knows it, else empty */
	struct slice client_name;  /* empty when unknown */
};

struct c2d_event {
	bool is_message;
	struct c2d_message message; /* only when is_message */
	enum metric ignored;        /* else: the counter of its kind, METRIC_IGNORED_... */
};

/* Decodes a body. All texts of *ret live in the arena. ERR_MALFORMED: not JSON even after mending (lone
 * surrogate escapes become U+FFFD, NUL and a BOM are dropped), not UTF-8, no object, or a message without
 * ids; why then holds a sentence fit for the answer's "error". */
MUST_CHECK enum err c2d_webhook_decode(struct slice body, struct arena *arena, struct c2d_event *ret, struct why *why);

#endif
