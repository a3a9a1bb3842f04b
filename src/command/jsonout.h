/* jsonout.h - JSON on standard output: one object, or a list that is written row by row. */
#ifndef COMMAND_JSONOUT_H
#define COMMAND_JSONOUT_H

#include "base/slice.h"

#include <jansson.h>

/* Texts and times as commands print them; a time of 0 and an absent slice are null. */
json_t *json_from_slice(struct slice s);
json_t *json_from_time(int64_t wall_ms);
/* JSON kept as text; null when it is empty or none. */
json_t *json_from_text(struct slice s);

/* A zeroed struct is a list not begun. Rows and objects are taken over and freed. */
struct json_list {
	bool begun;
};
void json_list_add(struct json_list *list, json_t *row);
void json_list_end(struct json_list *list);
void json_print(json_t *object);
/* The same for people: a line "name  value" for each that is not null, inner objects indented. */
void json_print_lines(json_t *object);

#endif
