/* adding.h - store_add_begin() of a store whose add waits: a thread makes one add after the other, in the order of their begins. */
#ifndef STORE_ADDING_H
#define STORE_ADDING_H

#include "store/store.h"

struct adding_thread;

/* Ends the process when no thread can be started. */
struct adding_thread *adding_start(struct store *store);
/* Makes what was begun, then ends. NULL is fine; *thread is NULL afterwards. */
void adding_stop(struct adding_thread **thread);
/* Calls store_add(), then added(). Any thread. */
void adding_begin(struct adding_thread *thread, struct store_adding *adding);

#endif
