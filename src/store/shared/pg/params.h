/* params.h - the values of a statement in PostgreSQL's binary form: single ones, and arrays filled row by row.
 *
 *     struct pg_params p = { 0 };
 *     pg_param_array(&p, PG_TEXT);      $1, one element a row
 *     pg_param_array(&p, PG_INT8);      $2
 *     for each row: pg_add_text(&p, 0, client); pg_add_int(&p, 1, version);
 *     ... pg_flush_add(&flush, &statement, &p); pg_params_free(&p);
 *
 * Every text becomes valid UTF-8 without NUL on its way in: what is neither is U+FFFD. One thread at a time. */
#ifndef STORE_SHARED_PG_PARAMS_H
#define STORE_SHARED_PG_PARAMS_H

#include "base/buf.h"

enum { PG_PARAMS_MAX = 24 };
enum pg_type { PG_BOOL = 16, PG_INT8 = 20, PG_TEXT = 25 }; /* their OIDs */

struct pg_params {
	int n;
	struct pg_param {
		struct buf bytes;
		uint32_t type; /* its OID */
		bool is_null;
		uint32_t rows; /* of an array */
	} at[PG_PARAMS_MAX];
};

/* The next one, as a whole. */
void pg_param_text(struct pg_params *p, struct slice text); /* text.p NULL: NULL */
void pg_param_int(struct pg_params *p, int64_t value);
void pg_param_array(struct pg_params *p, enum pg_type type);
/* One more element of the array at that place, from 0. */
void pg_add_text(struct pg_params *p, int at, struct slice text); /* text.p NULL: NULL */
void pg_add_int(struct pg_params *p, int at, int64_t value);
void pg_add_bool(struct pg_params *p, int at, bool value);
void pg_add_null(struct pg_params *p, int at);

void pg_params_free(struct pg_params *p); /* empty again */

/* As PostgreSQL would give it back. The text itself where it is right already, else in *room. */
struct slice pg_clean(struct slice text, struct buf *room);

#endif
