/* job.h - what a job's hash holds of a message or a reply: `data` and `c`. docs/store-protocol.md, 2.
 *
 * `data` is JSON that Bull's tools show; bytes that are not UTF-8 become U+FFFD in it, and NUL the noncharacter U+FDD0,
 * which is NUL again when it is read. Functions that put append. Any thread. */
#ifndef STORE_SHARED_JOB_H
#define STORE_SHARED_JOB_H

#include "store/shared/shared.h"

/* ---- messages ---- */

void job_put_message(struct buf *data, const struct store_message *m);
/* What the customer said, from `data`, his id from `c`, the message's from the job's id where that is of our form.
 * forced_or_late: the field `f`. All texts live in the arena; false: the data is no message. */
struct job_hash {
	struct slice id, data, c, f;
	int64_t timestamp;
};
bool job_read_message(const struct job_hash *job, struct arena *a, struct store_message *ret);

/* The id of the message in a job of this id: that of our form, else what its data says. */
struct slice job_message_id(struct slice job_id, struct slice otherwise);

/* `c` of a message: "<said ms> <arrived us> <owner> <client>"; of a reply: without the said. */
struct job_c {
	int64_t said_ms, arrived_us;
	struct slice owner, client_id; /* point into it */
};
bool job_read_message_c(struct slice c, struct job_c *ret);
bool job_read_reply_c(struct slice c, struct job_c *ret);
/* The monotonic arrival, 0 where it was another process's clock. */
int64_t job_arrived_us(const struct shared *s, const struct job_c *c);

/* ---- replies ---- */

struct job_reply {
	struct slice client_id, text;
	struct slice question;  /* digest */
	struct slice dialog_id; /* then open */
	struct slice message_id, transport;
	int64_t channel_id, created_ms, arrived_us;
};
void job_put_reply(struct buf *data, const struct job_reply *r);
void job_put_reply_c(const struct shared *s, struct buf *c, int64_t arrived_us, struct slice client_id);
/* False: no reply. Texts live in the arena. The client is read from the data. */
bool job_read_reply(struct slice data, struct arena *a, struct job_reply *ret);

/* What c2o_clients.reply_meta keeps of a reply: channel, transport, message and arrival. */
void job_put_reply_meta(struct buf *meta, const struct job_reply *r);
bool job_read_reply_meta(struct slice meta, struct arena *a, struct job_reply *ret);

/* The text with the order's number where STORE_ORDER_MARK stands; number 0: as it is. */
void job_put_numbered(struct buf *out, struct slice text, int64_t number);

#endif
