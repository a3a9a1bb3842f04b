/* config.c - `config`: the settings in effect and where each comes from. */
#include "command/commands.h"
#include "command/jsonout.h"
#include "command/manual.h"
#include "command/options.h"
#include "command/table.h"

#include "base/buf.h"

static json_t *json_value(const struct settings *s, const struct setting *row)
{
	struct buf text = { 0 };
	int64_t number = 0;
	json_t *value;

	setting_show(s, row, &text);
	if (row->kind == SETTING_NUMBER && slice_to_int64(buf_as_slice(&text), &number))
		value = json_integer((json_int_t)number);
	else
		value = json_from_slice(buf_as_slice(&text));
	buf_free(&text);
	return value;
}

static void print_json(const struct options *o)
{
	json_t *object = json_object();

	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *row = setting_at(i);

		(void)json_object_set_new(object, row->name,
		    json_pack("{s:o, s:s}", "value", json_value(&o->settings, row), "source", o->sources[i].text));
	}
	json_print(object);
}

static void print_table(const struct options *o)
{
	struct table t = { 0 };

	table_heading(&t, "SETTING", TABLE_LEFT);
	table_heading(&t, "VALUE", TABLE_LEFT);
	table_heading(&t, "UNIT", TABLE_LEFT);
	table_heading(&t, "FROM", TABLE_LEFT);
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *row = setting_at(i);
		struct buf text = { 0 };

		setting_show(&o->settings, row, &text);
		table_text(&t, slice_of(row->name));
		table_text(&t, buf_as_slice(&text));
		table_text(&t, slice_of(row->unit));
		table_text(&t, slice_of(o->sources[i].text));
		buf_free(&text);
	}
	table_print(&t, stdout);
	table_free(&t);
}

static int print_manual(const struct options *o)
{
	const char *form = "markdown";
	int code = options_choice(o, "manual", "markdown|mdoc", &form);

	if (code != OPTIONS_GO_ON)
		return code;
	if (strcmp(form, "mdoc") == 0)
		manual_mdoc();
	else
		manual_markdown();
	return EXIT_DONE;
}

int command_config(int argc, char **argv)
{
	static const struct option_row rows[] = {
		{ "manual", "FORM", "print all settings with range and meaning, as markdown|mdoc" },
	};
	static const struct command_help help = {
		.name = "config",
		.about =
		    "Shows every setting, its value in effect and where that comes from. Secrets are never shown.\n"
		    "A value comes from the command line (--data-dir DIR), else from the environment (DATA_DIR=DIR),\n"
		    "else from the file given by --config, else it is the default. A secret may be kept in a file:\n"
		    "CHAT2DESK_API_TOKEN_FILE=/run/secrets/token.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.lists_settings = true,
		.json = true,
		.examples = "chat2order config\n"
			    "chat2order config --config /etc/chat2order.conf --json\n"
			    "chat2order config --manual markdown\n",
	};
	struct options o;
	int code = options_parse(&o, &help, argc, argv);

	if (code != OPTIONS_GO_ON)
		return code;
	code = EXIT_DONE;
	if (options_flag(&o, "manual"))
		code = print_manual(&o);
	else if (o.json)
		print_json(&o);
	else
		print_table(&o);
	options_free(&o);
	return code;
}
