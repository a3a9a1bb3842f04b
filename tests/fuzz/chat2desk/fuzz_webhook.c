/* fuzz_webhook.c - any bytes as a webhook: the verdict is stable, and what comes out keeps its promises. */
#include "base/buf.h"
#include "chat2desk/webhook.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_control(char c)
{
	return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f;
}

static void check_text(struct slice s, size_t max)
{
	must(s.n <= max && slice_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		must(!is_control(s.p[i]));
}

static void check_id(struct slice s)
{
	must(s.n > 0 && s.n <= C2D_ID_MAX);
	for (size_t i = 0; i < s.n; i++)
		must(s.p[i] > ' ' && s.p[i] <= '~');
}

static void check_message(const struct c2d_message *m)
{
	check_id(m->message_id);
	check_id(m->client_id);
	check_text(m->text, C2D_TEXT_MAX);
	check_text(m->coordinates, 255);
	check_text(m->transport, C2D_ID_MAX);
	check_text(m->client_phone, 255);
	check_text(m->client_name, 255);
	must(m->kind < KIND_COUNT && m->channel_id >= 0 && m->event_ms >= 0);
	must((m->kind == KIND_LOCATION) == (m->coordinates.n > 0));
}

static void check_same(const struct c2d_event *a, const struct c2d_event *b)
{
	must(a->is_message == b->is_message && a->ignored == b->ignored);
	must(slice_eq(a->message.message_id, b->message.message_id));
	must(slice_eq(a->message.client_id, b->message.client_id));
	must(slice_eq(a->message.text, b->message.text));
	must(slice_eq(a->message.coordinates, b->message.coordinates));
	must(a->message.kind == b->message.kind && a->message.event_ms == b->message.event_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice body = { (const char *)data, n };
	struct arena arena = { 0 };
	struct c2d_event first = { 0 }, second = { 0 };
	struct why why = { "" };
	enum err e = c2d_webhook_decode(body, &arena, &first, &why);

	must(e == ERR_OK || e == ERR_MALFORMED);
	must(c2d_webhook_decode(body, &arena, &second, NULL) == e);
	if (e == ERR_MALFORMED) {
		must(why.text[0] != '\0');
		check_text(slice_of(why.text), sizeof why.text);
	} else {
		check_same(&first, &second);
		if (first.is_message)
			check_message(&first.message);
	}
	arena_free(&arena);
	return 0;
}
