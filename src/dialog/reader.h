/* reader.h - reads a YAML document strictly, with errors that name file, line, column, cause and cure.
 *
 * The first error is kept in why and makes every later call return an empty value, so that callers read
 * straight on and look once at the end. Nodes live as long as the reader. One thread. */
#ifndef DIALOG_READER_H
#define DIALOG_READER_H

#include "base/err.h"
#include "base/slice.h"

#include <yaml.h>

enum { READER_BYTES_MAX = 262144, READER_DEPTH_MAX = 12, READER_NODES_MAX = 20000 };

struct reader {
	const char *name; /* of the file, for errors */
	struct why *why;
	bool failed;
	struct arena *arena; /* holds what is read */
	yaml_document_t document;
	bool has_document;
};

/* Parses; refuses broken YAML, a second document, duplicate keys, depth and size beyond the limits. The root is a map. */
void reader_open(struct reader *r, struct slice yaml);
void reader_close(struct reader *r);

const yaml_node_t *reader_root(struct reader *r);
/* Sets the error "name:line:column: ...", unless there is one already. at NULL: the file as a whole. */
void reader_fail(struct reader *r, const yaml_node_t *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fails when the map has a key that is not one of these, suggesting the nearest. */
void reader_only(struct reader *r, const yaml_node_t *map, const char *const *keys, size_t n);
/* The value of a key; NULL when there is none (reader_need fails then). */
const yaml_node_t *reader_get(struct reader *r, const yaml_node_t *map, const char *key);
const yaml_node_t *reader_need(struct reader *r, const yaml_node_t *map, const char *key);
/* Entries of a map or items of a list; 0 and a failure when the node is of the other kind; NULL: 0. */
size_t reader_map_size(struct reader *r, const yaml_node_t *map);
size_t reader_list_size(struct reader *r, const yaml_node_t *list);
const yaml_node_t *reader_key(struct reader *r, const yaml_node_t *map, size_t i);
const yaml_node_t *reader_value(struct reader *r, const yaml_node_t *map, size_t i);
const yaml_node_t *reader_item(struct reader *r, const yaml_node_t *list, size_t i);
/* A text of 1 to max characters, trimmed, in the arena. */
struct slice reader_text(struct reader *r, const yaml_node_t *node, size_t max);
int64_t reader_number(struct reader *r, const yaml_node_t *node, int64_t min, int64_t max);
/* The raw scalar, borrowed. */
struct slice reader_raw(const yaml_node_t *node);
/* The nearest of the names when it is near enough to be meant, else NULL. */
const char *reader_nearest(struct slice word, const char *const *names, size_t n);

#endif
