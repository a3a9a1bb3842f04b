/* table.h - rows under headings, aligned by what a terminal shows, also for wide characters.
 *
 *   struct table t = { 0 };
 *   table_heading(&t, "NUMBER", TABLE_RIGHT); table_heading(&t, "ADDRESS", TABLE_LEFT);
 *   table_number(&t, 17); table_text(&t, address);          // cell by cell, row by row
 *   table_print(&t, stdout);
 *   table_free(&t);
 *
 * On a terminal the last column is clipped to its width, with an ellipsis; elsewhere nothing is. */
#ifndef COMMAND_TABLE_H
#define COMMAND_TABLE_H

#include "base/slice.h"

#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 12 };
enum table_side { TABLE_LEFT, TABLE_RIGHT };

struct table {
	struct arena texts;
	size_t n_columns, n_cells, size;
	enum table_side side[TABLE_COLUMNS_MAX];
	struct table_cell {
		struct slice text;
		size_t width; /* columns on a terminal */
	} * cells;            /* the headings first */
};

void table_heading(struct table *t, const char *text, enum table_side side);
void table_text(struct table *t, struct slice text); /* copied and made harmless */
void table_number(struct table *t, int64_t number);
void table_time(struct table *t, int64_t wall_ms); /* 2026-11-23T09:15:04Z; empty for 0 */
size_t table_rows(const struct table *t);          /* without the headings */
void table_print(const struct table *t, FILE *out);
void table_free(struct table *t);

#endif
