/* beside.c - finds the store that the service, or else the demo, uses. */
#include "command/beside.h"

#include "base/buf.h"

#include <stdio.h>

static enum err open_demo(const struct settings *settings, struct store **ret, struct why *why)
{
	struct settings demo = *settings;
	struct buf folder = { 0 };
	enum err e;

	buf_printf(&folder, "%s/demo", settings->data_dir);
	demo.data_dir = folder.p;
	e = store_open(&demo, STORE_BESIDE, ret, why);
	if (e == ERR_OK)
		(void)fprintf(stderr, "chat2order: this is the demo's store, in %s\n", folder.p);
	else if (e == ERR_NOT_FOUND)
		why_set(why,
		    "there is no store in %s, nor a demo's in %s; make one with: chat2order run, or name another folder with --data-dir",
		    settings->data_dir, folder.p);
	buf_free(&folder);
	return e;
}

static int open_store(const struct options *o, struct store **ret)
{
	struct why why = { "" };
	enum err e = store_open(&o->settings, STORE_BESIDE, ret, &why);

	if (e == ERR_NOT_FOUND)
		e = open_demo(&o->settings, ret, &why);
	if (e == ERR_OK)
		return OPTIONS_GO_ON;
	(void)command_failed(e, &why);
	return EXIT_UNAVAILABLE;
}

int beside_run(const struct beside *command, int argc, char **argv, void *request)
{
	struct store *store = NULL;
	struct options o;
	int code = options_parse(&o, command->help, argc, argv);

	if (code != OPTIONS_GO_ON)
		return code;
	if (command->check != NULL)
		code = command->check(&o, request);
	if (code == OPTIONS_GO_ON)
		code = open_store(&o, &store);
	if (code == OPTIONS_GO_ON)
		code = command->act(&o, store, request);
	store_close(&store);
	options_free(&o);
	return code == OPTIONS_GO_ON ? EXIT_DONE : code;
}
