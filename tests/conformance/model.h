/* model.h - what the store has promised so far, in a few arrays; and actors that use it at random and hold it to that.
 *
 * Every client's dialog text counts what was applied, so that the store itself carries the proof over a crash:
 * messages in order and once (P2, P3), orders once (P4), replies in order, one outstanding a client, a second POST
 * only where the first is doubtful (P5), nothing lost (P8). The model is told of an intent before a verb and of its
 * outcome afterwards; what lies between at a crash may have happened or not.
 *
 * The model has no pointers: it may live in memory that several processes share. */
#ifndef CONFORMANCE_MODEL_H
#define CONFORMANCE_MODEL_H

#include "fixture.h"

enum { MODEL_CLIENTS = 6, MODEL_MESSAGES = 300000, MODEL_REPLIES = 300000 };

enum message_fate { MESSAGE_WAITING, MESSAGE_UNSURE /* held, or dead or not */, MESSAGE_APPLIED, MESSAGE_DEAD };
enum reply_fate { REPLY_WAITING, REPLY_UNSURE /* dead or not */, REPLY_DEAD, REPLY_AGAIN /* was dead */ };

struct model_client {
	int added;   /* messages known to be accepted: 0 to added - 1 */
	bool adding; /* the next one may be */
	uint8_t fate[MODEL_MESSAGES];
	int applied_least, applied_most; /* the store's count of applied messages lies between */
	int in_doubt; /* that count by a finish that a crash cut off, if it may yet be met as recorded; else 0 */
	uint8_t reply_fate[MODEL_REPLIES], posted[MODEL_REPLIES];
	int last_posted; /* the largest; replies count from 1 */
	int outstanding; /* claims of senders that live */
};

struct model {
	pthread_mutex_t lock; /* for actors in several threads */
	int64_t turns_held;
	bool alone_held;
	int64_t steps, turns, crashes, orders, doubles; /* to tell what was tried */
	struct model_client client[MODEL_CLIENTS];
};

enum { ACTOR_HOLDS = 8 };

struct actor {
	struct fixture *f;
	struct model *m;
	uint64_t random; /* the state of its dice */
	struct actor_turn {
		const struct store_turn *turn;
		struct store_turns *of;
	} turn[ACTOR_HOLDS];
	struct actor_reply {
		const struct store_reply *reply;
		int64_t claimed_ms;
	} reply[ACTOR_HOLDS];
	size_t turns, replies;
};

uint64_t dice(struct actor *a, uint64_t sides); /* 0 to sides - 1 */

void model_begin(struct model *m, struct fixture *f); /* and makes the fixture's settings fit; it is closed then */
/* A process that used the store is gone: nobody holds anything. */
void model_after_crash(struct model *m, const struct fixture *f);

/* One verb each, with the checks that belong to it. client: whose message; one adder a client at a time. */
void actor_add(struct actor *a, int client);
void actor_add_again(struct actor *a); /* what was being added at the crash, and ids known for long */
void actor_take(struct actor *a);
void actor_finish(struct actor *a);
void actor_fail(struct actor *a);
void actor_claim(struct actor *a);
void actor_send(struct actor *a);
void actor_retry_dead(struct actor *a);
void actor_keep(struct actor *a);
void actor_release(struct actor *a); /* gives back all that it holds */

/* All is finished and sent, dead letters too; then everything must add up. */
void model_drain(struct actor *a);
void model_check_end(struct model *m, struct fixture *f);

#endif
