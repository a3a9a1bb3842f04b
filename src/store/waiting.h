/* waiting.h - how a process that waits for servers which are not there yet tells so, and can be stopped meanwhile. */
#ifndef STORE_WAITING_H
#define STORE_WAITING_H

#include <stdbool.h>

/* Called by store_wait() on its own thread: with what is waited for at first and each 5 s, and with NULL about each 100 ms in
 * between. False: it gives up with ERR_STOPPED. */
typedef bool store_waiting(const char *sentence);

/* Set once, before any store is opened. NULL, the default: the sentence goes to the log as a warning, and it waits until
 * the servers are there. A command beside (STORE_BESIDE) never waits. */
void store_while_waiting(store_waiting *hook);

#endif
