/* table.h - the step table: what each event does in each kind of step. This room only. */
#ifndef DIALOG_TABLE_H
#define DIALOG_TABLE_H

#include "dialog/action.h"

enum step_kind { STEP_NONE, STEP_FIELD, STEP_CONFIRM, STEP_AFTER, STEP_KIND_COUNT };

enum {
	CELL_SHOWN = 1, /* counts only when said after the open question was shown */
	CELL_LATE = 2   /* a late message may do this too */
};

struct cell {
	action *act;
	unsigned flags;
};

extern const struct cell step_table[STEP_KIND_COUNT][EVENT_COUNT];

/* Feeds one event; NULL when it was applied, else the reason why it changed nothing. */
const char *table_feed(struct dialog *d, const struct heard *h);

#endif
