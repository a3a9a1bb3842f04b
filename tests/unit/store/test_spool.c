/* test_spool.c - the spool: what is kept while the store is away, in which order it leaves, and what a crash leaves. */
#include "store/shared/spool/spool.h"

#include "base/clock.h"
#include "store/ops.h"

#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 20000, ID_BYTES = 32, MEGABYTE = 1 << 20, SOON_MS = 20000 };

/* A store that takes messages or is away, and writes down what it took. */
struct target {
	pthread_mutex_t lock;
	enum err answer;     /* to every forward */
	const char *says;    /* its sentence, where the answer is an error; NULL: none */
	const char *refused; /* an id that is answered with FAILED */
	int trouble_in;      /* forwards after which one is answered with IO; 0: none */
	int kill_after;      /* forwards after which the process dies, before its answer; 0: never */
	const char *told;    /* a file that ids are appended to */
	int64_t now_ms;
	size_t n, calls, largest;
	char id[RECORDS][ID_BYTES];
	int64_t arrived_ms[RECORDS];
	struct store_message last; /* copied */
	struct arena texts;
};

struct fixture {
	char folder[128], spool_folder[160];
	struct target *t;
	struct spool *s;
};

static bool refuses(const struct target *t, const struct store_message *messages, size_t n)
{
	for (size_t i = 0; i < n && t->refused != NULL; i++)
		if (slice_eq(messages[i].message_id, slice_of(t->refused)))
			return true;
	return false;
}

static void record(struct target *t, const struct store_message *m, int64_t arrived_ms)
{
	(void)slice_to_buffer(m->message_id, t->id[t->n], ID_BYTES);
	t->arrived_ms[t->n++] = arrived_ms;
	t->last = *m;
	t->last.message_id = slice_copy(&t->texts, m->message_id);
	t->last.client_id = slice_copy(&t->texts, m->client_id);
	t->last.text = slice_copy(&t->texts, m->text);
	t->last.coordinates = slice_copy(&t->texts, m->coordinates);
	t->last.transport = slice_copy(&t->texts, m->transport);
	t->last.client_phone = slice_copy(&t->texts, m->client_phone);
	if (t->told != NULL) {
		FILE *f = fopen(t->told, "ae");

		(void)fprintf(f, "%.*s\n", SLICE_PRINT(m->message_id));
		(void)fclose(f);
	}
}

static enum err forward(
    void *context, const struct store_message *messages, const int64_t *arrived_ms, size_t n, enum store_added *ret)
{
	struct target *t = context;
	enum err err;

	(void)pthread_mutex_lock(&t->lock);
	t->calls++;
	err = t->answer == ERR_OK && refuses(t, messages, n) ? ERR_FAILED : t->answer;
	if (t->answer == ERR_OK && t->trouble_in > 0 && --t->trouble_in == 0)
		err = ERR_IO;
	if (err != ERR_OK && t->says != NULL)
		why_set(store_why(), "%s", t->says);
	for (size_t i = 0; i < n && err == ERR_OK; i++) {
		record(t, &messages[i], arrived_ms[i]);
		ret[i] = STORE_ADDED;
		t->largest = n > t->largest ? n : t->largest;
	}
	if (err == ERR_OK && t->kill_after > 0 && --t->kill_after == 0)
		(void)kill(getpid(), SIGKILL);
	(void)pthread_mutex_unlock(&t->lock);
	return err;
}

static int64_t target_now(void *context)
{
	struct target *t = context;

	return t->now_ms;
}

static void answer_with(struct target *t, enum err answer, const char *refused)
{
	(void)pthread_mutex_lock(&t->lock);
	t->answer = answer;
	t->refused = refused;
	(void)pthread_mutex_unlock(&t->lock);
}

static void say(struct target *t, const char *sentence)
{
	(void)pthread_mutex_lock(&t->lock);
	t->says = sentence;
	(void)pthread_mutex_unlock(&t->lock);
}

static struct target *new_target(enum err answer)
{
	struct target *t = mem_alloc(sizeof *t);

	(void)pthread_mutex_init(&t->lock, NULL);
	t->answer = answer;
	t->now_ms = 1000;
	return t;
}

