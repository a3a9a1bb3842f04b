/* turn.h - runs one turn: its messages through the dialog, to a result for store_finish(). Any thread. */
#ifndef SERVICE_TURN_H
#define SERVICE_TURN_H

#include "dialog/dialog.h"
#include "store/store.h"

/* Everything that *ret points to lives in the arena; turn is borrowed. now_ms: wall time. */
void turn_run(const struct store_turn *turn, const struct dialog_form *form, int64_t now_ms, struct arena *arena,
    struct store_result *ret);

#endif
