/* prepare.c - the steps by which a process comes to know its servers, and how far it has come. */
#include "store/shared/prepare.h"

#include "base/log.h"
#include "base/random.h"
#include "store/shared/meta.h"
#include "store/shared/pg/pg.h"
#include "store/shared/redis/bull_workers.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/keys.h"
#include "store/shared/redis/library.h"
#include "store/shared/redis/redis.h"
#include "store/shared/takeover/takeover.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct prepared {
	atomic_size_t done;   /* steps */
	pthread_mutex_t lock; /* guards what follows */
	struct why waits_for; /* the sentence of the step that failed last; empty: none has */
};

struct prepared *prepared_new(void)
{
	struct prepared *p = mem_alloc(sizeof *p);

	(void)pthread_mutex_init(&p->lock, NULL);
	return p;
}

void prepared_free(struct prepared **p)
{
	if (*p != NULL)
		(void)pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

static bool works(const struct shared *s)
{
	return s->role == STORE_SERVICE || s->role == STORE_WORKER;
}

/* ---- Redis ------------------------------------------------------------------------------------------ */

static enum err see_redis(struct shared *s, struct why *why)
{
	enum err err = redis_prepare(s->redis, why);

	if (err == ERR_OK && s->role != STORE_BESIDE)
		redis_library_tidy(s->redis);
	return err != ERR_OK ? err : meta_claim(s, why);
}

static enum err refuse_bull_workers(struct shared *s, struct why *why)
{
	char worker[BULL_WORKER_SIZE];
	enum err err;

	if (s->role == STORE_BESIDE)
		return ERR_OK;
	err = bull_workers_look(s, worker, why);
	if (err != ERR_OK || worker[0] == '\0')
		return err;
	return why_fail(why, ERR_IN_USE,
	    "a Bull worker is on the queue %s: it would take the customers' messages past chat2order. Stop it first"
	    " (the predecessor's worker process), or set another BULL_PREFIX",
	    worker);
}

/* ---- PostgreSQL, and whether the two belong together ------------------------------------------------- */

static enum err see_postgres(struct shared *s, struct why *why)
{
	return pg_prepare(s->pg, works(s), why);
}

static enum err has_lanes(struct shared *s, bool *ret, struct why *why)
{
	struct redisReply *reply = NULL;
	char key[REDIS_NAME_SIZE];
	enum err err = redis_command(
	    s->redis, 2, (const char *const[]){ "EXISTS", redis_own_key(s, "idle", key) }, NULL, &reply, why);

	*ret = err == ERR_OK && redis_int(reply) != 0;
	freeReplyObject(reply);
	return err;
}

static enum err strangers(const char *redis, const char *postgres, struct why *why)
{
	return why_fail(why, ERR_CONFLICT,
	    "this Redis and this PostgreSQL do not belong together: the store in Redis is %s, the one in PostgreSQL %s. See that"
	    " REDIS_URL (with its database number), STORE_PREFIX and DATABASE_URL name the pair that was used before",
	    redis, postgres[0] != '\0' ? postgres : "none");
}

/* Under the lock, and looked at again there. PostgreSQL first: a crash in between is a Redis that lost all, of nothing. */
static enum err make_epoch(struct shared *s, void *context, struct why *why)
{
	char *redis = context, postgres[OWNER_SIZE];
	enum err err = pg_epoch(s, postgres, why);

	if (err != ERR_OK || postgres[0] != '\0')
		return err;
	if (redis[0] == '\0')
		(void)snprintf(redis, OWNER_SIZE, "%016" PRIx64, random_u64());
	if ((err = pg_set_epoch(s, redis, why)) != ERR_OK)
		return err;
	return meta_set_epoch(s, redis, why);
}

/* Only Redis' is missing: Redis was lost; nobody takes until a keeper has restored it. */
static enum err compare_epochs(struct shared *s, struct why *why)
{
	char redis[OWNER_SIZE], postgres[OWNER_SIZE];
	bool lanes = false;
	enum err err;

	if ((err = meta_epoch(s, redis, why)) != ERR_OK || (err = pg_epoch(s, postgres, why)) != ERR_OK)
		return err;
	if (redis[0] != '\0' && strcmp(redis, postgres) != 0) {
		if (postgres[0] == '\0' && (err = has_lanes(s, &lanes, why)) != ERR_OK)
			return err;
		if (postgres[0] != '\0' || lanes)
			return strangers(redis, postgres, why);
	}
	return works(s) && postgres[0] == '\0' ? pg_with_lock(s, make_epoch, redis, why) : ERR_OK;
}

/* What a predecessor left becomes ours before the first turn is taken. */
static enum err take_over(struct shared *s, struct why *why)
{
	struct takeover_report report = { 0 };
	enum err err = works(s) ? takeover_at_start(s, &report, why) : ERR_OK;

	for (size_t i = 0; i < report.n && err == ERR_OK; i++)
		log_info("taken over from the predecessor", log_word("what", report.line[i].what),
		    log_number("number", report.line[i].n), log_word("they", report.line[i].becomes));
	return err;
}

/* ---- the row of steps ------------------------------------------------------------------------------- */

static const struct step {
	enum err (*make)(struct shared *s, struct why *why);
	const char *server;
} steps[] = {
	{ see_redis, "redis" },
	{ refuse_bull_workers, "redis" },
	{ see_postgres, "postgres" },
	{ compare_epochs, "postgres" },
	{ take_over, "postgres" },
};

enum { REDIS_STEPS = 2 };

static size_t steps_of(const struct shared *s)
{
	return s->pg != NULL ? COUNT_OF(steps) : REDIS_STEPS;
}

static void note_waiting(struct prepared *p, const char *sentence)
{
	(void)pthread_mutex_lock(&p->lock);
	why_set(&p->waits_for, "%s", sentence);
	(void)pthread_mutex_unlock(&p->lock);
}

enum err prepare_servers(struct shared *s, struct why *why)
{
	struct prepared *p = s->prepared;
	struct why said = { 0 };

	for (size_t i = atomic_load(&p->done); i < steps_of(s); i++) {
		enum err err = steps[i].make(s, &said);

		if (err != ERR_OK) {
			note_waiting(p, said.text[0] != '\0' ? said.text : err_text(err));
			return why_fail(why, err, "%s", said.text);
		}
		atomic_store(&p->done, i + 1);
	}
	note_waiting(p, "");
	return ERR_OK;
}

bool prepare_has_redis(const struct shared *s)
{
	return atomic_load(&s->prepared->done) >= REDIS_STEPS;
}

/* Redis away is not grave to who only takes messages in: the spool has them. */
bool prepare_note(struct shared *s, struct store_note *ret)
{
	struct prepared *p = s->prepared;
	size_t done = atomic_load(&p->done);
	bool waits;

	*ret = (struct store_note){ .check = steps[done < COUNT_OF(steps) ? done : 0].server,
		.grave = s->role != STORE_INTAKE };
	(void)pthread_mutex_lock(&p->lock);
	waits = p->waits_for.text[0] != '\0';
	(void)snprintf(ret->text, sizeof ret->text, "%.*s", (int)sizeof ret->text - 1, p->waits_for.text);
	(void)pthread_mutex_unlock(&p->lock);
	return waits;
}
