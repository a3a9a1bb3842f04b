/* fixture.h - one test's store: opened fresh, reopened after a clean close or a crash, and short words for its verbs.
 *
 * CHECK() may be used anywhere: in the test itself it fails the test; in another thread or a forked process,
 * where cmocka's asserts have no meaning, it ends that process with a message, which fails the test too.
 *
 * CONFORMANCE_SUBJECT=embedded or =shared runs the tests over that store only. */
#ifndef CONFORMANCE_FIXTURE_H
#define CONFORMANCE_FIXTURE_H

#include "store/store.h"
#include "subject.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			check_failed(__FILE__, __LINE__, #condition);                                                  \
	} while (0)
#define CHECK_TEXT(slice, text) check_text(__FILE__, __LINE__, (slice), (text))
#define CHECK_INT(value, wanted) check_int(__FILE__, __LINE__, #value, (int64_t)(value), (int64_t)(wanted))
void check_failed(const char *file, int line, const char *what);
void check_text(const char *file, int line, struct slice s, const char *wanted);
void check_int(const char *file, int line, const char *what, int64_t value, int64_t wanted);

/* A time that was given to the store, as it comes back. */
#define CHECK_TIME(f, value, wanted) check_time(__FILE__, __LINE__, (f), #value, (value), (wanted))

struct fixture {
	const struct subject *subject;
	struct settings settings; /* may be changed before a reopen */
	char folder[FOLDER_SIZE];
	struct store *s; /* NULL while closed */
	struct arena arena;
	struct given *given; /* what takes and claims gave, freed at the end */
	pthread_mutex_t lock;
};

/* Runs the group once for each subject that the environment wants; the number of failed tests. */
int run_over_subjects(const char *group, const struct CMUnitTest *tests, size_t n);
int run_over(const char *subject, const char *group, const struct CMUnitTest *tests, size_t n); /* only this one */
#define RUN_OVER_SUBJECTS(group, tests) run_over_subjects((group), (tests), COUNT_OF(tests))

int fixture_begin(void **state); /* setup and teardown of every test */
int fixture_end(void **state);
#define CASE(function) cmocka_unit_test_setup_teardown(function, fixture_begin, fixture_end)

void check_time(const char *file, int line, const struct fixture *f, const char *what, int64_t value, int64_t wanted);

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_reopen(struct fixture *f); /* closed cleanly, if open, and opened again */
/* Nothing may be held here. What dead processes held is taken back when this returns. */
void fixture_settle(struct fixture *f);
struct store *fixture_beside(struct fixture *f);
/* The store is closed; a process of its own opens it, takes the steps and is killed (SIGKILL) without closing; then
 * the store is open again here, and settled. */
void fixture_crash(struct fixture *f, void (*steps)(struct fixture *f));

/* ---- verbs that must succeed ---- */

struct store_message message(const char *client, const char *id, const char *text);
enum store_added add(struct fixture *f, const char *client, const char *id); /* its text is its id */
void add_new(struct fixture *f, const char *client, const char *id);         /* and it must be no duplicate */
/* store_add_begin() of one message, and what is told of it; said may be NULL. */
enum err add_begun(struct fixture *f, const struct store_message *m, enum store_added *ret, struct why *said);

struct store_turns *take(struct fixture *f, size_t most, int64_t wait_ms);
const struct store_turn *take_one(struct fixture *f);                      /* waits for it; there must be one */
const struct store_turn *take_from(struct fixture *f, const char *client); /* and it must be this client's */
void take_none(struct fixture *f);                                         /* none may be due */
void check_messages(const struct store_turn *turn, const char *ids);       /* "a b c" */

/* Unset members are empty. dialog NULL: as the turn has it. */
struct finish_with {
	const char *dialog, *dialog_id, *profile, *question, *reply;
	const struct store_order_new *order;
	const struct store_outcome *outcome;
	const char *state;   /* of the logs */
	const char *trouble; /* logs are of no success, for this reason */
	int64_t last_event_ms;
};
struct store_result result_of(struct fixture *f, const struct store_turn *turn, const struct finish_with *with);
struct store_result finish_as(struct fixture *f, const struct store_turn *turn, const struct finish_with *with);
#define FINISH(f, turn, ...) finish_as((f), (turn), &(struct finish_with){ __VA_ARGS__ })
bool fail_turn(struct fixture *f, const struct store_turn *turn, const char *reason); /* true: buried */
void give_back(struct fixture *f, const struct store_turn *turn);
/* A turn of one message of the client, failed until it is a dead letter. Its id. */
int64_t bury(struct fixture *f, const char *client, const char *id);

struct store_replies *claim(struct fixture *f, size_t most, int64_t wait_ms);
const struct store_reply *claim_one(struct fixture *f);
void claim_none(struct fixture *f);
enum err report(struct fixture *f, struct store_sent sent);
void accepted(struct fixture *f, const struct store_reply *reply, int64_t posted_ms);
/* The client says something, and is answered with the text. */
const struct store_turn *talk(struct fixture *f, const char *client, const char *id, const char *reply);

struct store_counts counts(struct fixture *f);
struct store_dead last_dead(struct fixture *f);
size_t count_logs(struct fixture *f, const char *client);

/* ---- threads and time ---- */

/* Runs n threads of it at once and waits for all. */
struct crew_member {
	struct fixture *f;
	size_t number; /* from 0 */
	void *context;
};
void run_crew(struct fixture *f, size_t n, void *(*work)(void *crew_member), void *context);
void sleep_ms(int64_t ms); /* for time that must pass in the store, never for luck */

#endif
