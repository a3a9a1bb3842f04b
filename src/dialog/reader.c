/* reader.c - reads a YAML document strictly, with errors that name file, line, column, cause and cure. */
#include "dialog/reader.h"

#include "base/nearest.h"
#include "dialog/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistr.h>

enum { ERROR_SIZE = 400 };

/* The first error is the one that is told. */
static void fail_with(struct reader *r, size_t line, size_t column, const char *text)
{
	if (!r->failed)
		why_set(r->why, "%s:%zu:%zu: %s", r->name, line + 1, column + 1, text);
	r->failed = true;
}

void reader_fail(struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	char text[ERROR_SIZE];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	fail_with(r, at != NULL ? at->start_mark.line : 0, at != NULL ? at->start_mark.column : 0, text);
}

static PRINTF_LIKE(3, 4) void fail_mark(struct reader *r, yaml_mark_t mark, const char *fmt, ...)
{
	char text[ERROR_SIZE];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	fail_with(r, mark.line, mark.column, text);
}

struct slice reader_raw(const yaml_node_t *node)
{
	if (node == NULL || node->type != YAML_SCALAR_NODE)
		return SLICE_NONE;
	return (struct slice){ (const char *)node->data.scalar.value, node->data.scalar.length };
}

static const yaml_node_t *node_at(struct reader *r, int id)
{
	return yaml_document_get_node(&r->document, id);
}

static void check_keys(struct reader *r, const yaml_node_t *map)
{
	const yaml_node_pair_t *start = map->data.mapping.pairs.start, *end = map->data.mapping.pairs.top;

	for (const yaml_node_pair_t *pair = start; pair < end; pair++) {
		const yaml_node_t *key = node_at(r, pair->key);

		if (key->type != YAML_SCALAR_NODE)
			reader_fail(r, key, "a key must be a word; write it as `name: value`");
		for (const yaml_node_pair_t *other = start; other < pair && !r->failed; other++)
			if (slice_eq(reader_raw(key), reader_raw(node_at(r, other->key))))
				reader_fail(r, key,
				    "the key \"%.*s\" stands here a second time (first in line %zu); remove one",
				    SLICE_PRINT(reader_raw(key)), node_at(r, other->key)->start_mark.line + 1);
	}
}

/* Walks everything once; visits count references too, so that nested aliases can't grow without end. */
static void check_tree(struct reader *r, const yaml_node_t *node, size_t depth, size_t *visits)
{
	if (r->failed)
		return;
	if (depth > READER_DEPTH_MAX) {
		reader_fail(r, node, "nested deeper than %d levels; no form needs that, check the indentation",
		    READER_DEPTH_MAX);
	} else if (++*visits > READER_NODES_MAX) {
		reader_fail(r, node, "more than %d values; shorten the form", READER_NODES_MAX);
	} else if (node->type == YAML_SEQUENCE_NODE) {
		for (const yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
		     i++)
			check_tree(r, node_at(r, *i), depth + 1, visits);
	} else if (node->type == YAML_MAPPING_NODE) {
		check_keys(r, node);
		for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++)
			check_tree(r, node_at(r, p->value), depth + 1, visits);
	}
}

static void load(struct reader *r, yaml_parser_t *parser)
{
	yaml_document_t second;

	if (!yaml_parser_load(parser, &r->document)) {
		fail_mark(r, parser->problem_mark, "not YAML: %s%s%s; check the indentation and quotes of this line",
		    parser->problem != NULL ? parser->problem : "unreadable", parser->context != NULL ? " " : "",
		    parser->context != NULL ? parser->context : "");
		return;
	}
	r->has_document = true;
	if (!yaml_parser_load(parser, &second)) {
		fail_mark(
		    r, parser->problem_mark, "not YAML: %s", parser->problem != NULL ? parser->problem : "unreadable");
		return;
	}
	if (yaml_document_get_root_node(&second) != NULL)
		fail_mark(r, second.start_mark, "a second document begins here; a form is one, remove the line ---");
	yaml_document_delete(&second);
}

void reader_open(struct reader *r, struct slice yaml)
{
	yaml_parser_t parser;
	size_t visits = 0;

	if (yaml.n > READER_BYTES_MAX) {
		reader_fail(r, NULL, "the form is larger than %d bytes; shorten it", READER_BYTES_MAX);
		return;
	}
	if (!slice_is_utf8(yaml)) {
		reader_fail(r, NULL, "the form is not UTF-8; save it as UTF-8");
		return;
	}
	if (!yaml_parser_initialize(&parser)) {
		reader_fail(r, NULL, "no memory to read the form");
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.p != NULL ? yaml.p : ""), yaml.n);
	load(r, &parser);
	yaml_parser_delete(&parser);
	if (r->failed)
		return;
	if (reader_root(r) == NULL || reader_root(r)->type != YAML_MAPPING_NODE)
		reader_fail(r, NULL, "a form begins with keys like `form: order`; this file has none");
	else
		check_tree(r, reader_root(r), 1, &visits);
}

