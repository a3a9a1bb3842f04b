/* history.c - messages in their REST form, in a ring. */
#include "simulator/history.h"

void sim_history_add(struct sim_ring *history, const struct sim_message *message, const struct sim_customer *customer)
{
	json_t *json = sim_payload_rest_message(message, customer);

	sim_ring_add(history, customer->id, json_dumps(json, JSON_COMPACT));
	json_decref(json);
}

json_t *sim_history_list(const struct sim_ring *history, int64_t client_id, int64_t limit, size_t *ret_total)
{
	json_t *list = json_array();
	size_t total = 0;

	for (int64_t n = history->next - 1; n >= sim_ring_oldest(history); n--) {
		const struct sim_ring_entry *entry = sim_ring_at(history, n, client_id);

		if (entry != NULL && (int64_t)total++ < limit)
			(void)json_array_append_new(list, json_loadb(entry->text.p, entry->text.n, 0, NULL));
	}
	*ret_total = total;
	return list;
}
