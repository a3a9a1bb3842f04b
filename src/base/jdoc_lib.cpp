/* jdoc_lib.cpp - simdjson's parser, and its tape read as C wants it.
 *
 * The tape is simdjson's documented form of a parsed text (its doc/tape.md): 64-bit words in the text's order,
 * the kind in the highest byte, a payload below. Word 0 is no value, word 1 the root. Numbers take two words.
 * A container's payload holds in its low 32 bits the word behind its end, above them the number of its
 * items; the members of an object are a string word, the name, and then their value. A string's payload is its
 * place among the texts: 32 bits of length, the bytes, a NUL. */
#include "base/jdoc.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <simdjson.h>

namespace
{

constexpr size_t ROOT = 1;
constexpr size_t LEAST_CAPACITY = 4096;
constexpr size_t LENGTH_MAX = UINT32_C(1) << 30; /* simdjson's own limit is 4 GiB, of what is allocated too */

struct reader {
	simdjson::dom::parser parser;
	simdjson::dom::document document;
	size_t capacity = 0; /* bytes of text that both have room for */
};

thread_local reader own;

using words = const uint64_t *;

char type_of(uint64_t word)
{
	return static_cast<char>(word >> 56);
}

size_t payload_of(uint64_t word)
{
	return word & UINT64_C(0x00ffffffffffffff);
}

bool is_container(uint64_t word)
{
	return type_of(word) == '{' || type_of(word) == '[';
}

size_t end_of(uint64_t container)
{
	return container & UINT64_C(0xffffffff);
}

size_t behind(words tape, size_t at)
{
	switch (type_of(tape[at])) {
	case '{':
	case '[':
		return end_of(tape[at]);
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

struct slice text_at(const simdjson::dom::document &document, uint64_t word)
{
	const uint8_t *text = document.string_buf.get() + payload_of(word);
	uint32_t n;

	std::memcpy(&n, text, sizeof n);
	return { reinterpret_cast<const char *>(text + sizeof n), n };
}

const simdjson::dom::document &document_of(jdoc value)
{
	return *static_cast<const simdjson::dom::document *>(value.document);
}

uint64_t word_of(jdoc value)
{
	return value.document != nullptr ? document_of(value).tape[value.at] : 0;
}

/* Room for a text of n bytes; without memory the process can keep no promise. */
void make_room(size_t n)
{
	size_t capacity = LEAST_CAPACITY;

	if (n <= own.capacity)
		return;
	while (capacity < n)
		capacity *= 2;
	own = reader();
	if (own.document.allocate(capacity) != simdjson::SUCCESS ||
	    own.parser.allocate(capacity, JDOC_DEPTH_MAX + 1) != simdjson::SUCCESS)
		std::abort();
	own.capacity = capacity;
}

/* What simdjson accepts and this reader does not: see the header. */
bool is_acceptable(const simdjson::dom::document &document)
{
	words tape = document.tape.get();
	size_t depth = 0, end = end_of(tape[ROOT]);

	for (size_t at = ROOT; at < end; at++) {
		struct slice text;

		switch (type_of(tape[at])) {
		case '{':
		case '[':
			if (++depth > JDOC_DEPTH_MAX)
				return false;
			continue;
		case '}':
		case ']':
			depth--;
			continue;
		case '"':
			text = text_at(document, tape[at]);
			if (std::memchr(text.p, '\0', text.n) != nullptr)
				return false;
			break;
		case 'u':
			return false;
		case 'l':
		case 'd':
			at++;
			break;
		default:
			break;
		}
		if (depth == JDOC_DEPTH_MAX)
			return false;
	}
	return true;
}

jdoc value_at(const void *document, size_t at)
{
	return { document, at };
}

jdoc none()
{
	return { nullptr, 0 };
}

/* The item whose words start at at, where none is left when the container's end is there. */
jdoc item_at(jdoc container, size_t at)
{
	uint64_t word = word_of(container);

	if (at >= end_of(word) - 1)
		return none();
	return value_at(container.document, type_of(word) == '{' ? at + 1 : at);
}

} // namespace

bool jdoc_parse(struct slice text, struct jdoc *root)
{
	simdjson::error_code error;

	if (text.n == 0 || text.n > LENGTH_MAX || text.p[0] == '\xef') /* later versions skip a byte order mark */
		return false;
	make_room(text.n);
	error = own.parser.parse_into_document(own.document, text.p, text.n).error();
	if (error == simdjson::MEMALLOC)
		std::abort();
	if (error != simdjson::SUCCESS || !is_container(own.document.tape[ROOT]) || !is_acceptable(own.document))
		return false;
	*root = value_at(&own.document, ROOT);
	return true;
}

void jdoc_done()
{
	if (own.capacity > JDOC_KEPT)
		own = reader();
}

enum jdoc_kind jdoc_kind(struct jdoc value)
{
	switch (type_of(word_of(value))) {
	case 'n':
		return JDOC_NULL;
	case 't':
	case 'f':
		return JDOC_BOOL;
	case 'l':
		return JDOC_INTEGER;
	case 'd':
		return JDOC_REAL;
	case '"':
		return JDOC_STRING;
	case '[':
		return JDOC_ARRAY;
	case '{':
		return JDOC_OBJECT;
	default:
		return JDOC_ABSENT;
	}
}

struct slice jdoc_string(struct jdoc value)
{
	uint64_t word = word_of(value);

	return type_of(word) == '"' ? text_at(document_of(value), word) : slice{ nullptr, 0 };
}

int64_t jdoc_integer(struct jdoc value)
{
	return type_of(word_of(value)) == 'l' ? static_cast<int64_t>(document_of(value).tape[value.at + 1]) : 0;
}

double jdoc_number(struct jdoc value)
{
	double number;

	if (type_of(word_of(value)) != 'd')
		return static_cast<double>(jdoc_integer(value));
	std::memcpy(&number, &document_of(value).tape[value.at + 1], sizeof number);
	return number;
}

bool jdoc_is_true(struct jdoc value)
{
	return type_of(word_of(value)) == 't';
}

size_t jdoc_size(struct jdoc array_or_object)
{
	uint64_t word = word_of(array_or_object);

	return is_container(word) ? payload_of(word) >> 32 : 0;
}

struct jdoc jdoc_member(struct jdoc object, const char *name)
{
	struct jdoc found = none();
	uint64_t word = word_of(object);
	size_t n = std::strlen(name);

	if (type_of(word) != '{')
		return found;
	const simdjson::dom::document &document = document_of(object);
	words tape = document.tape.get();

	for (size_t at = object.at + 1; at < end_of(word) - 1; at = behind(tape, at + 1)) {
		struct slice text = text_at(document, tape[at]);

		if (text.n == n && std::memcmp(text.p, name, n) == 0)
			found = value_at(&document, at + 1);
	}
	return found;
}

struct jdoc jdoc_first(struct jdoc array_or_object)
{
	return is_container(word_of(array_or_object)) ? item_at(array_or_object, array_or_object.at + 1) : none();
}

struct jdoc jdoc_next(struct jdoc array_or_object, struct jdoc item)
{
	return item.document != nullptr ? item_at(array_or_object, behind(document_of(item).tape.get(), item.at))
					: none();
}

struct slice jdoc_name(struct jdoc member)
{
	return text_at(document_of(member), document_of(member).tape[member.at - 1]);
}

void jdoc_library_version(char text[JDOC_VERSION_SIZE])
{
	(void)std::snprintf(text, JDOC_VERSION_SIZE, "%d.%d.%d", simdjson::SIMDJSON_VERSION_MAJOR,
	    simdjson::SIMDJSON_VERSION_MINOR, simdjson::SIMDJSON_VERSION_REVISION);
}