void reader_close(struct reader *r)
{
	if (r->has_document)
		yaml_document_delete(&r->document);
	r->has_document = false;
}

const yaml_node_t *reader_root(struct reader *r)
{
	return r->has_document ? yaml_document_get_root_node(&r->document) : NULL;
}

const char *reader_nearest(struct slice word, const char *const *names, size_t n)
{
	struct nearest nearest = { .typed = word };

	for (size_t i = 0; i < n; i++)
		nearest_offer(&nearest, names[i]);
	return nearest.word;
}

static bool is_one_of(struct slice word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(word, slice_of(names[i])))
			return true;
	return false;
}

void reader_only(struct reader *r, const yaml_node_t *map, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < reader_map_size(r, map) && !r->failed; i++) {
		const yaml_node_t *key = reader_key(r, map, i);
		struct slice word = reader_raw(key);
		const char *near;

		if (is_one_of(word, keys, n))
			continue;
		near = reader_nearest(word, keys, n);
		if (near != NULL)
			reader_fail(r, key, "unknown key \"%.*s\"; did you mean \"%s\"?", SLICE_PRINT(word), near);
		else
			reader_fail(
			    r, key, "unknown key \"%.*s\"; remove it or see docs/dialogs.md", SLICE_PRINT(word));
	}
}

size_t reader_map_size(struct reader *r, const yaml_node_t *map)
{
	if (r->failed || map == NULL)
		return 0;
	if (map->type != YAML_MAPPING_NODE) {
		reader_fail(r, map, "keys and values are expected here, as `key: value`");
		return 0;
	}
	return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

size_t reader_list_size(struct reader *r, const yaml_node_t *list)
{
	if (r->failed || list == NULL)
		return 0;
	if (list->type != YAML_SEQUENCE_NODE) {
		reader_fail(r, list, "a list is expected here, as [one, two] or lines that begin with a dash");
		return 0;
	}
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

const yaml_node_t *reader_key(struct reader *r, const yaml_node_t *map, size_t i)
{
	return node_at(r, map->data.mapping.pairs.start[i].key);
}

const yaml_node_t *reader_value(struct reader *r, const yaml_node_t *map, size_t i)
{
	return node_at(r, map->data.mapping.pairs.start[i].value);
}

const yaml_node_t *reader_item(struct reader *r, const yaml_node_t *list, size_t i)
{
	return node_at(r, list->data.sequence.items.start[i]);
}

const yaml_node_t *reader_get(struct reader *r, const yaml_node_t *map, const char *key)
{
	for (size_t i = 0; i < reader_map_size(r, map); i++)
		if (slice_eq(reader_raw(reader_key(r, map, i)), slice_of(key)))
			return reader_value(r, map, i);
	return NULL;
}

const yaml_node_t *reader_need(struct reader *r, const yaml_node_t *map, const char *key)
{
	const yaml_node_t *value = reader_get(r, map, key);

	if (value == NULL)
		reader_fail(r, map, "\"%s\" is missing here; add it, docs/dialogs.md says what it is for", key);
	return value;
}

struct slice reader_text(struct reader *r, const yaml_node_t *node, size_t max)
{
	struct slice text = slice_trim(reader_raw(node));
	size_t count;

	if (r->failed || node == NULL)
		return SLICE_NONE;
	if (node->type != YAML_SCALAR_NODE) {
		reader_fail(r, node, "a text is expected here, not a list or keys");
		return SLICE_NONE;
	}
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 && text.p[i] != '\n')
			reader_fail(r, node, "a control character in this text; remove it (a tab is one too)");
	count = text_characters(text);
	if (count == 0)
		reader_fail(r, node, "this text is empty; write it");
	else if (count > max)
		reader_fail(r, node, "this text has %zu characters, at most %zu are possible; shorten it", count, max);
	return slice_copy(r->arena, text);
}

int64_t reader_number(struct reader *r, const yaml_node_t *node, int64_t min, int64_t max)
{
	struct slice text = reader_raw(node);
	int64_t number = min;

	if (r->failed || node == NULL)
		return min;
	if (!slice_to_int64(text, &number) || number < min || number > max)
		reader_fail(
		    r, node, "a whole number from %lld to %lld is expected here", (long long)min, (long long)max);
	return number;
}
