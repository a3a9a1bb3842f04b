/* hooks.c - at most five webhooks, checked as the vendor checks them. */
#include "simulator/hooks.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { URL_MAX = 2000 };

static enum err refuse(json_t **ret_errors, const char *field, const char *text)
{
	*ret_errors = json_pack("{s:[s]}", field, text);
	return ERR_INVALID;
}

static bool is_url(const char *url)
{
	return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) && strlen(url) <= URL_MAX;
}

static bool is_list_of(const json_t *list, json_type type)
{
	size_t i;
	json_t *item;

	if (!json_is_array(list))
		return false;
	json_array_foreach (list, i, item)
		if (json_typeof(item) != type)
			return false;
	return true;
}

static enum err check(
    struct sim_hooks *hooks, const struct sim_hook *self, const struct sim_hook_wish *wish, json_t **ret_errors)
{
	if (wish->url != NULL && !is_url(wish->url))
		return refuse(ret_errors, "url", "Url is invalid");
	for (size_t i = 0; wish->url != NULL && i < hooks->n; i++)
		if (&hooks->hook[i] != self && strcmp(hooks->hook[i].url, wish->url) == 0)
			return refuse(ret_errors, "url", "This url is already used");
	if (wish->events != NULL && !is_list_of(wish->events, JSON_STRING))
		return refuse(ret_errors, "events", "Events is an array of names");
	if (wish->channels != NULL && !is_list_of(wish->channels, JSON_INTEGER))
		return refuse(ret_errors, "channels", "Channels is an array of ids");
	if (wish->status != NULL && strcmp(wish->status, "enabled") != 0 && strcmp(wish->status, "disabled") != 0)
		return refuse(ret_errors, "status", "Status is enabled or disabled");
	return ERR_OK;
}

static void replace_text(char **text, const char *wanted)
{
	if (wanted == NULL)
		return;
	free(*text);
	*text = mem_text(wanted);
}

static void replace_list(json_t **list, json_t *wanted)
{
	if (wanted == NULL)
		return;
	json_decref(*list);
	*list = json_incref(wanted);
}

static void apply(struct sim_hook *hook, const struct sim_hook_wish *wish)
{
	replace_text(&hook->url, wish->url);
	replace_text(&hook->name, wish->name);
	replace_list(&hook->events, wish->events);
	replace_list(&hook->channels, wish->channels);
	if (wish->status == NULL)
		return;
	hook->enabled = strcmp(wish->status, "enabled") == 0;
	hook->failing_ms = 0; /* the five hours begin anew */
	hook->error[0] = '\0';
}

enum err sim_hooks_add(
    struct sim_hooks *hooks, int64_t id, const struct sim_hook_wish *wish, struct sim_hook **ret, json_t **ret_errors)
{
	enum err e;

	if (wish->url == NULL)
		return refuse(ret_errors, "url", "Url can't be blank");
	if ((e = check(hooks, NULL, wish, ret_errors)) != ERR_OK)
		return e;
	if (hooks->n == SIM_HOOKS_MAX)
		return refuse(ret_errors, "webhooks", "You can use up to 5 webhooks");
	*ret = &hooks->hook[hooks->n++];
	**ret = (struct sim_hook){ .id = id,
		.name = mem_text(""),
		.url = mem_text(""),
		.enabled = true,
		.events = json_array(),
		.channels = json_array() };
	apply(*ret, wish);
	return ERR_OK;
}

enum err sim_hooks_change(
    struct sim_hooks *hooks, struct sim_hook *hook, const struct sim_hook_wish *wish, json_t **ret_errors)
{
	enum err e = check(hooks, hook, wish, ret_errors);

	if (e == ERR_OK)
		apply(hook, wish);
	return e;
}

struct sim_hook *sim_hooks_find(struct sim_hooks *hooks, int64_t id)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (hooks->hook[i].id == id)
			return &hooks->hook[i];
	return NULL;
}

static void hook_free(struct sim_hook *hook)
{
	free(hook->name);
	free(hook->url);
	json_decref(hook->events);
	json_decref(hook->channels);
}

void sim_hooks_remove(struct sim_hooks *hooks, struct sim_hook *hook)
{
	size_t at = (size_t)(hook - hooks->hook);

	hook_free(hook);
	memmove(hook, hook + 1, (hooks->n - at - 1) * sizeof *hook);
	hooks->n--;
}

/* An empty list means all. */
bool sim_hook_wants(const struct sim_hook *hook, const char *event, int64_t channel_id)
{
	bool event_wanted = json_array_size(hook->events) == 0, channel_wanted = json_array_size(hook->channels) == 0;
	size_t i;
	json_t *item;

	json_array_foreach (hook->events, i, item)
		event_wanted = event_wanted || strcmp(json_string_value(item), event) == 0;
	json_array_foreach (hook->channels, i, item)
		channel_wanted = channel_wanted || json_integer_value(item) == channel_id;
	return hook->enabled && event_wanted && channel_wanted;
}

json_t *sim_hook_json(const struct sim_hook *hook)
{
	json_t *errors = json_array();

	if (hook->error[0] != '\0')
		(void)json_array_append_new(errors, json_string(hook->error));
	return json_pack("{s:I,s:s,s:s,s:O,s:O,s:s,s:o}", "id", (json_int_t)hook->id, "name", hook->name, "url",
	    hook->url, "events", hook->events, "channels", hook->channels, "status",
	    hook->enabled ? "enabled" : "disabled", "errors", errors);
}

void sim_hooks_close(struct sim_hooks *hooks)
{
	while (hooks->n > 0)
		sim_hooks_remove(hooks, &hooks->hook[hooks->n - 1]);
}
