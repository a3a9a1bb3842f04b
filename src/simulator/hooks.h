/* hooks.h - the registered webhooks of /v1/webhooks. The caller locks. */
#ifndef SIMULATOR_HOOKS_H
#define SIMULATOR_HOOKS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { SIM_HOOKS_MAX = 5 };

struct sim_hook {
	int64_t id;
	char *name, *url;
	json_t *events;     /* array of names; empty: all */
	json_t *channels;   /* array of ids; empty: all */
	bool enabled;       /* switched off after 5 h without a success, or by PUT */
	char error[160];    /* of the last failed delivery; "" after a success */
	int64_t failing_ms; /* monotonic time of the first failure since the last success; 0: none */
	bool watched;       /* while it fails (delivery.c) */
	uint64_t accepted, failed;
};

struct sim_hooks {
	struct sim_hook hook[SIM_HOOKS_MAX];
	size_t n;
};

/* What POST and PUT carry; NULL: not given. */
struct sim_hook_wish {
	const char *url, *name, *status;
	json_t *events, *channels;
};
/* Both: ERR_INVALID and ret_errors, the vendor's errors object (new reference), when it can't be so. */
MUST_CHECK enum err sim_hooks_add(
    struct sim_hooks *hooks, int64_t id, const struct sim_hook_wish *wish, struct sim_hook **ret, json_t **ret_errors);
MUST_CHECK enum err sim_hooks_change(
    struct sim_hooks *hooks, struct sim_hook *hook, const struct sim_hook_wish *wish, json_t **ret_errors);
struct sim_hook *sim_hooks_find(struct sim_hooks *hooks, int64_t id);
void sim_hooks_remove(struct sim_hooks *hooks, struct sim_hook *hook);
bool sim_hook_wants(const struct sim_hook *hook, const char *event, int64_t channel_id);
json_t *sim_hook_json(const struct sim_hook *hook); /* as GET shows it: new reference */
void sim_hooks_close(struct sim_hooks *hooks);

#endif
