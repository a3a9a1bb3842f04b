/* keyfile.h - a file of KEY=value lines, as shells, systemd and containers write them. Any thread.
 *
 *   # a comment, also behind a value after a blank
 *   KEY=value
 *   KEY="quoted: \" \\ \n and \t have their usual meaning"
 *   KEY='quoted: nothing has a meaning'
 *
 * Blanks around key and value are dropped; line ends may be LF or CRLF. */
#ifndef BASE_KEYFILE_H
#define BASE_KEYFILE_H

#include "base/err.h"
#include "base/slice.h"

struct keyfile_entry {
	struct slice key, value;
	unsigned line; /* from 1 */
};

/* All entries in their order, in the arena. MALFORMED: why names name, line and cure. */
MUST_CHECK enum err keyfile_parse(struct slice text, const char *name, struct arena *arena, struct keyfile_entry **ret,
    size_t *ret_n, struct why *why);

#endif
