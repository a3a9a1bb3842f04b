/* fake_store.h - the few store verbs that intake and health need, as link-time stand-ins that tests steer. */
#ifndef TESTS_UNIT_SERVICE_FAKE_STORE_H
#define TESTS_UNIT_SERVICE_FAKE_STORE_H

#include "store/store.h"

/* Before the first verb, a new one; and after the last. */
void fake_store_open(void);
void fake_store_close(void);
/* What store_add() and store_counts() return from now on. */
void fake_store_fail(enum err err);
/* The same for store_add() alone. */
void fake_store_fail_adds(enum err err);
/* What store_said() tells of every failure from now on; NULL: what the outcome says. */
void fake_store_say(const char *sentence);
/* While it hangs no store_add() returns. */
void fake_store_hang(bool hang);
/* Waits until a store_add() hangs. */
void fake_store_wait_hanging(void);
void fake_store_set_counts(const struct store_counts *counts);
size_t fake_store_messages(void);      /* distinct ids added */
size_t fake_store_largest_batch(void); /* since the reset */
bool fake_store_has(const char *message_id, const char *client_id, const char *text);

#endif