static void free_target(struct target *t)
{
	(void)pthread_mutex_destroy(&t->lock);
	arena_free(&t->texts);
	free(t);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static enum err try_open(
    const struct fixture *f, struct target *t, struct spool_settings with, struct spool **ret, struct why *why)
{
	struct spool_way way = { .context = t, .forward = forward, .now_ms = target_now };

	with.data_dir = f->folder;
	with.owner = with.owner != NULL ? with.owner : "0123456789abcdef";
	with.most_bytes = with.most_bytes != 0 ? with.most_bytes : MEGABYTE;
	with.adopt_every_ms = with.adopt_every_ms != 0 ? with.adopt_every_ms : 20;
	return spool_open(&with, &way, ret, why);
}

static struct spool *open_spool(const struct fixture *f, struct target *t, struct spool_settings with)
{
	struct spool *s = NULL;
	struct why why = { 0 };

	if (try_open(f, t, with, &s, &why) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return s;
}

static void reopen(struct fixture *f, struct spool_settings with)
{
	spool_close(&f->s);
	f->s = open_spool(f, f->t, with);
}

static int begin(void **state)
{
	struct fixture *f = mem_alloc(sizeof *f);
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(f->folder, sizeof f->folder, "%s/spool-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	(void)snprintf(f->spool_folder, sizeof f->spool_folder, "%s/spool", f->folder);
	f->t = new_target(ERR_UNREACHABLE);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int end(void **state)
{
	struct fixture *f = *state;

	spool_close(&f->s);
	free_target(f->t);
	(void)nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static size_t count_files(const struct fixture *f)
{
	DIR *folder = opendir(f->spool_folder);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(folder);
	return n;
}

/* ---- short words --------------------------------------------------------------------------------------- */

static struct store_message message(const char *id)
{
	return (struct store_message){ .message_id = slice_of(id),
		.client_id = SLICE("client"),
		.kind = KIND_TEXT,
		.text = slice_of(id),
		.transport = SLICE("telegram") };
}

static enum err try_add(struct spool *s, const char *id, enum store_added *ret)
{
	struct store_message m = message(id);

	return spool_add(s, &m, 1, ret);
}

static enum store_added add(struct spool *s, const char *id)
{
	enum store_added added = STORE_DUPLICATE;

	assert_int_equal(try_add(s, id, &added), ERR_OK);
	return added;
}

/* n messages "<prefix>0" and so on, in calls of up to `together`. */
static void add_many(struct spool *s, const char *prefix, int n, int together)
{
	for (int first = 0; first < n; first += together) {
		struct store_message m[64];
		enum store_added added[64];
		char id[64][ID_BYTES];
		int k = n - first < together ? n - first : together;

		for (int i = 0; i < k; i++) {
			(void)snprintf(id[i], ID_BYTES, "%s%d", prefix, first + i);
			m[i] = message(id[i]);
		}
		if (spool_add(s, m, (size_t)k, added) != ERR_OK)
			abort();
	}
}

static struct spool_counts counts(struct spool *s)
{
	struct spool_counts c;

	spool_counts(s, &c);
	return c;
}

static size_t taken(struct target *t)
{
	size_t n;

	(void)pthread_mutex_lock(&t->lock);
	n = t->n;
	(void)pthread_mutex_unlock(&t->lock);
	return n;
}

static size_t calls_of(struct target *t)
{
	size_t n;

	(void)pthread_mutex_lock(&t->lock);
	n = t->calls;
	(void)pthread_mutex_unlock(&t->lock);
	return n;
}

#define WAIT_UNTIL(condition)                                                                                          \
	do {                                                                                                           \
		int64_t give_up_ = clock_mono_ms() + SOON_MS;                                                          \
                                                                                                                       \
		while (!(condition)) {                                                                                 \
			assert_true(clock_mono_ms() < give_up_);                                                       \
			(void)nanosleep(&(struct timespec){ 0, 2000000 }, NULL);                                       \
		}                                                                                                      \
	} while (0)

/* Some rounds of the forwarder pass. */
static void let_it_try(struct target *t)
{
	size_t before = calls_of(t);

	WAIT_UNTIL(calls_of(t) >= before + 2);
}

static void assert_taken_in_order(const struct target *t, const char *prefix, int n)
{
	char id[ID_BYTES];

	assert_int_equal(t->n, n);
	for (int i = 0; i < n; i++) {
		(void)snprintf(id, sizeof id, "%s%d", prefix, i);
		assert_string_equal(t->id[i], id);
	}
}

/* Runs steps in a process of its own that is then killed. */
static void crash(struct fixture *f, void (*steps)(struct fixture *f))
{
	int status = 0;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		steps(f);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- storing and forwarding ----------------------------------------------------------------------------- */

static void test_waits_while_the_store_is_away(void **state)
{
	struct fixture *f = *state;

	reopen(f, (struct spool_settings){ 0 });
	assert_true(spool_is_empty(f->s));
	assert_int_equal(add(f->s, "m0"), STORE_ADDED);
	assert_int_equal(add(f->s, "m1"), STORE_ADDED);
	let_it_try(f->t);
	assert_false(spool_is_empty(f->s));
	assert_int_equal(counts(f->s).messages, 2);
	assert_int_equal(counts(f->s).stored, 2);
	assert_int_equal(counts(f->s).oldest_ms, 1000);
	f->t->now_ms = 9000;
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_taken_in_order(f->t, "m", 2);
	assert_int_equal(f->t->arrived_ms[0], 1000);
	assert_int_equal(f->t->arrived_ms[1], 1000);
	assert_int_equal(counts(f->s).forwarded, 2);
	assert_int_equal(counts(f->s).oldest_ms, 0);
}

static void test_every_kind_of_trouble_of_the_surroundings(void **state)
{
	static const enum err troubles[] = { ERR_AGAIN, ERR_TIMEOUT, ERR_UNREACHABLE, ERR_NO_SPACE, ERR_IO };
	struct fixture *f = *state;
	char id[ID_BYTES];

	reopen(f, (struct spool_settings){ 0 });
	for (size_t i = 0; i < COUNT_OF(troubles); i++) {
		answer_with(f->t, troubles[i], NULL);
		(void)snprintf(id, sizeof id, "m%zu", i);
		assert_int_equal(add(f->s, id), STORE_ADDED);
		let_it_try(f->t);
		assert_int_equal(counts(f->s).messages, 1);
		assert_int_equal(counts(f->s).refused, 0);
		answer_with(f->t, ERR_OK, NULL);
		WAIT_UNTIL(spool_is_empty(f->s));
	}
	assert_taken_in_order(f->t, "m", (int)COUNT_OF(troubles));
}

static void test_all_of_a_message_comes_back(void **state)
{
	struct fixture *f = *state;
	struct store_message m = { .message_id = SLICE("id \xf0\x9f\x8d\x95"),
		.client_id = SLICE("c'\"?1"),
		.kind = KIND_LOCATION,
		.text = SLICE("a\0b\xff\xc0"),
		.coordinates = SLICE("50.1, 30.2"),
		.transport = SLICE("viber"),
		.client_phone = SLICE("+380441234567"),
		.channel_id = 1234567890123,
		.event_ms = 1700000000123 };
	const struct store_message *back = &f->t->last;
	enum store_added added;

	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ 0 });
	assert_int_equal(spool_add(f->s, &m, 1, &added), ERR_OK);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_true(slice_eq(back->message_id, m.message_id) && slice_eq(back->client_id, m.client_id));
	assert_true(slice_eq(back->text, m.text) && slice_eq(back->coordinates, m.coordinates));
	assert_true(slice_eq(back->transport, m.transport) && slice_eq(back->client_phone, m.client_phone));
	assert_int_equal(back->kind, m.kind);
	assert_int_equal(back->channel_id, m.channel_id);
	assert_int_equal(back->event_ms, m.event_ms);
}

static void test_duplicates(void **state)
{
	struct fixture *f = *state;
	struct store_message m[] = { message("m0"), message("m1"), message("m0") };
	enum store_added added[3];

	reopen(f, (struct spool_settings){ 0 });
	assert_int_equal(add(f->s, "m1"), STORE_ADDED);
	assert_int_equal(spool_add(f->s, m, 3, added), ERR_OK);
	assert_int_equal(added[0], STORE_ADDED);
	assert_int_equal(added[1], STORE_DUPLICATE);
	assert_int_equal(added[2], STORE_DUPLICATE);
	assert_int_equal(counts(f->s).messages, 2);
	assert_int_equal(counts(f->s).stored, 2);
}

static void test_order_over_many_batches(void **state)
{
	struct fixture *f = *state;

	reopen(f, (struct spool_settings){ .most_bytes = 16 * MEGABYTE });
	add_many(f->s, "m", 1500, 64);
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_taken_in_order(f->t, "m", 1500);
	assert_int_equal(f->t->largest, SPOOL_FORWARD_MOST);
}

/* Adds go on while it is being emptied: what one thread adds leaves in its order, and nothing is lost or doubled. */
static void *add_some(void *context)
{
	struct {
		struct spool *s;
		char prefix[2];
	} *a = context;

	add_many(a->s, a->prefix, 600, 7);
	return NULL;
}

static void test_adds_while_it_empties(void **state)
{
	struct fixture *f = *state;
	struct {
		struct spool *s;
		char prefix[2];
	} adder[3] = { { NULL, "a" }, { NULL, "b" }, { NULL, "c" } };
	pthread_t thread[3];
	int next[3] = { 0 };

	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ .most_bytes = 16 * MEGABYTE });
	for (int i = 0; i < 3; i++) {
		adder[i].s = f->s;
		assert_int_equal(pthread_create(&thread[i], NULL, add_some, &adder[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_int_equal(f->t->n, 1800);
	for (size_t i = 0; i < f->t->n; i++)
		assert_int_equal(atoi(f->t->id[i] + 1), next[f->t->id[i][0] - 'a']++);
}

static void test_a_large_message_goes_alone(void **state)
{
	struct fixture *f = *state;
	struct store_message m[4] = { message("m0"), message("m1"), message("m2"), message("m3") };
	enum store_added added[4];
	size_t n = SPOOL_FORWARD_BYTES + 1;
	char *text = mem_alloc(n);

	memset(text, 'x', n);
	m[1].text = (struct slice){ text, n };
	reopen(f, (struct spool_settings){ .most_bytes = 16 * MEGABYTE });
	assert_int_equal(spool_add(f->s, m, 4, added), ERR_OK);
	let_it_try(f->t);
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_taken_in_order(f->t, "m", 4);
	assert_int_equal(f->t->largest, 2);
	free(text);
}

/* ---- why it waits ---------------------------------------------------------------------------------------- */

static bool note_has(struct spool *s, const char *words)
{
	struct store_note note;

	spool_note(s, true, &note);
	return strstr(note.text, words) != NULL;
}

/* What is written to standard error from now on, instead of there. */
static FILE *catch_log(int *was)
{
	FILE *caught = tmpfile();

	assert_non_null(caught);
	*was = dup(STDERR_FILENO);
	assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
	return caught;
}

static void release_log(int was)
{
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
}

static int lines_with(FILE *caught, const char *words)
{
	char line[1024];
	int n = 0;

	rewind(caught);
	while (fgets(line, sizeof line, caught) != NULL)
		n += strstr(line, words) != NULL;
	return n;
}

static void test_health_and_log_say_why(void **state)
{
	struct fixture *f = *state;
	struct store_note note;
	FILE *caught;
	int was;

	say(f->t, "Redis at shop:6379: OOM command not allowed");
	caught = catch_log(&was);
	reopen(f, (struct spool_settings){ 0 });
	(void)add(f->s, "m0");
	WAIT_UNTIL(note_has(f->s, "1 messages wait") && note_has(f->s, "Redis at shop:6379: OOM command not allowed"));
	spool_note(f->s, true, &note);
	assert_true(note.ok);
	let_it_try(f->t);
	say(f->t, "Redis at shop:6379: MISCONF cannot persist");
	WAIT_UNTIL(note_has(f->s, "MISCONF"));
	assert_false(note_has(f->s, "OOM"));
	let_it_try(f->t);
	say(f->t, NULL);
	WAIT_UNTIL(note_has(f->s, err_text(ERR_UNREACHABLE)));
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(spool_is_empty(f->s));
	WAIT_UNTIL(!note_has(f->s, " "));
	say(f->t, "Redis at shop:6379: OOM command not allowed");
	answer_with(f->t, ERR_NO_SPACE, NULL);
	(void)add(f->s, "m1");
	WAIT_UNTIL(note_has(f->s, "OOM"));
	release_log(was);
	assert_int_equal(lines_with(caught, "OOM command not allowed"), 2);
	assert_int_equal(lines_with(caught, "MISCONF"), 1);
	assert_int_equal(lines_with(caught, "messages wait in the spool"), 4);
	(void)fclose(caught);
}

static void test_full_says_why(void **state)
{
	struct fixture *f = *state;
	enum store_added added;

	say(f->t, "Redis at shop:6379: READONLY");
	reopen(f, (struct spool_settings){ .most_bytes = 64 << 10 });
	(void)add(f->s, "m0");
	WAIT_UNTIL(note_has(f->s, "READONLY"));
	for (int i = 1; i < 5000 && !counts(f->s).full; i++) {
		char id[ID_BYTES];

		(void)snprintf(id, sizeof id, "m%d", i);
		(void)!try_add(f->s, id, &added);
	}
	assert_true(note_has(f->s, "is full") && note_has(f->s, "READONLY"));
}

/* ---- one that the store refuses ------------------------------------------------------------------------- */

static void test_refused_one_is_set_aside(void **state)
{
	struct fixture *f = *state;
	struct store_note note;

	reopen(f, (struct spool_settings){ 0 });
	add_many(f->s, "m", 5, 5);
	answer_with(f->t, ERR_OK, "m2");
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_int_equal(f->t->n, 4);
	assert_string_equal(f->t->id[2], "m3");
	assert_int_equal(counts(f->s).refused, 1);
	spool_note(f->s, true, &note);
	assert_false(note.ok);
	assert_false(note.grave);
	assert_non_null(strstr(note.text, f->spool_folder));
	assert_int_equal(add(f->s, "m2"), STORE_DUPLICATE);
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(counts(f->s).refused == 0);
	assert_string_equal(f->t->id[4], "m2");
	spool_note(f->s, true, &note);
	assert_true(note.ok);
}

/* Redis can't write for a moment while they are tried one by one: that is no fault of theirs, and nobody passes another. */
static void test_trouble_while_they_are_tried_apart(void **state)
{
	struct fixture *f = *state;

	for (int at = 1; at <= 6; at++) {
		size_t before = taken(f->t);

		answer_with(f->t, ERR_UNREACHABLE, NULL);
		reopen(f, (struct spool_settings){ .adopt_every_ms = 60000 });
		add_many(f->s, "m", 5, 5);
		f->t->trouble_in = at;
		answer_with(f->t, ERR_OK, "m1");
		WAIT_UNTIL(spool_is_empty(f->s));
		assert_int_equal(counts(f->s).refused, 1);
		assert_int_equal(taken(f->t), before + 4);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(f->t->id[before + i][1], "0234"[i]);
		answer_with(f->t, ERR_OK, NULL);
		reopen(f, (struct spool_settings){ .owner = "other" });
		WAIT_UNTIL(taken(f->t) == before + 5);
		WAIT_UNTIL(count_files(f) == 4);
	}
}

static void test_refused_one_survives_a_close(void **state)
{
	struct fixture *f = *state;

	reopen(f, (struct spool_settings){ 0 });
	add_many(f->s, "m", 2, 2);
	answer_with(f->t, ERR_OK, "m0");
	WAIT_UNTIL(spool_is_empty(f->s) && counts(f->s).refused == 1);
	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ .owner = "other" });
	WAIT_UNTIL(taken(f->t) == 2);
	WAIT_UNTIL(count_files(f) == 4); /* its own: rows, log, index, lock */
	assert_string_equal(f->t->id[1], "m0");
}

/* ---- bounds --------------------------------------------------------------------------------------------- */

static void test_full(void **state)
{
	struct fixture *f = *state;
	enum store_added added;
	struct store_note note;
	int n = 0;
	char id[ID_BYTES];

	reopen(f, (struct spool_settings){ .most_bytes = 128 << 10 });
	do
		(void)snprintf(id, sizeof id, "m%d", n);
	while (try_add(f->s, id, &added) == ERR_OK && ++n < 5000);
	assert_in_range(n, 100, 4000);
	assert_int_equal(try_add(f->s, id, &added), ERR_NO_SPACE);
	assert_int_equal(counts(f->s).messages, n);
	assert_true(counts(f->s).full);
	spool_note(f->s, false, &note);
	assert_false(note.ok);
	assert_true(note.grave);
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(spool_is_empty(f->s));
	assert_taken_in_order(f->t, "m", n);
	assert_int_equal(add(f->s, "again"), STORE_ADDED);
	assert_false(counts(f->s).full);
}

/* A batch is stored whole or not at all. */
static void test_full_in_the_middle_of_a_batch(void **state)
{
	struct fixture *f = *state;
	struct store_message m[2] = { message("small"), message("large") };
	enum store_added added[2];
	char *text = mem_alloc(MEGABYTE);

	memset(text, 'x', MEGABYTE);
	m[1].text = (struct slice){ text, MEGABYTE };
	reopen(f, (struct spool_settings){ 0 });
	assert_int_equal(spool_add(f->s, m, 2, added), ERR_NO_SPACE);
	assert_true(spool_is_empty(f->s));
	assert_int_equal(add(f->s, "small"), STORE_ADDED);
	free(text);
}

static void test_disk_reserve(void **state)
{
	struct fixture *f = *state;
	enum store_added added;

	reopen(f, (struct spool_settings){ .reserve_bytes = INT64_MAX });
	assert_int_equal(try_add(f->s, "m0", &added), ERR_NO_SPACE);
	assert_true(spool_is_empty(f->s));
}

static void test_disk_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct store_message m = message("m0");
	char path[256], *text = mem_alloc(3 * MEGABYTE);
	enum store_added added;
	struct stat st;

	memset(text, 'x', 3 * MEGABYTE);
	m.text = (struct slice){ text, 3 * MEGABYTE };
	reopen(f, (struct spool_settings){ .most_bytes = 64 * MEGABYTE });
	assert_int_equal(spool_add(f->s, &m, 1, &added), ERR_OK);
	assert_in_range(counts(f->s).bytes, 3 * MEGABYTE, 4 * MEGABYTE);
	answer_with(f->t, ERR_OK, NULL);
	WAIT_UNTIL(taken(f->t) == 1);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/0123456789abcdef.db%s", f->spool_folder, i == 0 ? "" : "-wal");
		WAIT_UNTIL(stat(path, &st) == 0 && st.st_size < 100000);
	}
	assert_true(spool_is_empty(f->s));
	assert_int_equal(add(f->s, "m1"), STORE_ADDED);
	WAIT_UNTIL(taken(f->t) == 2);
	free(text);
}

/* ---- crashes and adoption ------------------------------------------------------------------------------- */

static void store_and_die(struct fixture *f)
{
	struct spool *s = open_spool(f, f->t, (struct spool_settings){ .owner = "dead", .most_bytes = 16 * MEGABYTE });

	add_many(s, "m", 700, 64);
}

static void test_crash_and_adoption(void **state)
{
	struct fixture *f = *state;

	crash(f, store_and_die);
	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ 0 });
	WAIT_UNTIL(taken(f->t) == 700);
	assert_taken_in_order(f->t, "m", 700);
	assert_int_equal(f->t->arrived_ms[699], 1000);
	WAIT_UNTIL(counts(f->s).adopted == 700);
	assert_true(spool_is_empty(f->s));
	WAIT_UNTIL(count_files(f) == 4);
	spool_close(&f->s);
	assert_int_equal(count_files(f), 0);
}

