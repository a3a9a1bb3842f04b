/* fuzz_jdoc.c - any bytes as JSON: accepted exactly when jansson accepts them, and then with the same content.
 * Only a NUL byte, which is JSON nowhere, passes jansson behind a number. */
#include "base/jdoc.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Alike, but for members of an object and items of an array. */
static void check_value(struct jdoc value, json_t *wanted)
{
	static const enum jdoc_kind kinds[] = { [JSON_OBJECT] = JDOC_OBJECT,
		[JSON_ARRAY] = JDOC_ARRAY,
		[JSON_STRING] = JDOC_STRING,
		[JSON_INTEGER] = JDOC_INTEGER,
		[JSON_REAL] = JDOC_REAL,
		[JSON_TRUE] = JDOC_BOOL,
		[JSON_FALSE] = JDOC_BOOL,
		[JSON_NULL] = JDOC_NULL };

	must(jdoc_kind(value) == kinds[json_typeof(wanted)]);
	must(slice_eq(jdoc_string(value), (struct slice){ json_string_value(wanted), json_string_length(wanted) }));
	must(jdoc_integer(value) == json_integer_value(wanted));
	must(jdoc_number(value) == json_number_value(wanted));
}

/* By recursion: the depth of what was accepted has its limit. */
static void check_tree(struct jdoc value, json_t *wanted)
{
	struct jdoc item;
	size_t n = 0;

	check_value(value, wanted);
	for (item = jdoc_first(value); item.document != NULL; item = jdoc_next(value, item), n++) {
		struct slice name;
		json_t *member;

		if (!json_is_object(wanted)) {
			check_tree(item, json_array_get(wanted, n));
			continue;
		}
		name = jdoc_name(item);
		must(strlen(name.p) == name.n);
		member = json_object_get(wanted, name.p);
		must(member != NULL);
		if (jdoc_member(value, name.p).at == item.at) /* else a later one has its name */
			check_tree(item, member);
	}
	must(n == jdoc_size(value));
	must(json_is_object(wanted) ? n >= json_object_size(wanted) : n == json_array_size(wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = { (const char *)data, n };
	json_t *wanted = n > 0 && memchr(data, '\0', n) == NULL ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	struct jdoc root = JDOC_NONE;

	must(jdoc_parse(text, &root) == (wanted != NULL));
	if (wanted != NULL)
		check_tree(root, wanted);
	jdoc_done();
	json_decref(wanted);
	return 0;
}
