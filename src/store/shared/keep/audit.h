/* audit.h - PostgreSQL's rows against Redis' lanes, after Redis may have lost something: docs/store-protocol.md, 8.
 *
 * For the process that holds `S keeper`. A lane that stands behind its row, or that is missing while a dialog is open, is
 * recorded; one in turn is left to that turn's finish, which meets the row, and looked at again until it has. Both may be
 * stopped and run again at any point; they end early with ERR_STOPPED once waiting is over (store_stop_waiting). They take
 * seconds where there are millions of clients. */
#ifndef STORE_SHARED_AUDIT_H
#define STORE_SHARED_AUDIT_H

#include "store/shared/shared.h"

/* While `meta audit` is 1: looks at the rows that changed since `meta alive`, or at all; then takes `audit` away. Else
 * looks again at lanes that were in a turn then, some hundred a call. `alive` must not be written while `audit` is there.
 * *ret: lanes recorded. */
MUST_CHECK enum err audit_run(struct shared *s, size_t *ret, struct why *why);

/* While `meta epoch` is missing and PostgreSQL has one: Redis lost all. Records every row with an open dialog, under the
 * store's lock; then sets `epoch`, and turns are taken again. Nothing to do else. ERR_AGAIN: another process is at it. */
MUST_CHECK enum err restore_run(struct shared *s, size_t *ret, struct why *why);

#endif
