/* process.c - log, signals and the wait for the end. */
#include "command/process.h"

#include "base/log.h"
#include "store/waiting.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void process_setup_log(const struct settings *s)
{
	bool text = s->log_format == LOG_FORMAT_TEXT || (s->log_format == LOG_FORMAT_AUTO && isatty(STDERR_FILENO));

	log_setup((enum log_level)s->log_level, text ? LOG_AS_TEXT : LOG_AS_JSON, s->log_customer_data != 0);
}

static sigset_t ending; /* the signals that end a service */

/* While servers are waited for: says so, and lets a signal end it. */
static bool go_on_waiting(const char *sentence)
{
	const struct timespec at_once = { 0, 0 };

	if (sentence != NULL)
		log_warn("waiting for the store", log_word("why", sentence));
	return sigtimedwait(&ending, NULL, &at_once) < 0;
}

void process_block_signals(sigset_t *ret)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, ret, NULL);
	ending = *ret;
	store_while_waiting(go_on_waiting);
}

static void begin_stop(const sigset_t *signals)
{
	(void)fputs("\nstopping; once more to stop at once\n", stderr);
	(void)pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

void process_wait(const sigset_t *signals)
{
	int signal_number;

	(void)sigwait(signals, &signal_number);
	begin_stop(signals);
}

enum err process_live(struct service *service, const sigset_t *signals, struct why *why)
{
	enum err e = service_work(service, why);

	if (e == ERR_OK)
		process_wait(signals);
	else if (e == ERR_STOPPED)
		begin_stop(signals);
	return e == ERR_STOPPED ? ERR_OK : e;
}
