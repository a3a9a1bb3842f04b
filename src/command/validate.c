/* validate.c - `validate`: settings and form file, checked without a start. */
#include "command/commands.h"
#include "command/jsonout.h"
#include "command/options.h"

#include "dialog/form.h"
#include "store/store.h"

#include <stdio.h>

/* What is allowed, but most likely not meant, by someone who serves for real. */
static size_t advice(const struct settings *s, const char *ret[4])
{
	size_t n = 0;

	if (s->api_token[0] == '\0') {
		ret[n++] = "CHAT2DESK_API_TOKEN is not set: `chat2order run` starts the demo";
		return n;
	}
	if (s->public_url[0] == '\0')
		ret[n++] = "PUBLIC_URL is not set: `chat2order run` can't print the webhook's address to register";
	else if (strncmp(s->public_url, "https:", 6) != 0)
		ret[n++] = "PUBLIC_URL is not https: customers' messages would cross the network readable";
	if (s->signature != SIGNATURE_REQUIRED && s->path_secret[0] == '\0')
		ret[n++] = "WEBHOOK_SIGNATURE is not required and there is no WEBHOOK_PATH_SECRET: who finds the "
			   "address can write messages in a customer's name";
	return n;
}

static void report(const struct options *o, const struct dialog_form *form)
{
	const char *notes[4];
	size_t n = advice(&o->settings, notes);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(notes[i]));
	if (o->json) {
		json_print(json_pack("{s:b, s:s, s:s, s:O}", "valid", true, "form", dialog_form_name(form),
		    "form_version", dialog_form_version(form), "notes", list));
	} else {
		(void)printf(
		    "settings  ok\nform      ok: %s, version %s\n", dialog_form_name(form), dialog_form_version(form));
		for (size_t i = 0; i < n; i++)
			(void)printf("note      %s\n", notes[i]);
	}
	json_decref(list);
}

/* A sentence that begins with a setting's name gets the line before it that the value is from. */
static void name_line(const struct options *o, struct why *why)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const struct setting *row = setting_find((struct slice){ why->text, strspn(why->text, letters) });
	const char *source = row != NULL ? o->sources[row - setting_at(0)].text : "";
	struct why said = *why;

	if (strncmp(source, "file ", 5) == 0)
		why_set(why, "%s: %s", source + 5, said.text);
}

static enum err check(const struct options *o, struct dialog_form **form, struct why *why)
{
	enum err e = store_check_settings(&o->settings, why);

	if (e == ERR_OK)
		return dialog_form_load(o->n_operands > 0 ? o->operand[0] : o->settings.dialog, form, why);
	name_line(o, why);
	return e;
}

static void tell_programs(const struct options *o, const struct why *why)
{
	if (o->json)
		json_print(json_pack("{s:b, s:s}", "valid", false, "error", why->text));
}

static int refuse(const struct options *o, const struct why *why)
{
	tell_programs(o, why);
	(void)fprintf(stderr, "chat2order: %s\n", why->text);
	return EXIT_USAGE;
}

int command_validate(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "validate",
		.operands = "[FORM]",
		.about =
		    "Checks the settings and the form file (FORM, else the setting DIALOG, else the built-in form).\n"
		    "No server is asked.\n"
		    "Names the first error with its line and what to do about it; exit code 2.\n",
		.operands_most = 1,
		.settings = true,
		.json = true,
		.refused = tell_programs,
		.examples = "chat2order validate\n"
			    "chat2order validate dialogs/pizza.yaml\n"
			    "chat2order validate --config /etc/chat2order.conf --json\n",
	};
	struct dialog_form *form = NULL;
	struct options o;
	struct why why;
	int code = options_parse(&o, &help, argc, argv);

	if (code != OPTIONS_GO_ON)
		return code;
	if (check(&o, &form, &why) == ERR_OK)
		report(&o, form);
	code = form != NULL ? EXIT_DONE : refuse(&o, &why);
	dialog_form_free(&form);
	options_free(&o);
	return code;
}
