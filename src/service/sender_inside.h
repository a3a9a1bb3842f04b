/* sender_inside.h - what the sender's three files share: postings, their lists, the struct itself.
 *
 *   sender.c          start, stop, claiming
 *   sender_post.c     from a claimed reply to the outcome of its POST
 *   sender_report.c   from outcomes to the store
 *
 * A posting is in one place at a time: waiting (claimed, not yet posted), under way (libcurl has it), the
 * suspect (held until the breaker knows), or ended (its outcome waits to be reported). */
#ifndef SERVICE_SENDER_INSIDE_H
#define SERVICE_SENDER_INSIDE_H

#include "base/buf.h"
#include "base/settings.h"
#include "chat2desk/api.h"
#include "service/breaker.h"
#include "service/sender.h"
#include "store/store.h"

#include <pthread.h>

struct posting {
	struct posting *next;
	struct sender *sender;
	struct batch *batch;
	const struct store_reply *reply; /* in batch */
	bool probe;
	struct c2d_judgement judged; /* once posted */
	int64_t posted_ms;           /* wall start of its POST */
	struct store_sent sent;      /* once ended; its reason lies in judged */
};

/* Replies claimed together, freed with the last of them. */
struct batch {
	struct store_replies replies;
	int64_t claimed_ms; /* monotonic */
	size_t left;
	struct posting posting[];
};

struct postings {
	struct posting *first, **end;
};

struct sender {
	const struct settings *settings;
	struct store *store;
	sender_report *report;
	void *report_context;
	char *message_url, *info_url, *authorization;
	struct transfer_pool *pool;
	pthread_t claimer, reporter;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t room;  /* for the claimer: less is held, the breaker changed, stopping */
	pthread_cond_t work;  /* for the reporter and a waiting stop: something ended */
	struct breaker breaker;
	struct postings waiting, ended;
	struct posting *suspect;
	bool confirming;       /* api_info is asked */
	int64_t confirm_at_ms; /* not before; 0: at once */
	unsigned under_way;    /* POSTs */
	size_t held;           /* claimed and not yet reported */
	struct buf body;       /* scratch of one POST's body */
	int64_t claiming_ms;   /* since when a claim is tried; 0: none is */
	int64_t reported_ms;   /* when the store last took outcomes, or nothing was held */
	bool stopping;         /* no claims, no posts */
	bool draining;         /* the claimer has ended: the reporter ends with the last outcome */
	int64_t stop_ms;       /* stopping: the time by which all should be reported */
};

void postings_add(struct postings *list, struct posting *p);
struct posting *postings_take(struct postings *list); /* NULL: none */

/* sender_post.c; all with the lock held, except where it says */
void sender_post_waiting(struct sender *s); /* posts what may be posted, gives back what may not */
void sender_settle_suspect(struct sender *s);
int64_t sender_suspect_until(const struct sender *s); /* a suspicion nobody confirms by then was wrong */
void sender_take_as(struct sender *s, struct store_replies *replies, bool probe); /* takes the lock */
void sender_ask_info(struct sender *s); /* takes the lock; may wait for the store */
bool sender_may_ask_info(const struct sender *s, int64_t now_ms);

/* sender_report.c */
void *sender_reporter(void *context);

/* sender.c */
void sender_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

#endif
