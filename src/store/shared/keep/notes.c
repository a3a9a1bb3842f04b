/* notes.c - is Redis set so that it keeps what it was given, and does all that should answer? */
#include "store/shared/keep/notes.h"

#include "base/clock.h"
#include "store/shared/pg/pg.h"
#include "store/shared/prepare.h"
#include "store/shared/redis/bull_workers.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/redis.h"
#include "store/shared/spool/spool.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

enum { LOOK_EVERY_MS = 10000, MEMORY_PERCENT = 90 };

static struct store_note *add_note(struct keep_notes *n, const char *check, bool ok, bool grave)
{
	struct store_note *note = &n->note[n->n < STORE_NOTES_MAX ? n->n++ : STORE_NOTES_MAX - 1];

	*note = (struct store_note){ .check = check, .ok = ok, .grave = grave };
	return note;
}

/* ---- INFO and CONFIG ---- */

/* The value of "name:value" on a line of its own; empty where there is none. */
static struct slice line_of(struct slice info, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = info.p, *end = info.p + info.n, *next; p != NULL && p < end; p = next) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));

		next = line_end != NULL ? line_end + 1 : end;
		if ((size_t)(next - p) > length && memcmp(p, name, length) == 0 && p[length] == ':')
			return slice_trim((struct slice){ p + length + 1, (size_t)(next - p) - length - 1 });
	}
	return SLICE_NONE;
}

static int64_t number_of(struct slice info, const char *name)
{
	int64_t value = 0;

	(void)slice_to_int64(line_of(info, name), &value);
	return value;
}

static struct slice setting_of(const struct redisReply *config, const char *name)
{
	for (size_t i = 0; i + 1 < redis_n(config); i += 2)
		if (slice_eq(redis_text(redis_at(config, i)), slice_of(name)))
			return redis_text(redis_at(config, i + 1));
	return SLICE_NONE;
}

static const char *grade_of(bool aof, struct slice fsync)
{
	static const char *const grades[] = { "always", "everysec" };

	if (!aof || slice_eq(fsync, SLICE("no")))
		return "none";
	for (size_t i = 0; i < COUNT_OF(grades); i++)
		if (slice_eq(fsync, slice_of(grades[i])))
			return grades[i];
	return "unknown";
}

static void note_durability(struct keep_notes *n, struct slice info, struct slice fsync)
{
	bool aof = number_of(info, "aof_enabled") == 1;
	bool written = !slice_eq(line_of(info, "aof_last_write_status"), SLICE("err"));
	bool ok = aof && written && !slice_eq(fsync, SLICE("no"));
	struct store_note *note = add_note(n, "durability", ok, false);
	const char *text = "";

	n->grade = grade_of(aof, fsync);
	if (!aof)
		text = "Redis keeps no append-only file: what it was given is lost when it ends; set appendonly yes";
	else if (!written)
		text = "Redis could not write its append-only file: see its log and its disk";
	else if (slice_eq(fsync, SLICE("no")))
		text =
		    "appendfsync no: what Redis was given in the last half minute may be lost in a crash of its machine";
	else if (slice_eq(fsync, SLICE("everysec")))
		text = "appendfsync everysec: up to two seconds may be lost when Redis itself crashes";
	else if (!slice_eq(fsync, SLICE("always")))
		text = "Redis does not tell its appendfsync";
	(void)snprintf(note->text, sizeof note->text, "%s", text);
}

static void note_eviction(struct keep_notes *n, struct slice info)
{
	struct slice policy = line_of(info, "maxmemory_policy");
	bool bad = number_of(info, "maxmemory") > 0 && policy.n > 0 && !slice_eq(policy, SLICE("noeviction"));
	struct store_note *note = add_note(n, "eviction", !bad, false);

	if (bad)
		(void)snprintf(note->text, sizeof note->text,
		    "maxmemory-policy %.*s: Redis may drop messages and dialogs when its memory is full; set noeviction",
		    SLICE_PRINT(policy));
}

static void note_memory(struct keep_notes *n, struct slice info)
{
	int64_t most = number_of(info, "maxmemory"), used = number_of(info, "used_memory");
	bool full = most > 0 && used > most / 100 * MEMORY_PERCENT;
	struct store_note *note = add_note(n, "memory", !full, false);

	if (full)
		(void)snprintf(note->text, sizeof note->text,
		    "Redis uses %" PRId64 " of its %" PRId64 " MiB: raise maxmemory", used >> 20, most >> 20);
}

