/* question.h - the question now open: its text, its name, what it offers. This room only. */
#ifndef DIALOG_QUESTION_H
#define DIALOG_QUESTION_H

#include "dialog/turn.h"

/* Whether he is asked anything: a field or the summary. */
bool question_is_open(const struct dialog *d);
/* Names the open question and all that is shown in it; empty when none is open. */
struct slice question_name(const struct dialog *d, struct arena *a);
/* Finds a known value to offer for the field now asked, if there is one. */
void question_offer(struct dialog *d);
/* The whole reply: results first, then the open question, within the form's limit. Empty: nothing to say. */
struct slice question_reply(struct dialog *d, struct arena *a);

#endif
