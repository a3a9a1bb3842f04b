/* pool.h - connections to PostgreSQL, lent to one thread at a time.
 *
 * One that broke, or that the server has ended meanwhile, is made anew by the next who borrows; while the server is
 * away, borrowing fails at once between the tries (50 ms doubling to 2 s, with jitter). Any thread. Opening and
 * closing: pg.h. */
#ifndef STORE_SHARED_PG_POOL_H
#define STORE_SHARED_PG_POOL_H

#include "store/shared/pg/pg.h"

#include <libpq-fe.h>

enum { PG_PREPARED_MAX = 48 };

/* A statement that is prepared once a connection. Static: known by its address. */
struct pg_statement {
	const char *name, *sql;
};

struct pg {
	PGconn *connection; /* in pipeline mode, not blocking */
	const struct pg_statement *prepared[PG_PREPARED_MAX];
	size_t n_prepared;
	bool broken; /* its state is unknown: to be ended */
	struct pg *next;
};

MUST_CHECK enum err pg_borrow(struct pg_pool *pool, struct pg **ret, struct why *why);
void pg_give_back(struct pg_pool *pool, struct pg *pg);
const struct settings *pg_pool_settings(const struct pg_pool *pool);

#endif
