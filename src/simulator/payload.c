/* payload.c - the vendor's fields in the vendor's order. */
#include "simulator/payload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void sim_message_stamp(struct sim_message *m)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(m->event_time, sizeof m->event_time, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(m->event_time + n, sizeof m->event_time - n, ".%06ldZ", now.tv_nsec / 1000);
	m->event_s = now.tv_sec;
}

static json_t *number_or_null(int64_t n)
{
	return n != 0 ? json_integer(n) : json_null();
}

/* The vendor's "phone" may be an address; where it is, the real number stands apart. */
static const char *client_phone(const struct sim_customer *c)
{
	return c->phone != NULL && strcmp(c->phone, c->address) != 0 ? c->phone : NULL;
}

static json_t *client(const struct sim_customer *c)
{
	return json_pack("{s:I,s:s,s:s?,s:s,s:n,s:n}", "id", (json_int_t)c->id, "phone", c->address, "client_phone",
	    client_phone(c), "name", c->name, "assigned_name", "external_id");
}

static json_t *attachments(const struct sim_message *m)
{
	if (m->video == NULL)
		return json_array();
	return json_pack("[{s:s,s:{s:s}}]", "content_type", "video/mp4", "file", "url", m->video);
}

/* The vendor's examples carry no "video"; it is there only when there is one. */
static void add_video(json_t *json, const struct sim_message *m)
{
	if (m->video != NULL)
		(void)json_object_set_new(json, "video", json_string(m->video));
}

json_t *sim_payload_message(const struct sim_message *m, const struct sim_customer *c, const char *hook_type)
{
	bool by_client = strcmp(hook_type, "inbox") == 0;
	json_t *json = json_pack(
	    "{s:I,s:s,s:s?,s:s,s:I,s:o,s:o,s:I,s:s?,s:s?,s:s?,s:s?,s:o,s:s,s:I,s:o,s:b,s:b,s:b,s:{},"
	    "s:b,s:s}",
	    "message_id", (json_int_t)m->id, "type", m->type, "text", m->text, "transport", m->transport, "client_id",
	    (json_int_t)c->id, "operator_id", number_or_null(m->operator_id), "dialog_id",
	    number_or_null(m->first ? 0 : c->dialog_id), "channel_id", (json_int_t)m->channel_id, "photo", m->photo,
	    "coordinates", m->coordinates, "audio", m->audio, "pdf", m->pdf, "client", client(c), "hook_type",
	    hook_type, "request_id", (json_int_t)c->request_id, "attachments", attachments(m), "is_new_request",
	    m->first, "is_new_client", m->first, "insta_comment", 0, "extra_data", "is_new", by_client, "event_time",
	    m->event_time);

	add_video(json, m);
	return json;
}

json_t *sim_payload_new_client(const struct sim_customer *c, const char *event_time)
{
	return json_pack("{s:s,s:I,s:s,s:s?,s:s,s:n,s:n,s:n,s:[{s:I,s:[s]}],s:s}", "hook_type", "new_client", "id",
	    (json_int_t)c->id, "phone", c->address, "client_phone", client_phone(c), "name", c->name, "assigned_name",
	    "email", "avatar", "channels", "id", (json_int_t)c->channel_id, "transports", c->transport, "event_time",
	    event_time);
}

json_t *sim_payload_new_request(const struct sim_customer *c, const char *event_time)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:b}", "hook_type", "new_request", "event_time", event_time,
	    "request_id", (json_int_t)c->request_id, "client_id", (json_int_t)c->id, "dialog_id",
	    (json_int_t)c->dialog_id, "channel_id", (json_int_t)c->channel_id, "transport", c->transport, "type",
	    "common", "by_client", 1);
}

/* 2026-07-10T17:57:56 UTC, the REST form of a time. */
static json_t *rest_time(const char *event_time)
{
	return json_sprintf("%.19s UTC", event_time);
}

json_t *sim_payload_rest_message(const struct sim_message *m, const struct sim_customer *c)
{
	json_t *json = json_pack("{s:I,s:I,s:I,s:I,s:o,s:s?,s:s,s:o,s:s,s:i,s:o,s:s?,s:s?,s:s?,s:s?}", "id",
	    (json_int_t)m->id, "dialog_id", (json_int_t)c->dialog_id, "request_id", (json_int_t)c->request_id,
	    "client_id", (json_int_t)c->id, "operator_id", number_or_null(m->operator_id), "text", m->text, "type",
	    m->type, "created", rest_time(m->event_time), "transport", m->transport, "read", 1, "attachments",
	    attachments(m), "photo", m->photo, "audio", m->audio, "pdf", m->pdf, "coordinates", m->coordinates);

	add_video(json, m);
	return json;
}

json_t *sim_payload_rest_client(const struct sim_customer *c)
{
	return json_pack("{s:I,s:s,s:n,s:s,s:s?,s:n,s:n,s:{},s:n,s:[],s:[{s:I,s:[s]}]}", "id", (json_int_t)c->id,
	    "name", c->name, "assigned_name", "phone", c->address, "client_phone", client_phone(c), "avatar", "comment",
	    "custom_fields", "external_id", "tags", "channels", "id", (json_int_t)c->channel_id, "transports",
	    c->transport);
}
