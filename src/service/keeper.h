/* keeper.h - the thread that makes the store's rounds: leases, silent dialogs, pruning, disk, clock. */
#ifndef SERVICE_KEEPER_H
#define SERVICE_KEEPER_H

#include "store/store.h"

struct keeper;

/* Called after each round, about once a second, on the keeper's thread, so that store_said(e) tells of this round. */
typedef void keeper_report(void *context, enum err e, const struct store_kept *kept);

struct keeper *keeper_start(struct store *store, keeper_report *report, void *context);
void keeper_stop(struct keeper **k); /* NULL is fine; *k is NULL afterwards */

#endif
