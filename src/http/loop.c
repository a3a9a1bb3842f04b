/* loop.c - passes of the library's daemon, and what wakes them. */
#include "http/loop.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

void loop_wake(struct loop *l)
{
	(void)eventfd_write(l->wake, 1);
}

/* Waits for events, true when there are some. The library's own epoll set is watched from outside: its events are edges,
 * which only it may consume. */
static bool wait_for_events(struct loop *l, int timeout_ms)
{
	struct pollfd watched[] = { { .fd = l->epoll, .events = POLLIN }, { .fd = l->wake, .events = POLLIN } };
	int n = poll(watched, COUNT_OF(watched), timeout_ms);
	eventfd_t times;

	if (n > 0 && watched[1].revents != 0)
		(void)eventfd_read(l->wake, &times);
	return n > 0;
}

static bool more_at_once(struct loop *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return l->again > 0 || (l->waiting == 0 && MHD_get_timeout(l->daemon, &ms) == MHD_YES && ms == 0);
}

static void pass(struct loop *l)
{
	if (l->again > 0)
		l->again--;
	(void)MHD_run(l->daemon);
}

static void tell_caught_up(struct loop *l)
{
	l->since_us = clock_mono_us();
	if (l->caught_up != NULL)
		l->caught_up(l->context);
}

static void *run(void *context)
{
	struct loop *l = context;

	(void)pthread_setname_np(pthread_self(), "listener");
	while (!atomic_load(&l->stop)) {
		bool busy;

		pass(l);
		busy = more_at_once(l) || wait_for_events(l, 0);
		if (!busy || clock_mono_us() - l->since_us >= LOOP_BUSY_US)
			tell_caught_up(l);
		if (!busy) {
			(void)wait_for_events(l, l->waiting > 0 ? LOOP_LOOK_MS : -1);
			l->since_us = clock_mono_us();
		}
	}
	return NULL;
}

bool loop_start(struct loop *l, struct MHD_Daemon *daemon, void (*caught_up)(void *context), void *context)
{
	l->daemon = daemon;
	l->caught_up = caught_up;
	l->context = context;
	l->epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return false;
	if (pthread_create(&l->thread, NULL, run, l) == 0)
		return true;
	(void)close(l->wake);
	return false;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	loop_wake(l);
	(void)pthread_join(l->thread, NULL);
	MHD_stop_daemon(l->daemon);
	(void)close(l->wake);
}

void loop_again(struct loop *l, unsigned passes)
{
	if (l->again < passes)
		l->again = passes;
}

void loop_wait(struct loop *l)
{
	l->waiting++;
}

void loop_wait_over(struct loop *l)
{
	l->waiting--;
}

void loop_quiesce(struct loop *l)
{
	(void)MHD_quiesce_daemon(l->daemon);
}
