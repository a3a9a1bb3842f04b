/* ops.h - what an implementation of store.h provides: one function a verb. For src/store only. */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include "base/settings.h"
#include "store/store.h"

static inline int64_t store_hung_ms(const struct settings *s)
{
	return s->hung_ms != 0 ? s->hung_ms : STORE_HUNG_MS;
}

struct store_ops {
	enum err (*wait)(struct store *s, struct why *why); /* NULL: there is nothing to wait for */
	void (*stop_waiting)(struct store *s);
	void (*close)(struct store *s);
	enum err (*add)(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret);
	void (*add_begin)(struct store *s, struct store_adding *adding);
	size_t adds_at_once;
	enum err (*take)(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret);
	enum err (*finish)(
	    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed);
	enum err (*fail)(struct store *s, struct store_failure *failures, size_t n);
	enum err (*claim)(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret);
	enum err (*sent)(struct store *s, struct store_sent *sent, size_t n);
	enum err (*rate)(struct store *s);
	enum err (*keep)(struct store *s, struct store_kept *ret);
	enum err (*counts)(struct store *s, struct store_counts *ret);
	enum err (*dead_list)(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
	    struct arena *arena, struct store_dead **ret, size_t *n);
	enum err (*dead_show)(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret);
	enum err (*dead_retry)(struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret);
	enum err (*dead_remove)(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed);
	enum err (*order_list)(struct store *s, const struct store_order_filter *filter, int64_t before, size_t most,
	    struct arena *arena, struct store_order **ret, size_t *n);
	enum err (*order_show)(struct store *s, int64_t id, struct arena *arena, struct store_order *ret);
	enum err (*order_status)(struct store *s, int64_t id, struct slice status);
	enum err (*logs)(struct store *s, struct slice client_id, int64_t before, size_t most, struct arena *arena,
	    struct store_log_row **ret, size_t *n);
	enum err (*funnel)(struct store *s, int64_t since_ms, struct store_funnel *ret);
};

/* Every implementation's own struct begins with this. */
struct store {
	const struct store_ops *ops;
};

/* Where the calling thread's verb leaves its sentence for store_said(); empty when the verb begins. */
struct why *store_why(void);

/* One of the words between the bars of STORE_ORDER_STATUSES. */
bool store_is_status(struct slice status);

enum err shared_check_settings(const struct settings *settings, struct why *why);
enum err shared_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why);
enum err embedded_open(const struct settings *settings, enum store_role role, struct store **ret, struct why *why);

#endif