static void forward_and_die(struct fixture *f)
{
	char path[256];
	struct spool *s;

	(void)snprintf(path, sizeof path, "%s/told", f->folder);
	f->t->told = path;
	s = open_spool(f, f->t, (struct spool_settings){ .owner = "dead", .most_bytes = 16 * MEGABYTE });
	add_many(s, "m", 700, 64);
	f->t->kill_after = 2;
	answer_with(f->t, ERR_OK, NULL);
	for (;;)
		(void)pause();
}

/* What the store had taken when the process died comes again, and nothing is missing. */
static void test_crash_in_a_forward(void **state)
{
	struct fixture *f = *state;
	char path[256], line[ID_BYTES];
	size_t told = 0;
	FILE *file;

	crash(f, forward_and_die);
	(void)snprintf(path, sizeof path, "%s/told", f->folder);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		told++;
	(void)fclose(file);
	assert_int_equal(told, 2 * SPOOL_FORWARD_MOST);
	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ 0 });
	WAIT_UNTIL(taken(f->t) == 700 - SPOOL_FORWARD_MOST);
	assert_string_equal(f->t->id[0], "m256"); /* the first batch had left, the second had not */
	assert_string_equal(f->t->id[443], "m699");
}

static void test_a_living_process_keeps_its_file(void **state)
{
	struct fixture *f = *state;
	struct target *other = new_target(ERR_OK);
	struct spool *beside;

	reopen(f, (struct spool_settings){ 0 });
	assert_int_equal(add(f->s, "m0"), STORE_ADDED);
	beside = open_spool(f, other, (struct spool_settings){ .owner = "beside" });
	let_it_try(f->t);
	assert_int_equal(taken(other), 0);
	spool_close(&f->s); /* leaves what it could not forward */
	WAIT_UNTIL(taken(other) == 1);
	assert_string_equal(other->id[0], "m0");
	WAIT_UNTIL(count_files(f) == 4);
	spool_close(&beside);
	free_target(other);
}

