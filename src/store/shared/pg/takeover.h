/* takeover.h - what PostgreSQL keeps of a take-over: docs/store-protocol.md, 12. Any thread. */
#ifndef STORE_SHARED_PG_TAKEOVER_H
#define STORE_SHARED_PG_TAKEOVER_H

#include "store/shared/shared.h"

/* Was the predecessor taken over (or found not to be there)? */
MUST_CHECK enum err pg_took_over(struct shared *s, bool *ret, struct why *why);
MUST_CHECK enum err pg_note_took_over(struct shared *s, struct why *why);

/* A row at version 1 for each client who has none: client_id, turn_id, dialog and dialog_id of rows. */
MUST_CHECK enum err pg_insert_dialogs(struct shared *s, const struct client_row *rows, size_t n, struct why *why);

#endif
