/* output.h - how commands speak to people: tables, lines and questions; colour only on a terminal.
 *
 * What customers wrote may hold anything; terminal_text() makes it harmless. One thread at a time. */
#ifndef COMMAND_OUTPUT_H
#define COMMAND_OUTPUT_H

#include "base/buf.h"

#include <stdio.h>

/* A title and indented lines; each line of the text ends with \n. */
void output_lines(const char *title, const char *lines);
/* Colour is wanted: a terminal, NO_COLOR not set, TERM not dumb. */
bool output_colour(FILE *out);
/* Columns of the terminal; 0 when out is none. */
size_t output_columns(FILE *out);
/* s on one line: control characters, line ends and marks that turn the direction of writing become blanks. */
void terminal_text(struct buf *out, struct slice s);
/* Columns that the text takes on a terminal: 2 for wide characters, 0 for marks. */
size_t terminal_width(struct slice s);
/* The longest beginning that takes at most width columns; characters as people see them stay whole. */
struct slice terminal_clip(struct slice s, size_t width);
/* Asks on the terminal; true on y or yes. Without a terminal the answer is no, and *ret_asked is false. */
bool output_confirm(const char *question, bool *ret_asked);
/* "300 of 5000" on one line of standard error that is written anew; nothing when that is no terminal. */
void output_progress(const char *what, size_t done, size_t all);

#endif