/* How many replicas must be good for a write to be taken; 1 where a host refuses CONFIG. */
static int64_t replicas_wanted(struct shared *s)
{
	struct redisReply *config = NULL;
	int64_t wanted = 1;

	if (redis_command(s->redis, 3, (const char *const[]){ "CONFIG", "GET", "min-replicas-to-write" }, NULL, &config,
		NULL) == ERR_OK)
		(void)slice_to_int64(setting_of(config, "min-replicas-to-write"), &wanted);
	freeReplyObject(config);
	return wanted;
}

/* INFO counts the good replicas only where some are asked for. */
static void note_replication(struct shared *s, struct keep_notes *n, struct slice info)
{
	bool master = slice_eq(line_of(info, "role"), SLICE("master"));
	bool met = line_of(info, "min_slaves_good_slaves").n == 0 ||
		   number_of(info, "min_slaves_good_slaves") >= replicas_wanted(s);
	struct store_note *note = add_note(n, "replication", master && met, false);

	if (!master || !met)
		(void)snprintf(note->text, sizeof note->text, "%s",
		    master ? "Redis has fewer replicas than min-replicas-to-write asks for: it takes nothing"
			   : "Redis is a replica: it takes nothing");
}

static enum err look_at_redis(struct shared *s, struct keep_notes *n, struct why *why)
{
	struct redisReply *info = NULL, *config = NULL;
	enum err err = redis_command(s->redis, 1, (const char *const[]){ "INFO" }, NULL, &info, why);

	if (err != ERR_OK)
		return err;
	/* a host may refuse CONFIG: then the grade is not known */
	(void)!redis_command(s->redis, 3, (const char *const[]){ "CONFIG", "GET", "appendfsync" }, NULL, &config, NULL);
	note_durability(n, redis_text(info), setting_of(config, "appendfsync"));
	note_eviction(n, redis_text(info));
	note_memory(n, redis_text(info));
	note_replication(s, n, redis_text(info));
	freeReplyObject(info);
	freeReplyObject(config);
	return ERR_OK;
}

static void note_bull_worker(struct shared *s, struct keep_notes *n)
{
	char worker[BULL_WORKER_SIZE] = "";
	struct store_note *note;

	if (bull_workers_look(s, worker, NULL) != ERR_OK)
		worker[0] = '\0';
	note = add_note(n, "bull_worker", worker[0] == '\0', false);
	if (worker[0] != '\0')
		(void)snprintf(note->text, sizeof note->text,
		    "a Bull worker is on the queue %s: it takes messages past chat2order; stop it", worker);
}

static void note_postgres(struct shared *s, struct keep_notes *n)
{
	char epoch[OWNER_SIZE];
	struct why why = { 0 };
	struct store_note *note;
	enum err err;

	if (s->pg == NULL)
		return;
	err = pg_epoch(s, epoch, &why);
	note = add_note(n, "postgres", err == ERR_OK, true);
	if (err != ERR_OK)
		(void)snprintf(note->text, sizeof note->text, "%.255s", why.text);
}

/* The spool takes what Redis does not, so that its absence is grave only to who works. */
static void look(struct shared *s, struct keep_notes *n)
{
	struct why why = { 0 };
	struct store_note redis = { .check = "redis", .ok = true, .grave = s->role != STORE_INTAKE };

	n->n = 1;
	redis.ok = look_at_redis(s, n, &why) == ERR_OK;
	if (!redis.ok)
		(void)snprintf(redis.text, sizeof redis.text, "%.255s", why.text);
	else
		note_bull_worker(s, n);
	n->note[0] = redis;
	note_postgres(s, n);
}

static void note_spool(struct shared *s, bool redis_answers, struct store_kept *ret)
{
	if (s->spool != NULL && ret->n_notes < STORE_NOTES_MAX)
		spool_note(s->spool, redis_answers, &ret->notes[ret->n_notes++]);
}

void keep_notes_waiting(struct shared *s, struct store_kept *ret)
{
	ret->durability = "unknown";
	ret->n_notes = prepare_note(s, &ret->notes[0]) ? 1 : 0;
	note_spool(s, prepare_has_redis(s), ret);
}

/* While something is wrong it is looked at each time, so that its end is seen at once. */
void keep_notes_look(struct shared *s, struct keep_notes *n, struct store_kept *ret)
{
	bool wrong = false;

	for (size_t i = 0; i < n->n; i++)
		wrong = wrong || !n->note[i].ok;
	if (n->n == 0 || wrong || clock_mono_ms() - n->looked_ms >= LOOK_EVERY_MS) {
		look(s, n);
		n->looked_ms = clock_mono_ms();
	}
	ret->durability = n->grade;
	memcpy(ret->notes, n->note, n->n * sizeof n->note[0]);
	ret->n_notes = n->n;
	note_spool(s, n->note[0].ok, ret);
}
