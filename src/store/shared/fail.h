/* fail.h - script fail, for all who end a turn without a finish. Any thread. */
#ifndef STORE_SHARED_FAIL_H
#define STORE_SHARED_FAIL_H

#include "store/shared/redis/call.h"

/* A call's first arguments; behind them, four for each turn: client, turn id, what becomes of it, its reason. What may
 * become of it stands at the head of fail.lua. */
void fail_put_head(struct redis_call *call, const struct shared *s);
/* One turn. */
void fail_put_turn(
    struct redis_call *call, struct slice client_id, struct slice turn_id, const char *how, struct slice reason);

#endif
