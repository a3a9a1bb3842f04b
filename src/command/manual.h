/* manual.h - the table of all settings, for docs/operation.md and the man page. */
#ifndef COMMAND_MANUAL_H
#define COMMAND_MANUAL_H

/* Rows of a Markdown table, or mdoc items, on standard output. */
void manual_markdown(void);
void manual_mdoc(void);

#endif