/* Several start at once beside what a dead one left: one of them gets it. */
static void test_many_adopters(void **state)
{
	enum { MANY = 6 };
	static const char *const owners[MANY] = { "a", "b", "c", "d", "e", "f" };
	struct fixture *f = *state;
	struct spool *spools[MANY];

	for (int round = 0; round < 5; round++) {
		size_t before = taken(f->t);

		answer_with(f->t, ERR_UNREACHABLE, NULL);
		crash(f, store_and_die);
		answer_with(f->t, ERR_OK, NULL);
		for (size_t i = 0; i < MANY; i++)
			spools[i] = open_spool(
			    f, f->t, (struct spool_settings){ .owner = owners[i], .adopt_every_ms = 1 });
		WAIT_UNTIL(taken(f->t) == before + 700);
		WAIT_UNTIL(count_files(f) == MANY * 4);
		for (size_t i = 0; i < MANY; i++)
			spool_close(&spools[i]);
		assert_int_equal(taken(f->t), before + 700);
		assert_int_equal(count_files(f), 0);
	}
}

static void put_file(const struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", f->spool_folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	(void)fclose(file);
}

/* A lock without rows goes; what is no spool stays, and the broken one is told of. */
static void test_odd_files(void **state)
{
	struct fixture *f = *state;
	struct store_note note;

	answer_with(f->t, ERR_OK, NULL);
	reopen(f, (struct spool_settings){ 0 });
	put_file(f, "stray.lock", "");
	put_file(f, "notes.txt", "a word");
	WAIT_UNTIL(count_files(f) == 5);
	put_file(f, "broken.db",
	    "this is no database, though it is as long as the head of one would have to be, or longer, "
	    "since a shorter one would count as an empty one");
	WAIT_UNTIL((spool_note(f->s, true, &note), !note.ok));
	assert_false(note.grave);
	assert_non_null(strstr(note.text, "broken.db"));
	assert_int_equal(add(f->s, "m0"), STORE_ADDED);
	WAIT_UNTIL(taken(f->t) == 1);
}

