/* form.h - a dialog's form: fields, texts, word lists and summary, read from a YAML file.
 *
 * Manual of the file: docs/dialogs.md. A loaded form is read-only: any thread may use it. */
#ifndef DIALOG_FORM_H
#define DIALOG_FORM_H

#include "base/err.h"
#include "base/slice.h"

struct dialog_form;

/* path NULL or "": the built-in form (dialogs/order.yaml, compiled in). On failure why has file, line,
 * column, cause and cure. */
MUST_CHECK enum err dialog_form_load(const char *path, struct dialog_form **ret, struct why *why);
/* The same from memory; name is what errors call it. */
MUST_CHECK enum err dialog_form_parse(struct slice yaml, const char *name, struct dialog_form **ret, struct why *why);
void dialog_form_free(struct dialog_form **form); /* NULL is fine; *form is NULL afterwards */

const char *dialog_form_name(const struct dialog_form *form);
/* A short hash of the file's content: equal forms have equal versions. */
const char *dialog_form_version(const struct dialog_form *form);

#endif
