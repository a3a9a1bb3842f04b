/* job.c - jobs as Bull's tools show them and as we read them, edited or made by others as they may be. */
#include "store/shared/job.h"

#include "base/jdoc.h"

#include <inttypes.h>

/* ---- texts ---- */

static const struct slice replacement = SLICE("\xef\xbf\xbd"), nul_stands_for = SLICE("\xef\xb7\x90");

/* The bytes of the UTF-8 character at the beginning; 0: there is none. */
static size_t character(struct slice s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (slice_is_utf8((struct slice){ s.p, n }))
			return n;
	return 0;
}

/* Any bytes as a text that every reader of JSON takes. */
static void put_clean(struct buf *out, struct slice s)
{
	while (s.n > 0) {
		size_t n = character(s);

		if (n == 0 || slice_eq((struct slice){ s.p, n }, nul_stands_for))
			buf_slice(out, replacement);
		else if (*s.p == '\0')
			buf_slice(out, nul_stands_for);
		else
			buf_add(out, s.p, n);
		s.p += n > 0 ? n : 1;
		s.n -= n > 0 ? n : 1;
	}
}

static bool is_clean(struct slice s)
{
	return slice_is_utf8(s) && (s.n == 0 || (memchr(s.p, '\0', s.n) == NULL &&
						    memmem(s.p, s.n, nul_stands_for.p, nul_stands_for.n) == NULL));
}

static void put_text(struct buf *out, struct slice s)
{
	struct buf clean = { 0 };

	if (is_clean(s)) {
		buf_json(out, s);
		return;
	}
	put_clean(&clean, s);
	buf_json(out, buf_as_slice(&clean));
	buf_free(&clean);
}

static void put_member(struct buf *out, const char *name, struct slice value)
{
	buf_printf(out, ",\"%s\":", name);
	put_text(out, value);
}

static void put_member_if(struct buf *out, const char *name, struct slice value)
{
	if (value.n > 0)
		put_member(out, name, value);
}

static void put_number_if(struct buf *out, const char *name, int64_t value)
{
	if (value != 0)
		buf_printf(out, ",\"%s\":%" PRId64, name, value);
}

/* A copy in which NUL is NUL again. */
static struct slice copy_text(struct slice s, struct arena *a)
{
	char *copy = arena_copy(a, s.p != NULL ? s.p : "", s.n), *at;
	size_t n = s.n;

	while ((at = memmem(copy, n, nul_stands_for.p, nul_stands_for.n)) != NULL) {
		*at = '\0';
		memmove(at + 1, at + nul_stands_for.n, (size_t)(copy + n - at) - nul_stands_for.n);
		n -= nul_stands_for.n - 1;
	}
	return (struct slice){ copy, n };
}

static struct slice member_text(struct jdoc object, const char *name, struct arena *a)
{
	return copy_text(jdoc_string(jdoc_member(object, name)), a);
}

/* A text, or a number as others write ids. */
static struct slice member_id(struct jdoc object, const char *name, struct arena *a)
{
	struct jdoc member = jdoc_member(object, name);
	struct buf digits = { 0 };
	struct slice ret;

	if (jdoc_kind(member) == JDOC_STRING)
		return copy_text(jdoc_string(member), a);
	if (jdoc_kind(member) == JDOC_INTEGER)
		buf_int(&digits, jdoc_integer(member));
	else if (jdoc_kind(member) == JDOC_REAL)
		buf_printf(&digits, "%.0f", jdoc_number(member));
	ret = slice_copy(a, buf_as_slice(&digits));
	buf_free(&digits);
	return ret;
}

static int64_t member_number(struct jdoc object, const char *name)
{
	struct jdoc member = jdoc_member(object, name);
	double number = jdoc_number(member);

	if (jdoc_kind(member) != JDOC_REAL)
		return jdoc_integer(member);
	return number > -9e15 && number < 9e15 ? (int64_t)number : 0;
}

/* ---- messages ---- */

void job_put_message(struct buf *data, const struct store_message *m)
{
	buf_text(data, "{\"clientId\":");
	put_text(data, m->client_id);
	put_member(data, "messageText", m->text);
	put_member(data, "messageId", m->message_id);
	put_number_if(data, "timestamp", m->event_ms);
	put_member(data, "kind", slice_of(kind_name(m->kind)));
	put_member_if(data, "coordinates", m->coordinates);
	put_member_if(data, "transport", m->transport);
	put_member_if(data, "clientPhone", m->client_phone);
	put_number_if(data, "channelId", m->channel_id);
	buf_char(data, '}');
}

/* What is no kind of ours, as with a foreign job, is a text. */
static enum kind kind_of(struct slice name)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (slice_eq(name, slice_of(kind_name((enum kind)k))))
			return (enum kind)k;
	return KIND_TEXT;
}

static bool is_text_or_none(struct jdoc member)
{
	enum jdoc_kind kind = jdoc_kind(member);

	return kind == JDOC_STRING || kind == JDOC_ABSENT || kind == JDOC_NULL;
}

