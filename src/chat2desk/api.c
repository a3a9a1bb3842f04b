/* api.c - the body of POST /v1/messages, and the judge of every answer. */
#include "chat2desk/api.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

static void drop_prefix(struct slice *s, struct slice prefix)
{
	if (s->n >= prefix.n && strncasecmp(s->p, prefix.p, prefix.n) == 0)
		*s = slice_trim((struct slice){ s->p + prefix.n, s->n - prefix.n });
}

struct slice c2d_token(const char *setting)
{
	struct slice token = slice_trim(slice_of(setting));

	drop_prefix(&token, SLICE("Authorization:"));
	drop_prefix(&token, SLICE("Bearer "));
	return token;
}

/* "007" is a name, not the number 7: only what prints the same goes out as a number. */
static bool is_plain_number(struct slice s)
{
	char text[24];
	int64_t value;
	int n;

	if (!slice_to_int64(s, &value))
		return false;
	n = snprintf(text, sizeof text, "%lld", (long long)value);
	return slice_eq(s, (struct slice){ text, (size_t)n });
}

void c2d_message_body(struct buf *out, const struct c2d_outgoing *message)
{
	buf_text(out, "{\"client_id\":");
	if (is_plain_number(message->client_id))
		buf_slice(out, message->client_id);
	else
		buf_json(out, message->client_id);
	buf_text(out, ",\"text\":");
	buf_json(out, message->text);
	buf_text(out, ",\"type\":");
	buf_json(out, slice_of(message->type));
	if (message->transport.n > 0) {
		buf_text(out, ",\"transport\":");
		buf_json(out, message->transport);
	}
	if (message->channel_id != 0) {
		buf_text(out, ",\"channel_id\":");
		buf_int(out, message->channel_id);
	}
	buf_text(out, ",\"external_id\":");
	buf_json(out, message->external_id);
	buf_char(out, '}');
}

/* An answer as far as it matters: what the envelope says, and the texts that name a failure. */
struct answer {
	bool is_json;
	bool success, error; /* the envelope says so */
	bool has_errors;     /* validation: "errors" names fields */
	int64_t message_id;
	char said[160]; /* their message; cut, one line */
	char key[32];   /* the first field that "errors" names; empty without, or when it is no plain name */
};

static void say(struct answer *a, const char *text)
{
	size_t n = strlen(a->said), room = sizeof a->said - 1;

	if (text == NULL || *text == '\0')
		return;
	if (n > 0 && n + 2 < room) {
		memcpy(a->said + n, "; ", 3);
		n += 2;
	}
	for (; *text != '\0' && n < room; text++)
		a->said[n++] = iscntrl((unsigned char)*text) ? ' ' : *text;
	while (*text != '\0' && n > 0 && ((unsigned char)a->said[n - 1] & 0xC0) == 0x80)
		n--; /* cut inside a character: drop what is there of it, its first byte too */
	if (*text != '\0' && n > 0 && ((unsigned char)a->said[n - 1] & 0x80) != 0)
		n--;
	a->said[n] = '\0';
}

static bool is_error(const json_t *object)
{
	const char *status = json_string_value(json_object_get(object, "status"));

	return status != NULL && strcmp(status, "error") == 0;
}

static void read_id(const json_t *id, struct answer *a)
{
	if (json_is_integer(id))
		a->message_id = json_integer_value(id);
	else if (json_is_string(id))
		(void)slice_to_int64((struct slice){ json_string_value(id), json_string_length(id) }, &a->message_id);
}

/* Only letters and underscores: nothing that could be a customer's text or phone. */
static void keep_key(struct answer *a, const char *field)
{
	size_t n = strlen(field);

	if (a->key[0] != '\0' || n >= sizeof a->key)
		return;
	for (size_t i = 0; i < n; i++)
		if (!isalpha((unsigned char)field[i]) && field[i] != '_')
			return;
	memcpy(a->key, field, n + 1);
}

/* "errors" is an object of arrays of texts; the first text of each field is repeated, no more. */
static void read_errors(json_t *errors, struct answer *a)
{
	const char *field;
	json_t *texts;

	a->has_errors = json_object_size(errors) > 0 || json_array_size(errors) > 0;
	json_object_foreach (errors, field, texts) {
		const char *first = json_string_value(json_is_array(texts) ? json_array_get(texts, 0) : texts);

		keep_key(a, field);
		say(a, field);
		say(a, first);
	}
}

static void read_envelope(json_t *root, struct answer *a)
{
	json_t *data = json_object_get(root, "data"), *error = json_object_get(root, "error");
	const char *status = json_string_value(json_object_get(root, "status"));

	a->is_json = true;
	a->success = status != NULL && strcmp(status, "success") == 0;
	a->error = is_error(root) || is_error(data) || (!a->success && error != NULL && !json_is_null(error));
	a->success = a->success && !a->error;
	if (!a->error)
		read_id(json_object_get(data, "message_id"), a);
	say(a, json_string_value(json_object_get(root, "message")));
	say(a, json_string_value(json_object_get(data, "message")));
	say(a, json_string_value(error));
	read_errors(json_object_get(root, "errors"), a);
}

