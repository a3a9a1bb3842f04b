/* settings_inside.h - what the files of settings share. Used by settings*.c only. */
#ifndef BASE_SETTINGS_INSIDE_H
#define BASE_SETTINGS_INSIDE_H

#include "base/settings.h"

enum {
#define COUNT_ONE(...) +1
	SETTINGS_COUNT = 0 SETTINGS_LIST(COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE)
#undef COUNT_ONE
};

/* The field of a row of that kind. */
const char **setting_text(struct settings *s, const struct setting *row); /* also of a secret */
int64_t *setting_number(struct settings *s, const struct setting *row);
int *setting_choice(struct settings *s, const struct setting *row);
/* The index-th word of "a|b|c"; SLICE_NONE behind the last. */
struct slice setting_choice_at(const char *choices, size_t index);
/* As setting_find(); *ret_is_file: it was a secret's NAME_FILE. */
const struct setting *setting_find_source(struct slice name_or_option, bool *ret_is_file);

/* What a text must look like beyond being text. Tidies *value (a URL's last slash, "Bearer " before a
 * token). Returns NULL, or what is wrong and what to write instead. The note, if any, says what was tidied;
 * it goes to the value's source. */
const char *settings_shape(const struct setting *row, struct slice *value, const char **note);

#endif
