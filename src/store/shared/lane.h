/* lane.h - what a lane's hash holds of its dialog (`b`), and the digest by which two questions are told apart. */
#ifndef STORE_SHARED_LANE_H
#define STORE_SHARED_LANE_H

#include "store/shared/shared.h"

enum { LANE_DIGEST_SIZE = 17 /* 16 hex digits and a NUL */ };

/* A lane's text for scripts is opaque but for its first character: '0' no dialog, '1' open, '2' its order is placed. */
struct lane_state {
	int64_t last_event_ms; /* largest raw event time applied; 0: none */
	int64_t order_id;      /* of the open dialog; 0: none */
	struct slice dialog;   /* empty: none is open */
};

void lane_write(struct buf *out, const struct lane_state *lane); /* appends */
/* False for a text that lane_write() did not make; empty is a lane with nothing. The dialog points into the text. */
bool lane_read(struct slice b, struct lane_state *ret);

/* The beginning of the question's SHA-256 as hex; empty for none. Returns digest. */
const char *lane_digest(struct slice question, char digest[LANE_DIGEST_SIZE]);

#endif
