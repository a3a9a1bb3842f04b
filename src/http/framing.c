/* framing.c - the headers that say where the body ends. */
#include "http/framing.h"

#include "base/slice.h"

#include <string.h>
#include <strings.h>

struct headers {
	struct slice length; /* p == NULL: not declared */
	bool chunked, contradicts, unknown_coding, expects_continue;
};

static bool is(const char *name, size_t n, const char *wanted)
{
	return n == strlen(wanted) && strcasecmp(name, wanted) == 0;
}

static enum MHD_Result look_at_header(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	struct headers *h = context;
	struct slice v = { value, value_n };

	(void)kind;
	if (is(name, name_n, "Content-Length")) {
		h->contradicts |= h->length.p != NULL && !slice_eq(h->length, v);
		h->length = v;
	} else if (is(name, name_n, "Transfer-Encoding")) {
		h->unknown_coding |= h->chunked || !is(v.p, v.n, "chunked");
		h->chunked = true;
	} else if (is(name, name_n, "Expect")) {
		h->expects_continue = true;
	}
	return MHD_YES;
}

enum framing_fault framing_read(struct MHD_Connection *connection, size_t body_max, struct framing *ret)
{
	struct headers h = { 0 };
	int64_t length = 0;

	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at_header, &h);
	if (h.contradicts || (h.chunked && h.length.p != NULL))
		return FRAMING_CONTRADICTS;
	if (h.unknown_coding)
		return FRAMING_UNKNOWN_CODING;
	if (h.length.p != NULL && !slice_to_int64(h.length, &length))
		return FRAMING_TOO_LARGE;
	if (length < 0 || (size_t)length > body_max)
		return FRAMING_TOO_LARGE;
	*ret = (struct framing){ .length = h.chunked ? -1 : length, .expects_continue = h.expects_continue };
	return FRAMING_SOUND;
}
