/* api.c - the body of POST /v1/messages, and the judge of every answer. */
#include "chat2desk/api.h"

#include "base/jdoc.h"

#include <ctype.h>
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

static void say(struct answer *a, struct slice text)
{
	size_t n = strlen(a->said), room = sizeof a->said - 1, i = 0;

	if (text.n == 0)
		return;
	if (n > 0 && n + 2 < room) {
		memcpy(a->said + n, "; ", 3);
		n += 2;
	}
	for (; i < text.n && n < room; i++)
		a->said[n++] = iscntrl((unsigned char)text.p[i]) ? ' ' : text.p[i];
	while (i < text.n && n > 0 && ((unsigned char)a->said[n - 1] & 0xC0) == 0x80)
		n--; /* cut inside a character: drop what is there of it, its first byte too */
	if (i < text.n && n > 0 && ((unsigned char)a->said[n - 1] & 0x80) != 0)
		n--;
	a->said[n] = '\0';
}

static struct slice text_in(struct jdoc object, const char *name)
{
	return jdoc_string(jdoc_member(object, name));
}

static bool is_error(struct jdoc object)
{
	return slice_eq(text_in(object, "status"), SLICE("error"));
}

static void read_id(struct jdoc id, struct answer *a)
{
	a->message_id = jdoc_integer(id);
	(void)slice_to_int64(jdoc_string(id), &a->message_id);
}

/* Only letters and underscores: nothing that could be a customer's text or phone. */
static void keep_key(struct answer *a, struct slice field)
{
	if (a->key[0] != '\0' || field.n >= sizeof a->key)
		return;
	for (size_t i = 0; i < field.n; i++)
		if (!isalpha((unsigned char)field.p[i]) && field.p[i] != '_')
			return;
	(void)slice_to_buffer(field, a->key, sizeof a->key);
}

/* "errors" is an object of arrays of texts; the first text of each field is repeated, no more. */
static void read_errors(struct jdoc errors, struct answer *a)
{
	struct jdoc texts = JDOC_NONE;

	a->has_errors = jdoc_size(errors) > 0;
	if (jdoc_kind(errors) == JDOC_OBJECT)
		texts = jdoc_first(errors);
	for (; texts.document != NULL; texts = jdoc_next(errors, texts)) {
		struct slice field = jdoc_name(texts);

		keep_key(a, field);
		say(a, field);
		say(a, jdoc_string(jdoc_kind(texts) == JDOC_ARRAY ? jdoc_first(texts) : texts));
	}
}

static void read_envelope(struct jdoc root, struct answer *a)
{
	struct jdoc data = jdoc_member(root, "data"), error = jdoc_member(root, "error");

	a->is_json = true;
	a->success = slice_eq(text_in(root, "status"), SLICE("success"));
	a->error = is_error(root) || is_error(data) || (!a->success && jdoc_kind(error) > JDOC_NULL);
	a->success = a->success && !a->error;
	if (!a->error)
		read_id(jdoc_member(data, "message_id"), a);
	say(a, text_in(root, "message"));
	say(a, text_in(data, "message"));
	say(a, jdoc_string(error));
	read_errors(jdoc_member(root, "errors"), a);
}

static void read_answer(struct slice body, struct answer *a)
{
	struct jdoc root = JDOC_NONE;

	*a = (struct answer){ 0 };
	if (jdoc_parse(body, &root) && jdoc_kind(root) == JDOC_OBJECT)
		read_envelope(root, a);
	jdoc_done();
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
