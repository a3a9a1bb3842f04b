/* orders_csv.c - `orders csv`: all matching orders as a file that Excel opens right. */
#include "command/beside.h"
#include "command/csv.h"
#include "command/orders.h"
#include "command/output.h"

#include <errno.h>

enum { FLUSH_BYTES = 1 << 16 };

struct export
{
	struct store_order_filter filter;
	struct csv csv;
	struct buf text;
	FILE *out;
	size_t rows;
};

static void flush(struct export *x)
{
	(void)fwrite(x->text.p, 1, x->text.n, x->out);
	buf_reset(&x->text);
}

static void heading(struct csv *c)
{
	static const char *const names[] = { "id", "created_at", "updated_at", "status", "quantity", "client_phone",
		"delivery_address", "chat2desk_client_id", "source", "dialog_id", "fields" };

	csv_begin(c);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		csv_text(c, slice_of(names[i]));
	csv_row_end(c);
}

static void add_row(void *context, const struct store_order *o)
{
	struct export *x = context;
	struct csv *c = &x->csv;

	csv_number(c, o->id);
	csv_time(c, o->created_ms);
	csv_time(c, o->updated_ms);
	csv_text(c, o->status);
	csv_number(c, o->quantity);
	csv_digits(c, o->client_phone);
	csv_text(c, o->delivery_address);
	csv_digits(c, o->client_id);
	csv_text(c, o->source);
	csv_digits(c, o->dialog_id);
	csv_text(c, o->fields);
	csv_row_end(c);
	x->rows++;
	if (x->text.n >= FLUSH_BYTES)
		flush(x);
}

static enum err write_all(struct export *x, struct store *store)
{
	enum err e;

	heading(&x->csv);
	e = orders_walk(store, &x->filter, 0, add_row, x);
	flush(x);
	buf_free(&x->text);
	return e;
}

static int cannot_write(const char *path)
{
	(void)fprintf(stderr, "chat2order: cannot write %s: %s\n", path, strerror(errno));
	return EXIT_FAILED;
}

/* True when all of it arrived; only now is that known. */
static bool close_output(FILE *out)
{
	bool good = ferror(out) == 0;

	if (out == stdout)
		return fflush(out) == 0 && good;
	return fclose(out) == 0 && good;
}

static int check(const struct options *o, void *request)
{
	struct export *x = request;
	const char *delimiter = ",";
	int code = options_choice(o, "delimiter", ",|;", &delimiter);

	x->csv = (struct csv){ .out = &x->text, .delimiter = delimiter[0], .plain = options_flag(o, "plain") };
	return code == OPTIONS_GO_ON ? orders_filter(o, &x->filter) : code;
}

static int export(const struct options *o, struct store *store, void *request)
{
	struct export *x = request;
	const char *path = options_value(o, "output");
	enum err e;
	bool written;

	x->out = path != NULL ? fopen(path, "wbe") : stdout;
	if (x->out == NULL)
		return cannot_write(path);
	e = write_all(x, store);
	written = close_output(x->out);
	if (e != ERR_OK)
		return command_end(e);
	if (!written)
		return cannot_write(path != NULL ? path : "to standard output");
	if (path != NULL)
		(void)fprintf(stderr, "%zu orders written to %s\n", x->rows, path);
	return OPTIONS_GO_ON;
}

int orders_csv(int argc, char **argv)
{
	static const struct option_row rows[] = {
		ORDERS_FILTER_ROWS,
		{ "delimiter", "C", "between cells: , (usual) or ;" },
		{ "output", "FILE", "write into this file" },
		{ "plain", NULL, "values as they are: for programs only" },
	};
	static const struct command_help help = {
		.name = "orders csv",
		.about = "Writes orders as CSV, newest first: UTF-8 with a byte order mark, CRLF, one order a row,\n"
			 "times in UTC. Phones and ids stand as =\"+996700123456\", which spreadsheets show as text;\n"
			 "other text that a spreadsheet would take for a formula gets an apostrophe before it.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.examples = "chat2order orders csv > orders.csv\n"
			    "chat2order orders csv --since 2026-11-01 --until 2026-12-01 --output november.csv\n"
			    "chat2order orders csv --delimiter ';'    # for Excel where , is the decimal sign\n"
			    "chat2order orders csv --plain            # for programs\n",
	};
	static const struct beside command = { &help, check, export };
	struct export x = { 0 };

	return beside_run(&command, argc, argv, &x);
}
