/* form_read.h - fills a form from its YAML document. */
#ifndef DIALOG_FORM_READ_H
#define DIALOG_FORM_READ_H

#include "dialog/form_data.h"
#include "dialog/reader.h"

/* Reads everything into a zeroed form; r tells whether it failed. */
void form_read(struct reader *r, struct dialog_form *form);
/* Fails when a text holds a placeholder that is neither in names (words apart by blanks) nor, where
 * fields is given, the name of one of its fields. */
void form_check_placeholders(
    struct reader *r, const yaml_node_t *at, struct slice text, const char *names, const struct dialog_form *fields);
/* What goes beyond a single value: word lists that contradict each other, a summary that hides a field, replies that
 * could be longer than a message. */
void form_check(struct reader *r, struct dialog_form *form);

#endif