static void test_cannot_open(void **state)
{
	struct fixture *f = *state;
	struct fixture elsewhere = *f;
	struct spool *s = NULL;
	struct why why = { 0 };

	(void)snprintf(elsewhere.folder, sizeof elsewhere.folder, "/dev/null");
	assert_int_equal(try_open(&elsewhere, f->t, (struct spool_settings){ 0 }, &s, &why), ERR_IO);
	assert_non_null(strstr(why.text, "/dev/null"));
	assert_null(s);
	reopen(f, (struct spool_settings){ 0 });
	assert_int_equal(try_open(f, f->t, (struct spool_settings){ 0 }, &s, &why), ERR_IN_USE);
	assert_null(s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_waits_while_the_store_is_away),
		CASE(test_every_kind_of_trouble_of_the_surroundings),
		CASE(test_all_of_a_message_comes_back),
		CASE(test_duplicates),
		CASE(test_order_over_many_batches),
		CASE(test_adds_while_it_empties),
		CASE(test_a_large_message_goes_alone),
		CASE(test_health_and_log_say_why),
		CASE(test_full_says_why),
		CASE(test_refused_one_is_set_aside),
		CASE(test_trouble_while_they_are_tried_apart),
		CASE(test_refused_one_survives_a_close),
		CASE(test_full),
		CASE(test_full_in_the_middle_of_a_batch),
		CASE(test_disk_reserve),
		CASE(test_disk_is_given_back),
		CASE(test_crash_and_adoption),
		CASE(test_crash_in_a_forward),
		CASE(test_a_living_process_keeps_its_file),
		CASE(test_many_adopters),
		CASE(test_odd_files),
		CASE(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