static bool read_message_data(struct slice data, struct arena *a, struct store_message *ret)
{
	struct jdoc root;
	bool ok = jdoc_parse(data, &root) && jdoc_kind(root) == JDOC_OBJECT &&
		  is_text_or_none(jdoc_member(root, "messageText"));

	if (ok)
		*ret = (struct store_message){
			.message_id = member_id(root, "messageId", a),
			.text = member_text(root, "messageText", a),
			.event_ms = member_number(root, "timestamp"),
			.kind = kind_of(jdoc_string(jdoc_member(root, "kind"))),
			.coordinates = member_text(root, "coordinates", a),
			.transport = member_text(root, "transport", a),
			.client_phone = member_text(root, "clientPhone", a),
			.channel_id = member_number(root, "channelId"),
		};
	jdoc_done();
	return ok;
}

struct slice job_message_id(struct slice job_id, struct slice otherwise)
{
	if (job_id.n > 2 && memcmp(job_id.p, "m-", 2) == 0)
		return (struct slice){ job_id.p + 2, job_id.n - 2 };
	return otherwise;
}

bool job_read_message(const struct job_hash *job, struct arena *a, struct store_message *ret)
{
	struct job_c c;

	if (!job_read_message_c(job->c, &c) || !read_message_data(job->data, a, ret))
		return false;
	ret->message_id = slice_copy(a, job_message_id(job->id, ret->message_id));
	ret->client_id = slice_copy(a, c.client_id);
	ret->arrived_ms = job->timestamp;
	ret->said_ms = c.said_ms;
	ret->late = slice_eq(job->f, SLICE("late"));
	ret->forced = slice_eq(job->f, SLICE("forced"));
	if (ret->forced)
		ret->event_ms = 0;
	return true;
}

/* ---- `c` ---- */

static bool next_number(struct slice *rest, int64_t *ret)
{
	const char *blank = rest->n > 0 ? memchr(rest->p, ' ', rest->n) : NULL;

	if (blank == NULL || !slice_to_int64((struct slice){ rest->p, (size_t)(blank - rest->p) }, ret))
		return false;
	rest->n -= (size_t)(blank + 1 - rest->p);
	rest->p = blank + 1;
	return true;
}

bool job_read_reply_c(struct slice c, struct job_c *ret)
{
	const char *blank;

	*ret = (struct job_c){ 0 };
	if (!next_number(&c, &ret->arrived_us) || (blank = memchr(c.p, ' ', c.n)) == NULL)
		return false;
	ret->owner = (struct slice){ c.p, (size_t)(blank - c.p) };
	ret->client_id = (struct slice){ blank + 1, c.n - ret->owner.n - 1 };
	return true;
}

bool job_read_message_c(struct slice c, struct job_c *ret)
{
	int64_t said_ms;

	*ret = (struct job_c){ 0 };
	if (!next_number(&c, &said_ms) || !job_read_reply_c(c, ret))
		return false;
	ret->said_ms = said_ms;
	return true;
}

int64_t job_arrived_us(const struct shared *s, const struct job_c *c)
{
	return slice_eq(c->owner, slice_of(s->owner)) ? c->arrived_us : 0;
}

/* ---- replies ---- */

void job_put_reply(struct buf *data, const struct job_reply *r)
{
	buf_text(data, "{\"clientId\":");
	put_text(data, r->client_id);
	put_member(data, "text", r->text);
	buf_printf(data, ",\"createdAt\":%" PRId64 ",\"attempts\":0", r->created_ms);
	put_number_if(data, "channelId", r->channel_id);
	put_member_if(data, "transport", r->transport);
	put_member_if(data, "question", r->question);
	put_member_if(data, "dialogId", r->dialog_id);
	put_member_if(data, "messageId", r->message_id);
	buf_char(data, '}');
}

void job_put_reply_c(const struct shared *s, struct buf *c, int64_t arrived_us, struct slice client_id)
{
	buf_printf(c, "%" PRId64 " %s ", arrived_us, s->owner);
	buf_slice(c, client_id);
}

static bool read_reply(struct slice json, bool whole, struct arena *a, struct job_reply *ret)
{
	struct jdoc root;
	bool ok = jdoc_parse(json, &root) && jdoc_kind(root) == JDOC_OBJECT &&
		  (!whole || jdoc_kind(jdoc_member(root, "text")) == JDOC_STRING);

	if (ok)
		*ret = (struct job_reply){
			.client_id = member_id(root, "clientId", a),
			.text = member_text(root, "text", a),
			.question = member_text(root, "question", a),
			.dialog_id = member_text(root, "dialogId", a),
			.message_id = member_id(root, "messageId", a),
			.transport = member_text(root, "transport", a),
			.channel_id = member_number(root, "channelId"),
			.created_ms = member_number(root, "createdAt"),
			.arrived_us = member_number(root, "arrived"),
		};
	jdoc_done();
	return ok;
}

bool job_read_reply(struct slice data, struct arena *a, struct job_reply *ret)
{
	return read_reply(data, true, a, ret);
}

void job_put_reply_meta(struct buf *meta, const struct job_reply *r)
{
	buf_text(meta, "{\"messageId\":");
	put_text(meta, r->message_id);
	put_member_if(meta, "transport", r->transport);
	put_number_if(meta, "channelId", r->channel_id);
	put_number_if(meta, "arrived", r->arrived_us);
	buf_char(meta, '}');
}

bool job_read_reply_meta(struct slice meta, struct arena *a, struct job_reply *ret)
{
	return read_reply(meta, false, a, ret);
}

void job_put_numbered(struct buf *out, struct slice text, int64_t number)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == STORE_ORDER_MARK && number != 0)
			buf_int(out, number);
		else
			buf_char(out, text.p[i]);
	}
}
