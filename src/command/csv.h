/* csv.h - rows of a CSV file (RFC 4180: CRLF, every cell quoted) that Excel opens right.
 *
 * A UTF-8 byte order mark stands at the start, else Excel reads the file in the machine's old code page.
 * Spreadsheets take a cell for a number or a formula by its look, quoted or not. So in the safe style
 *   - a phone or an id (csv_digits) is written as ="+996700123456": Excel evaluates it to that very text. As it
 *     stands it would become 9.967E+11, and with an apostrophe before it the apostrophe would be shown;
 *   - any other text (csv_text) that begins with = + - @, tab or a line end gets an apostrophe before it, so
 *     that what a customer wrote is never run as a formula. (="..." can't hold it: Excel allows 255 characters.)
 * In the plain style values are written as they are, without the mark: for programs. One thread at a time. */
#ifndef COMMAND_CSV_H
#define COMMAND_CSV_H

#include "base/buf.h"

struct csv {
	struct buf *out;
	char delimiter; /* ',' or ';' */
	bool plain;
	bool in_row;
};

void csv_begin(struct csv *c); /* the mark, where it belongs */
void csv_text(struct csv *c, struct slice text);
void csv_digits(struct csv *c, struct slice text);
void csv_number(struct csv *c, int64_t number);
void csv_time(struct csv *c, int64_t wall_ms); /* 2026-11-23T09:15:04.123Z; empty for 0 */
void csv_row_end(struct csv *c);

#endif
