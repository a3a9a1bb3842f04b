/* both_servers.h - a Redis and a PostgreSQL for the tests of a program: an empty database of each for every test. */
#ifndef TESTS_UNIT_STORE_BOTH_SERVERS_H
#define TESTS_UNIT_STORE_BOTH_SERVERS_H

#include "postgres_server.h"
#include "redis_server.h"
#include "store/shared/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct both {
	struct settings settings;
	char database[32], url[POSTGRES_URL_SIZE];
	struct arena arena;
	struct why why;
	struct store *store; /* NULL until it is opened */
};

extern struct postgres_server *postgres;
extern struct redis_server *redis;

int both_group_begin(void **state);
int both_group_end(void **state);
int both_begin(void **state);
int both_end(void **state);
#define BOTH(function) cmocka_unit_test_setup_teardown(function, both_begin, both_end)

void both_open(struct both *b, enum store_role role); /* b->store */

/* One value of a question to PostgreSQL, or of a command of Redis ("HGET c2o:lane:a s"; words divided by blanks, lists by
 * blanks too, nothing is ""), as text in the arena. */
const char *both_sql(struct both *b, const char *question);
const char *both_redis(struct both *b, const char *command);
/* The same for words that have blanks in them. */
const char *both_redis_words(struct both *b, const char *const *words, size_t n);
#define CHECK_SQL(b, question, wanted) assert_string_equal(both_sql((b), (question)), (wanted))
#define CHECK_REDIS(b, command, wanted) assert_string_equal(both_redis((b), (command)), (wanted))

#endif
