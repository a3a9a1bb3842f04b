/* api_webhooks.c - /v1/webhooks: registering where events go. */
#include "simulator/routes.h"

static bool read_wish(struct sim_call *call, struct sim_hook_wish *wish)
{
	static const char *const texts[] = { "url", "name", "status" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (sim_param(call, texts[i]) != NULL && sim_param_text(call, texts[i]) == NULL) {
			sim_reply_invalid(call, texts[i], "Must be a text");
			return false;
		}
	}
	wish->url = sim_param_text(call, "url");
	wish->name = sim_param_text(call, "name");
	wish->status = sim_param_text(call, "status");
	wish->events = json_object_get(call->params, "events");
	wish->channels = json_object_get(call->params, "channels");
	return true;
}

static void show(struct simulator *sim, struct sim_hook *hook, struct sim_call *call)
{
	sim_reply_success(call, sim_hook_json(hook), NULL);
	sim_events_add(&sim->events, 0, json_pack("{s:s,s:o}", "kind", "webhook", "webhook", sim_hook_json(hook)));
}

static struct sim_hook *hook_of(struct simulator *sim, struct sim_call *call)
{
	struct sim_hook *hook = sim_hooks_find(&sim->hooks, call->id);

	if (hook == NULL)
		sim_reply_error(call, 404, "Webhook not found", json_pack("{s:[s]}", "webhook", "Webhook not found"));
	return hook;
}

void sim_api_hook_create(struct simulator *sim, struct sim_call *call)
{
	struct sim_hook_wish wish;
	struct sim_hook *hook;
	json_t *errors;
	struct why why;

	if (!read_wish(call, &wish))
		return;
	if (sim_ids_ensure(&sim->ids, 1, &why) != ERR_OK)
		sim_reply_error(call, 503, why.text, NULL);
	else if (sim_hooks_add(&sim->hooks, sim_ids_take(&sim->ids), &wish, &hook, &errors) != ERR_OK)
		sim_reply_error(call, 400, "Validation failed", errors);
	else
		show(sim, hook, call);
}

void sim_api_hook_list(struct simulator *sim, struct sim_call *call)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sim->hooks.n; i++)
		(void)json_array_append_new(list, sim_hook_json(&sim->hooks.hook[i]));
	sim_reply_success(call, list, NULL);
}

void sim_api_hook_show(struct simulator *sim, struct sim_call *call)
{
	struct sim_hook *hook = hook_of(sim, call);

	if (hook != NULL)
		sim_reply_success(call, sim_hook_json(hook), NULL);
}

void sim_api_hook_change(struct simulator *sim, struct sim_call *call)
{
	struct sim_hook *hook = hook_of(sim, call);
	struct sim_hook_wish wish;
	json_t *errors;

	if (hook == NULL || !read_wish(call, &wish))
		return;
	if (sim_hooks_change(&sim->hooks, hook, &wish, &errors) != ERR_OK)
		sim_reply_error(call, 400, "Validation failed", errors);
	else
		show(sim, hook, call);
}

void sim_api_hook_delete(struct simulator *sim, struct sim_call *call)
{
	struct sim_hook *hook = hook_of(sim, call);

	if (hook == NULL)
		return;
	sim_hooks_remove(&sim->hooks, hook);
	sim_reply_success(call, json_object(), NULL);
	sim_events_add(
	    &sim->events, 0, json_pack("{s:s,s:I}", "kind", "webhook_removed", "webhook_id", (json_int_t)call->id));
}
