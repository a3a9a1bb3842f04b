/* template.h - fills the {placeholders} of a form's text. Any thread. */
#ifndef DIALOG_TEMPLATE_H
#define DIALOG_TEMPLATE_H

#include "base/buf.h"

struct blank {
	const char *name;
	struct slice value;
};

/* Appends text with each {name} replaced by its value; a name without a value is left out. Values are not
 * read again: a customer's braces stay braces. */
void template_fill(struct buf *out, struct slice text, const struct blank *blanks, size_t n);

#endif
