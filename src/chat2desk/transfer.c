/* transfer.c - the pool: one thread drives all calls through libcurl's multi interface. */
#include "chat2desk/transfer.h"

#include "chat2desk/transfer_slot.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 1000 /* libcurl shortens it to its own next deadline */ };

struct transfer_pool {
	CURLM *multi;
	struct transfer_slot *slots;
	struct transfer_slot **idle; /* the first n_idle of them have nothing to do */
	unsigned at_once, n_idle;
	pthread_t thread;
	pthread_mutex_t lock;        /* guards what follows; and n_idle, which only the thread changes */
	struct transfer_call *first; /* waiting for a slot, in order */
	struct transfer_call **end;
	bool polling; /* the thread waits for sockets and wants to be woken for a call */
	bool cutting, closing;
};

static void must(CURLMcode code)
{
	if (code == CURLM_OK)
		return;
	fprintf(stderr, "chat2order: libcurl failed: %s\n", curl_multi_strerror(code));
	abort();
}

/* The calls that can begin now, taken out of the queue; marks the thread as polling if there are none. */
static struct transfer_call *take_calls(struct transfer_pool *pool)
{
	struct transfer_call *taken, **cut = &pool->first;

	pthread_mutex_lock(&pool->lock);
	for (unsigned n = 0; n < pool->n_idle && *cut != NULL; n++)
		cut = &(*cut)->next;
	taken = cut == &pool->first ? NULL : pool->first;
	if (taken != NULL) {
		pool->first = *cut;
		*cut = NULL;
		if (pool->first == NULL)
			pool->end = &pool->first;
	}
	pool->polling = taken == NULL;
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

static void begin_call(struct transfer_pool *pool, struct transfer_call *call)
{
	struct transfer_slot *slot;

	pthread_mutex_lock(&pool->lock);
	slot = pool->idle[--pool->n_idle];
	pthread_mutex_unlock(&pool->lock);
	if (slot->easy == NULL)
		transfer_slot_open(slot);
	transfer_slot_begin(slot, call);
	must(curl_multi_add_handle(pool->multi, slot->easy));
}

static bool begin_calls(struct transfer_pool *pool)
{
	struct transfer_call *call = take_calls(pool);
	bool any = call != NULL;

	while (call != NULL) {
		struct transfer_call *next = call->next;

		begin_call(pool, call);
		call = next;
	}
	return any;
}

static void end_call(struct transfer_pool *pool, struct transfer_slot *slot, CURLcode code)
{
	must(curl_multi_remove_handle(pool->multi, slot->easy));
	transfer_slot_end(slot, code);
	pthread_mutex_lock(&pool->lock);
	pool->idle[pool->n_idle++] = slot;
	pthread_mutex_unlock(&pool->lock);
}

static void end_calls(struct transfer_pool *pool)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
		CURLcode code = message->data.result;
		struct transfer_slot *slot = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
		end_call(pool, slot, code);
	}
}

static void cut_calls(struct transfer_pool *pool)
{
	for (unsigned i = 0; i < pool->at_once; i++)
		if (pool->slots[i].call != NULL)
			end_call(pool, &pool->slots[i], CURLE_ABORTED_BY_CALLBACK);
}

static void cancel_waiting(struct transfer_pool *pool)
{
	struct transfer_call *call;

	pthread_mutex_lock(&pool->lock);
	call = pool->first;
	pool->first = NULL;
	pool->end = &pool->first;
	pthread_mutex_unlock(&pool->lock);
	while (call != NULL) {
		struct transfer_call *next = call->next;

		transfer_call_cancel(call);
		call = next;
	}
}

/* What was asked of the thread since it last looked. */
static void obey(struct transfer_pool *pool, bool *ret_closing)
{
	bool cutting;

	pthread_mutex_lock(&pool->lock);
	cutting = pool->cutting;
	pool->cutting = false;
	*ret_closing = pool->closing;
	pthread_mutex_unlock(&pool->lock);
	if (cutting)
		cut_calls(pool);
	if (cutting || *ret_closing)
		cancel_waiting(pool);
}

static void *run(void *context)
{
	struct transfer_pool *pool = context;
	bool closing;
	int running;

	pthread_setname_np(pthread_self(), "calls");
	for (;;) {
		obey(pool, &closing);
		if (closing && pool->n_idle == pool->at_once)
			return NULL;
		if (!begin_calls(pool))
			must(curl_multi_poll(pool->multi, NULL, 0, POLL_MS, NULL));
		must(curl_multi_perform(pool->multi, &running));
		end_calls(pool);
	}
}

static void set_up_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

static void free_pool(struct transfer_pool *pool)
{
	for (unsigned i = 0; i < pool->at_once; i++)
		transfer_slot_close(&pool->slots[i]);
	curl_multi_cleanup(pool->multi);
	pthread_mutex_destroy(&pool->lock);
	free(pool->slots);
	free(pool->idle);
	free(pool);
}

enum err transfer_open(unsigned at_once, struct transfer_pool **ret, struct why *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct transfer_pool *pool = mem_alloc(sizeof *pool);

	pthread_once(&once, set_up_curl);
	pool->at_once = pool->n_idle = at_once;
	pool->slots = mem_alloc(at_once * sizeof *pool->slots);
	pool->idle = mem_alloc(at_once * sizeof(struct transfer_slot *));
	for (unsigned i = 0; i < at_once; i++)
		pool->idle[i] = &pool->slots[at_once - 1 - i];
	pool->end = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	pool->multi = curl_multi_init();
	if (pool->multi == NULL)
		abort();
	must(curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)at_once));
	if (pthread_create(&pool->thread, NULL, run, pool) != 0) {
		free_pool(pool);
		return why_fail(
		    why, ERR_AGAIN, "no thread for outgoing calls: raise the limit of processes (ulimit -u)");
	}
	*ret = pool;
	return ERR_OK;
}

void transfer_start(
    struct transfer_pool *pool, const struct transfer_request *request, transfer_done *done, void *context)
{
	struct transfer_call *call = transfer_call_new(request, done, context);
	bool wake;

	pthread_mutex_lock(&pool->lock);
	*pool->end = call;
	pool->end = &call->next;
	wake = pool->polling && pool->n_idle > 0;
	pool->polling = pool->polling && !wake;
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		must(curl_multi_wakeup(pool->multi));
}

void transfer_cut(struct transfer_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->cutting = true;
	pthread_mutex_unlock(&pool->lock);
	must(curl_multi_wakeup(pool->multi));
}

void transfer_close(struct transfer_pool **pool)
{
	struct transfer_pool *p = *pool;

	if (p == NULL)
		return;
	*pool = NULL;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_mutex_unlock(&p->lock);
	must(curl_multi_wakeup(p->multi));
	pthread_join(p->thread, NULL);
	free_pool(p);
}
