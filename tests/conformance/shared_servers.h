/* shared_servers.h - one Redis and one PostgreSQL for all tests of a program, with databases of its own for each test.
 *
 * CONFORMANCE_BY=evalsha: the store's user of Redis may not use functions, so that scripts are called by EVALSHA, as on
 * Redis 6.2. They are started at their first use, end with the process, and abort with a sentence where they can't be started. One
 * test at a time, and all by the thread that started them. */
#ifndef CONFORMANCE_SHARED_SERVERS_H
#define CONFORMANCE_SHARED_SERVERS_H

#include "store/store.h"

/* Empty databases of both; the addresses hold until the next call. What a killed process of an earlier test may still
 * have under way meets other ones. */
void shared_servers_fresh(const char **redis_url, const char **database_url);
void shared_servers_drop(void); /* they are not needed any more */
/* Rounds of the keeper until only the owner that beats is left, and nothing is held. The store must hold nothing. */
void shared_servers_settle(struct store *store);

#endif
