/* lane.c - `b`: "<o> <last event ms> <order id> <dialog>", where o is what scripts may know of it. */
#include "store/shared/lane.h"

#include <openssl/sha.h>
#include <stdio.h>

void lane_write(struct buf *out, const struct lane_state *lane)
{
	buf_char(out, lane->dialog.n == 0 ? '0' : lane->order_id == 0 ? '1' : '2');
	buf_char(out, ' ');
	buf_int(out, lane->last_event_ms);
	buf_char(out, ' ');
	buf_int(out, lane->order_id);
	buf_char(out, ' ');
	buf_slice(out, lane->dialog);
}

/* The text up to the next blank, which *rest then stands behind. */
static struct slice word(struct slice *rest)
{
	const char *blank = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;
	struct slice w = *rest;

	if (blank == NULL) {
		*rest = SLICE_NONE;
		return w;
	}
	w.n = (size_t)(blank - rest->p);
	rest->p += w.n + 1;
	rest->n -= w.n + 1;
	return w;
}

bool lane_read(struct slice b, struct lane_state *ret)
{
	*ret = (struct lane_state){ .dialog = SLICE("") };
	if (b.n == 0)
		return true;
	(void)word(&b);
	if (!slice_to_int64(word(&b), &ret->last_event_ms) || !slice_to_int64(word(&b), &ret->order_id) || b.p == NULL)
		return false;
	ret->dialog = b;
	return true;
}

const char *lane_digest(struct slice question, char digest[LANE_DIGEST_SIZE])
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];

	digest[0] = '\0';
	if (question.n == 0)
		return digest;
	(void)SHA256((const unsigned char *)question.p, question.n, bytes);
	for (size_t i = 0; 2 * i + 1 < LANE_DIGEST_SIZE; i++)
		(void)snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
	return digest;
}
