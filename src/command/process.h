/* process.h - what the commands that serve have in common: the log, signals, the wait for the end. */
#ifndef COMMAND_PROCESS_H
#define COMMAND_PROCESS_H

#include "base/settings.h"
#include "service/service.h"

#include <signal.h>

/* As LOG_LEVEL, LOG_FORMAT and LOG_CUSTOMER_DATA say. */
void process_setup_log(const struct settings *settings);
/* From here on the signals that end a service wait for process_wait(); SIGPIPE is ignored. Before any thread is started. */
void process_block_signals(sigset_t *ret);
/* Until one of them comes. A second one while stopping ends the process at once; the store survives that as any crash. */
void process_wait(const sigset_t *signals);
/* Lets the service work until one of them comes, also while it still waits for its servers. An error is one of service_work(). */
MUST_CHECK enum err process_live(struct service *service, const sigset_t *signals, struct why *why);

#endif
