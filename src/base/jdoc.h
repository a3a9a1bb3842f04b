/* jdoc.h - JSON documents, read with simdjson, for C. No exception leaves it.
 *
 * A thread reads one document at a time: jdoc_parse opens it, jdoc_done closes it (to be called after
 * a refusal too), and another parse takes its place. Values and the texts in them are valid that long; the text
 * parsed need not stay. They may be read by the thread that parsed them only. What is no value of the kind
 * asked for counts as absent, empty or 0, so that a chain of questions needs one check at its end. */
#ifndef BASE_JDOC_H
#define BASE_JDOC_H

#include "base/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	JDOC_DEPTH_MAX = 2048, /* of values in values, the root being the first */
	JDOC_KEPT = 65536,     /* bytes of a text; what a longer one took is given back when it is done */
	JDOC_VERSION_SIZE = 24
};

enum jdoc_kind {
	JDOC_ABSENT,
	JDOC_NULL,
	JDOC_BOOL,
	JDOC_INTEGER, /* fits an int64_t */
	JDOC_REAL,    /* written with a point or an exponent; finite */
	JDOC_STRING,
	JDOC_ARRAY,
	JDOC_OBJECT
};

/* A value, or none. A handle, to be passed by value. */
struct jdoc {
	const void *document; /* NULL: absent */
	size_t at;
};

#define JDOC_NONE ((struct jdoc){ NULL, 0 })

/* True when the text is RFC 8259's JSON, an object or an array, and *root is it. Refused are what RFC 8259
 * lets a reader refuse: a byte order mark, escapes of NUL and of lone surrogates, integers beyond 64 bits with
 * their sign, numbers beyond a double, deeper nesting, and more than 1 GiB. Where two members have one name, both
 * are there. */
bool jdoc_parse(struct slice text, struct jdoc *root);
void jdoc_done(void);

enum jdoc_kind jdoc_kind(struct jdoc value);
struct slice jdoc_string(struct jdoc value); /* UTF-8 without NUL inside, with one behind it */
int64_t jdoc_integer(struct jdoc value);     /* not of a real */
double jdoc_number(struct jdoc value);       /* of an integer too */
bool jdoc_is_true(struct jdoc value);
size_t jdoc_size(struct jdoc array_or_object); /* exact to 16777214 */

/* The last member of that name. Time grows with the members. */
struct jdoc jdoc_member(struct jdoc object, const char *name);

/* for (item = jdoc_first(all); item.document != NULL; item = jdoc_next(all, item)): in the text's order */
struct jdoc jdoc_first(struct jdoc array_or_object);
struct jdoc jdoc_next(struct jdoc array_or_object, struct jdoc item);
struct slice jdoc_name(struct jdoc member); /* of one that first and next gave for an object */

/* simdjson's, as built against: "3.0.1". */
void jdoc_library_version(char text[JDOC_VERSION_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
