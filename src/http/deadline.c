/* deadline.c - the sweep over a server's connections. */
#include "http/deadline.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/wait.h"
#include "http/linger.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { PASSES_A_TIMEOUT = 8, PASS_MS_MIN = 10, PASS_MS_MAX = 1000, PASS_MS_LINGERING = 20 };

struct deadlines {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	bool stop;
	int64_t timeout_us;
	unsigned crowd; /* connections from which on idling is cut short */
	unsigned n;
	struct deadline *first;
	struct lingering linger;
};

/* Bytes the connection has received since it was made. */
static uint64_t received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* The library tells of a request only when its head is whole; its first byte shows in the kernel's count. */
static void look_for_first_byte(struct deadline *d, int phase, int64_t now_us)
{
	uint64_t bytes = received(d->fd);

	if (phase == DEADLINE_IDLE_NEW) {
		d->received = bytes;
		(void)atomic_compare_exchange_strong(&d->phase, &phase, DEADLINE_IDLE);
	} else if (bytes != d->received && atomic_compare_exchange_strong(&d->phase, &phase, DEADLINE_ARRIVING)) {
		atomic_store(&d->since_us, now_us);
	}
}

static void look_at(const struct deadlines *all, struct deadline *d, int64_t now_us)
{
	int phase = atomic_load(&d->phase);
	bool idle = phase == DEADLINE_IDLE || phase == DEADLINE_IDLE_NEW;
	int64_t allowed_us = all->timeout_us;

	if (phase == DEADLINE_HANDED)
		return;
	if (idle) {
		look_for_first_byte(d, phase, now_us);
		idle = atomic_load(&d->phase) == DEADLINE_IDLE;
	}
	if (idle && all->n >= all->crowd)
		allowed_us /= PASSES_A_TIMEOUT;
	if (now_us - atomic_load(&d->since_us) > allowed_us)
		(void)shutdown(d->fd, SHUT_RDWR);
}

static void pause_until_next_pass(struct deadlines *all)
{
	int64_t ms = all->timeout_us / 1000 / PASSES_A_TIMEOUT;

	ms = ms < PASS_MS_MIN ? PASS_MS_MIN : ms > PASS_MS_MAX ? PASS_MS_MAX : ms;
	if (all->linger.n > 0 && ms > PASS_MS_LINGERING)
		ms = PASS_MS_LINGERING;
	(void)wait_until(&all->wake, &all->mutex, clock_mono_us() + ms * 1000);
}

static void *sweep(void *context)
{
	struct deadlines *all = context;

	(void)pthread_mutex_lock(&all->mutex);
	while (!all->stop) {
		int64_t now_us = clock_mono_us();

		for (struct deadline *d = all->first; d != NULL; d = d->next)
			look_at(all, d, now_us);
		linger_pass(&all->linger, now_us);
		pause_until_next_pass(all);
	}
	(void)pthread_mutex_unlock(&all->mutex);
	return NULL;
}

struct deadlines *deadlines_start(unsigned timeout_ms, unsigned connections_max)
{
	struct deadlines *all = mem_alloc(sizeof *all);

	all->timeout_us = (int64_t)timeout_ms * 1000;
	all->crowd = connections_max - connections_max / 4;
	(void)pthread_mutex_init(&all->mutex, NULL);
	wait_init(&all->wake);
	if (pthread_create(&all->thread, NULL, sweep, all) != 0) {
		(void)pthread_cond_destroy(&all->wake);
		(void)pthread_mutex_destroy(&all->mutex);
		free(all);
		return NULL;
	}
	return all;
}

void deadlines_stop(struct deadlines **d)
{
	struct deadlines *all = *d;

	if (all == NULL)
		return;
	(void)pthread_mutex_lock(&all->mutex);
	all->stop = true;
	(void)pthread_cond_signal(&all->wake);
	(void)pthread_mutex_unlock(&all->mutex);
	(void)pthread_join(all->thread, NULL);
	linger_close(&all->linger);
	(void)pthread_cond_destroy(&all->wake);
	(void)pthread_mutex_destroy(&all->mutex);
	free(all);
	*d = NULL;
}

void deadlines_watch(struct deadlines *all, struct deadline *d, int fd)
{
	d->fd = fd;
	atomic_store(&d->since_us, clock_mono_us());
	(void)pthread_mutex_lock(&all->mutex);
	d->next = all->first;
	if (d->next != NULL)
		d->next->previous = d;
	all->first = d;
	all->n++;
	(void)pthread_mutex_unlock(&all->mutex);
}

void deadlines_forget(struct deadlines *all, struct deadline *d)
{
	(void)pthread_mutex_lock(&all->mutex);
	if (d->next != NULL)
		d->next->previous = d->previous;
	if (d->previous != NULL)
		d->previous->next = d->next;
	else
		all->first = d->next;
	all->n--;
	(void)pthread_mutex_unlock(&all->mutex);
}

void deadline_enter(struct deadline *d, enum deadline_phase phase)
{
	/* The time comes first, so that the sweep never sees a new phase with an old time. A request whose first
	 * byte the sweep has seen keeps that time. */
	if (phase != DEADLINE_ARRIVING || atomic_load(&d->phase) != DEADLINE_ARRIVING)
		atomic_store(&d->since_us, clock_mono_us());
	atomic_store(&d->phase, phase);
}

void deadlines_linger(struct deadlines *all, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return;
	(void)pthread_mutex_lock(&all->mutex);
	linger_add(&all->linger, own, clock_mono_us());
	(void)pthread_cond_signal(&all->wake);
	(void)pthread_mutex_unlock(&all->mutex);
}