static void read_answer(struct slice body, struct answer *a)
{
	json_t *root = json_loadb(body.p != NULL ? body.p : "", body.n, 0, NULL);

	*a = (struct answer){ 0 };
	if (json_is_object(root))
		read_envelope(root, a);
	json_decref(root);
}

/* Texts that say what happened whatever the HTTP code is; older installations send them with 200. */
static const struct {
	const char *text;
	enum c2d_verdict verdict;
	const char *reason;
} known_texts[] = {
	{ "exceeded API limit per month", C2D_QUOTA, "the month's quota of API calls is used up" },
	{ "Number of API requests exceeded", C2D_LIMITED, "too many API calls" },
	{ "You need to auth", C2D_TOKEN, "the API token is refused: check CHAT2DESK_API_TOKEN" },
	{ "specify your token", C2D_TOKEN, "the API token is refused: check CHAT2DESK_API_TOKEN" },
	{ "Page not found", C2D_MAYBE_AWAY, "no such path: check CHAT2DESK_API_URL" },
};

static bool contains(struct slice text, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= text.n; i++)
		if (strncasecmp(text.p + i, part, n) == 0)
			return true;
	return false;
}

/* Looks in their messages where there is an envelope, else in the first of the body. */
static bool judge_text(const struct answer *a, struct slice body, struct c2d_judgement *ret)
{
	enum { LOOKED_AT = 4096 };
	struct slice where = a->is_json ? slice_of(a->said) : body;

	if (where.n > LOOKED_AT)
		where.n = LOOKED_AT;
	for (size_t i = 0; i < COUNT_OF(known_texts); i++) {
		if (!contains(where, known_texts[i].text))
			continue;
		ret->verdict = known_texts[i].verdict;
		snprintf(ret->cause, sizeof ret->cause, "%s", known_texts[i].reason);
		return true;
	}
	return false;
}

static bool is_good(int status)
{
	return status >= 200 && status < 300;
}

static enum c2d_verdict verdict_of_code(int status, const struct answer *a)
{
	switch (status) {
	case 401:
	case 403:
		return C2D_TOKEN;
	case 429:
		return C2D_LIMITED;
	case 402: /* payment, method, proxy, time-out, too early: not about this message */
	case 405:
	case 407:
	case 408:
	case 425:
		return C2D_MAYBE_AWAY;
	case 404: /* with an envelope it is about the client, without one about the path */
		return a->error ? C2D_REJECTED : C2D_MAYBE_AWAY;
	default:
		break;
	}
	if (is_good(status))
		return a->has_errors ? C2D_REJECTED : C2D_RETRY;
	return status >= 400 && status < 500 ? C2D_REJECTED : C2D_MAYBE_AWAY;
}

static void judge_failure(const struct transfer_result *result, const struct answer *a, struct c2d_judgement *ret)
{
	ret->verdict = verdict_of_code(result->status, a);
	ret->maybe_sent = result->status >= 500;
	snprintf(ret->cause, sizeof ret->cause, "Chat2Desk answered %d%s%s", result->status,
	    a->key[0] != '\0' ? ": " : "", a->key);
	if (a->said[0] != '\0')
		snprintf(ret->reason, sizeof ret->reason, "Chat2Desk answered %d: %s", result->status, a->said);
}

/* A proxy's page, or another program at that address: whether the message reached Chat2Desk, nobody can know. */
static void judge_stranger(const struct transfer_result *result, struct c2d_judgement *ret)
{
	ret->verdict = C2D_MAYBE_AWAY;
	ret->maybe_sent = true;
	snprintf(ret->cause, sizeof ret->cause, "answered %d without Chat2Desk's envelope: check CHAT2DESK_API_URL",
	    result->status);
}

static void judge_answer(const struct transfer_result *result, struct c2d_judgement *ret)
{
	struct answer a;

	read_answer(result->body, &a);
	if (is_good(result->status) && a.success) {
		ret->verdict = C2D_ACCEPTED;
		ret->message_id = a.message_id;
		return;
	}
	if (!judge_text(&a, result->body, ret)) {
		if (is_good(result->status) && !a.error)
			judge_stranger(result, ret);
		else
			judge_failure(result, &a, ret);
	}
	if (ret->verdict == C2D_LIMITED || ret->verdict == C2D_QUOTA)
		ret->pause_ms = result->retry_after_s * 1000;
}

static void judge_silence(const struct transfer_result *result, struct c2d_judgement *ret)
{
	ret->maybe_sent = result->end == TRANSFER_MAYBE_SENT;
	ret->verdict = ret->maybe_sent ? C2D_MAYBE_AWAY : C2D_AWAY;
	snprintf(ret->cause, sizeof ret->cause, "%s: %.150s", result->timed_out ? "no answer in time" : "no answer",
	    result->error);
}

void c2d_judge(const struct transfer_result *result, struct c2d_judgement *ret)
{
	*ret = (struct c2d_judgement){ 0 };
	if (result->end == TRANSFER_ANSWERED)
		judge_answer(result, ret);
	else
		judge_silence(result, ret);
	if (ret->reason[0] == '\0')
		memcpy(ret->reason, ret->cause, sizeof ret->reason);
}
