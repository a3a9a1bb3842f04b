/* fake_store.c - a store in memory that can hang and fail. */
#include "fake_store.h"

#include "store/adding.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MESSAGES_MAX = 20000 };

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct arena arena;
	struct store_message message[MESSAGES_MAX];
	size_t n, largest_batch;
	bool hang;
	unsigned hanging;
	enum err err, add_err;
	const char *said;
	struct store_counts counts;
} fake = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

void fake_store_fail(enum err err)
{
	(void)pthread_mutex_lock(&fake.mutex);
	fake.err = err;
	(void)pthread_mutex_unlock(&fake.mutex);
}

void fake_store_fail_adds(enum err err)
{
	(void)pthread_mutex_lock(&fake.mutex);
	fake.add_err = err;
	(void)pthread_mutex_unlock(&fake.mutex);
}

void fake_store_say(const char *sentence)
{
	(void)pthread_mutex_lock(&fake.mutex);
	fake.said = sentence;
	(void)pthread_mutex_unlock(&fake.mutex);
}

const char *store_said(enum err e)
{
	const char *said;

	(void)pthread_mutex_lock(&fake.mutex);
	said = fake.said != NULL ? fake.said : err_text(e);
	(void)pthread_mutex_unlock(&fake.mutex);
	return said;
}

void fake_store_hang(bool hang)
{
	(void)pthread_mutex_lock(&fake.mutex);
	fake.hang = hang;
	(void)pthread_cond_broadcast(&fake.changed);
	(void)pthread_mutex_unlock(&fake.mutex);
}

void fake_store_wait_hanging(void)
{
	(void)pthread_mutex_lock(&fake.mutex);
	while (fake.hanging == 0)
		(void)pthread_cond_wait(&fake.changed, &fake.mutex);
	(void)pthread_mutex_unlock(&fake.mutex);
}

void fake_store_set_counts(const struct store_counts *counts)
{
	(void)pthread_mutex_lock(&fake.mutex);
	fake.counts = *counts;
	(void)pthread_mutex_unlock(&fake.mutex);
}

size_t fake_store_messages(void)
{
	size_t n;

	(void)pthread_mutex_lock(&fake.mutex);
	n = fake.n;
	(void)pthread_mutex_unlock(&fake.mutex);
	return n;
}

size_t fake_store_largest_batch(void)
{
	size_t n;

	(void)pthread_mutex_lock(&fake.mutex);
	n = fake.largest_batch;
	(void)pthread_mutex_unlock(&fake.mutex);
	return n;
}

static struct store_message *find(struct slice message_id)
{
	for (size_t i = 0; i < fake.n; i++)
		if (slice_eq(fake.message[i].message_id, message_id))
			return &fake.message[i];
	return NULL;
}

bool fake_store_has(const char *message_id, const char *client_id, const char *text)
{
	const struct store_message *m;
	bool has;

	(void)pthread_mutex_lock(&fake.mutex);
	m = find(slice_of(message_id));
	has = m != NULL && slice_eq(m->client_id, slice_of(client_id)) && slice_eq(m->text, slice_of(text));
	(void)pthread_mutex_unlock(&fake.mutex);
	return has;
}

static enum store_added add_one(const struct store_message *m)
{
	if (find(m->message_id) != NULL)
		return STORE_DUPLICATE;
	assert_true(fake.n < MESSAGES_MAX);
	fake.message[fake.n++] = (struct store_message){ .message_id = slice_copy(&fake.arena, m->message_id),
		.client_id = slice_copy(&fake.arena, m->client_id),
		.text = slice_copy(&fake.arena, m->text) };
	return STORE_ADDED;
}

enum err store_add(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret)
{
	enum err e;

	(void)s;
	(void)pthread_mutex_lock(&fake.mutex);
	fake.hanging++;
	(void)pthread_cond_broadcast(&fake.changed);
	while (fake.hang)
		(void)pthread_cond_wait(&fake.changed, &fake.mutex);
	fake.hanging--;
	e = fake.err != ERR_OK ? fake.err : fake.add_err;
	if (n > fake.largest_batch)
		fake.largest_batch = n;
	for (size_t i = 0; i < n && e == ERR_OK; i++)
		ret[i] = add_one(&messages[i]);
	(void)pthread_mutex_unlock(&fake.mutex);
	return e;
}

static struct adding_thread *adding;

void fake_store_open(void)
{
	(void)pthread_mutex_lock(&fake.mutex);
	arena_free(&fake.arena);
	fake.n = fake.largest_batch = 0;
	fake.hang = false;
	fake.err = fake.add_err = ERR_OK;
	fake.said = NULL;
	fake.counts = (struct store_counts){ 0 };
	(void)pthread_mutex_unlock(&fake.mutex);
	adding = adding_start(NULL);
}

void fake_store_close(void)
{
	adding_stop(&adding);
}

void store_add_begin(struct store *s, struct store_adding *one)
{
	(void)s;
	adding_begin(adding, one);
}

size_t store_adds_at_once(const struct store *s)
{
	(void)s;
	return 2;
}

enum err store_counts(struct store *s, struct store_counts *ret)
{
	enum err e;

	(void)s;
	(void)pthread_mutex_lock(&fake.mutex);
	*ret = fake.counts;
	e = fake.err;
	(void)pthread_mutex_unlock(&fake.mutex);
	return e;
}
