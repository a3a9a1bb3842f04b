/* history.h - the messages of both sides that GET /v1/messages remembers. The caller locks. */
#ifndef SIMULATOR_HISTORY_H
#define SIMULATOR_HISTORY_H

#include "simulator/payload.h"
#include "simulator/ring.h"

enum { SIM_HISTORY_MAX = 4096 };

void sim_history_add(struct sim_ring *history, const struct sim_message *message, const struct sim_customer *customer);
/* The latest first, at most limit of them: new reference. client_id 0: of all. */
json_t *sim_history_list(const struct sim_ring *history, int64_t client_id, int64_t limit, size_t *ret_total);

#endif
