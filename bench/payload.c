/* payload.c - one format, filled in. */
#include "payload.h"

#include "base/clock.h"
#include "chat2desk/signature.h"
#include "wire.h"

#include <stdio.h>

static struct c2d_keys keys;

void payload_sign_with(const char *token)
{
	c2d_keys_make(&keys, token, NULL);
}

static const char *time_text(int64_t now_ms)
{
	static char text[CLOCK_TEXT_SIZE];
	static int64_t rendered;

	if (rendered != now_ms)
		clock_format(rendered = now_ms, text);
	return text;
}

static int make_body(char *out, size_t size, unsigned client, const char *text, int64_t now_ms)
{
	static long long message_id;

	if (message_id == 0)
		message_id = now_ms * 1000;
	return snprintf(out, size,
	    "{\"message_id\":%lld,\"type\":\"from_client\",\"text\":\"%s\",\"transport\":\"widget\",\"client_id\":%u,"
	    "\"operator_id\":null,\"dialog_id\":942,\"channel_id\":1,\"photo\":null,\"coordinates\":null,\"audio\":null,"
	    "\"pdf\":null,\"client\":{\"id\":%u,\"phone\":\"[chat] 1d0bb2e221762cfcc05c\",\"client_phone\":null,"
	    "\"name\":\"[chat] 1d0bb2e221762cfcc05c\",\"assigned_name\":null,\"external_id\":null},"
	    "\"hook_type\":\"inbox\",\"request_id\":5357,\"attachments\":[],\"is_new_request\":false,"
	    "\"is_new_client\":false,\"insta_comment\":false,\"extra_data\":{},\"is_new\":true,\"event_time\":\"%s\"}",
	    ++message_id, text, PAYLOAD_CLIENT_BASE + client, PAYLOAD_CLIENT_BASE + client, time_text(now_ms));
}

static void sign(char *out, size_t size, struct slice body, int64_t now_ms)
{
	char signature[C2D_SIGNATURE_SIZE], seconds[24];

	out[0] = '\0';
	if (keys.n == 0)
		return;
	snprintf(seconds, sizeof seconds, "%lld", (long long)(now_ms / 1000));
	c2d_signature_make(&keys, body, slice_of(seconds), signature);
	snprintf(out, size, "X-Timestamp: %s\r\nX-Signature: %s\r\n", seconds, signature);
}

size_t payload_make(char *out, unsigned client, const char *text)
{
	char body[PAYLOAD_SIZE], signature[160];
	int64_t now_ms = clock_wall_ms();
	int n = make_body(body, sizeof body, client, text, now_ms), size;

	sign(signature, sizeof signature, (struct slice){ body, (size_t)n }, now_ms);
	size = snprintf(out, PAYLOAD_SIZE,
	    "POST /webhook/chat2desk HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	    "%sContent-Length: %d\r\n\r\n%s",
	    signature, n, body);
	if (size <= 0 || size >= PAYLOAD_SIZE)
		wire_die("a payload is too large");
	return (size_t)size;
}
