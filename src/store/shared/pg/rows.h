/* rows.h - reading clients' rows as a part of another flush. The calls of their own: pg.h. */
#ifndef STORE_SHARED_PG_ROWS_H
#define STORE_SHARED_PG_ROWS_H

#include "store/shared/pg/pipeline.h"

/* Adds the question; its answer is for pg_read_rows(). */
size_t pg_add_rows(struct pg_flush *f, const struct slice *clients, size_t n);
/* The rows of these n clients, in their order; version 0 where there is none. Texts live in the arena. */
void pg_read_rows(const PGresult *r, struct arena *arena, struct client_row *ret, size_t n);

/* For a worker's flush: well below the lease. */
static inline int64_t pg_timeout_ms(const struct shared *s)
{
	return s->settings.lease_ms * 6 / 10;
}

#endif
