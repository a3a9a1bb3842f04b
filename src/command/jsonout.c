/* jsonout.c - jansson values made from slices and times, printed. */
#include "command/jsonout.h"

#include "base/clock.h"
#include "command/output.h"

#include <stdlib.h>

json_t *json_from_slice(struct slice s)
{
	return s.p == NULL ? json_null() : json_stringn(s.p, s.n);
}

json_t *json_from_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	return wall_ms == 0 ? json_null() : json_string(clock_format(wall_ms, text));
}

json_t *json_from_text(struct slice s)
{
	json_t *value = s.n > 0 ? json_loadb(s.p, s.n, JSON_DECODE_ANY, NULL) : NULL;

	return value != NULL ? value : json_null();
}

void json_list_add(struct json_list *list, json_t *row)
{
	(void)fputs(list->begun ? ",\n" : "[\n", stdout);
	(void)json_dumpf(row, stdout, JSON_COMPACT);
	json_decref(row);
	list->begun = true;
}

void json_list_end(struct json_list *list)
{
	(void)puts(list->begun ? "\n]" : "[]");
}

void json_print(json_t *object)
{
	(void)json_dumpf(object, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(object);
}

static void print_value(const char *name, const char *indent, json_t *value)
{
	char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	struct slice text = other != NULL ? slice_of(other)
					  : (struct slice){ json_string_value(value), json_string_length(value) };
	struct buf line = { 0 };

	terminal_text(&line, text);
	(void)printf("%s%-*s %.*s\n", indent, 20 - (int)strlen(indent), name, SLICE_PRINT(buf_as_slice(&line)));
	buf_free(&line);
	free(other);
}

void json_print_lines(json_t *object)
{
	const char *name, *field;
	json_t *value, *inner;

	json_object_foreach (object, name, value) {
		if (json_is_object(value))
			(void)puts(name);
		else if (!json_is_null(value))
			print_value(name, "", value);
		json_object_foreach (value, field, inner)
			print_value(field, "  ", inner);
	}
	json_decref(object);
}
