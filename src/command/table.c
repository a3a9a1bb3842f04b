/* table.c - collects cells, measures them, prints them. */
#include "command/table.h"

#include "base/clock.h"
#include "command/output.h"

#include <stdlib.h>

enum { GAP = 2 };

static void add_cell(struct table *t, struct slice text)
{
	if (t->n_cells == t->size) {
		t->size = t->size == 0 ? 64 : 2 * t->size;
		t->cells = mem_grow(t->cells, t->size * sizeof *t->cells);
	}
	t->cells[t->n_cells++] = (struct table_cell){ text, terminal_width(text) };
}

void table_heading(struct table *t, const char *text, enum table_side side)
{
	t->side[t->n_columns++] = side;
	add_cell(t, slice_of(text));
}

void table_text(struct table *t, struct slice text)
{
	struct buf harmless = { 0 };

	terminal_text(&harmless, text);
	add_cell(t, slice_copy(&t->texts, buf_as_slice(&harmless)));
	buf_free(&harmless);
}

void table_number(struct table *t, int64_t number)
{
	struct buf text = { 0 };

	buf_int(&text, number);
	add_cell(t, slice_copy(&t->texts, buf_as_slice(&text)));
	buf_free(&text);
}

void table_time(struct table *t, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";

	if (wall_ms != 0) {
		(void)clock_format(wall_ms, text);
		memcpy(text + strcspn(text, "."), "Z", sizeof "Z");
	}
	table_text(t, slice_of(text));
}

size_t table_rows(const struct table *t)
{
	return t->n_columns == 0 ? 0 : t->n_cells / t->n_columns - 1;
}

static void measure(const struct table *t, size_t width[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < t->n_cells; i++)
		if (t->cells[i].width > width[i % t->n_columns])
			width[i % t->n_columns] = t->cells[i].width;
}

static void spaces(FILE *out, size_t n)
{
	(void)fprintf(out, "%*s", (int)n, "");
}

static void print_last(const struct table_cell *cell, size_t room, FILE *out)
{
	struct slice shown = cell->text;

	if (room > 0 && cell->width > room)
		shown = terminal_clip(cell->text, room - 1);
	(void)fprintf(out, "%.*s%s\n", SLICE_PRINT(shown), shown.n < cell->text.n ? "…" : "");
}

static void print_row(const struct table *t, const struct table_cell *row, const size_t *width, size_t room, FILE *out)
{
	for (size_t i = 0; i + 1 < t->n_columns; i++) {
		size_t fill = width[i] - row[i].width;

		if (t->side[i] == TABLE_RIGHT)
			spaces(out, fill);
		(void)fprintf(out, "%.*s", SLICE_PRINT(row[i].text));
		spaces(out, t->side[i] == TABLE_RIGHT ? GAP : fill + GAP);
	}
	if (t->side[t->n_columns - 1] == TABLE_RIGHT)
		spaces(out, width[t->n_columns - 1] - row[t->n_columns - 1].width);
	print_last(&row[t->n_columns - 1], room, out);
}

/* Columns left for the last one; 0: as many as it wants. */
static size_t room_for_last(const struct table *t, const size_t *width, FILE *out)
{
	size_t columns = output_columns(out), taken = 0;

	for (size_t i = 0; i + 1 < t->n_columns; i++)
		taken += width[i] + GAP;
	return columns > taken + 8 ? columns - taken : 0;
}

void table_print(const struct table *t, FILE *out)
{
	size_t width[TABLE_COLUMNS_MAX] = { 0 }, room;
	bool colour = output_colour(out);

	measure(t, width);
	room = room_for_last(t, width, out);
	if (colour)
		(void)fputs("\033[1m", out);
	print_row(t, t->cells, width, room, out);
	if (colour)
		(void)fputs("\033[0m", out);
	for (size_t i = t->n_columns; i < t->n_cells; i += t->n_columns)
		print_row(t, t->cells + i, width, room, out);
}

void table_free(struct table *t)
{
	arena_free(&t->texts);
	free(t->cells);
	*t = (struct table){ 0 };
}
