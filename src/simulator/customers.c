/* customers.c - a list ordered by id, kept as one JSON line a customer. */
#include "simulator/customers.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_MAX = 200 };

static const struct transport {
	const char *name;
	int64_t channel_id;
	const char *prefix; /* before what stands for the phone */
} transports[] = {
	{ "telegram", 17, "[tg] " },
	{ "whatsapp", 21, "" },
	{ "wa_dialog", 22, "" },
	{ "viber", 33, "[vb] " },
	{ "widget", 1, "[chat] " },
	{ "vk", 41, "[vk] " },
	{ "facebook", 42, "[fb] " },
	{ "sms", 51, "" },
	{ "external", 61, "[ext] " },
};

static const struct transport *transport_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(transports); i++)
		if (strcmp(transports[i].name, name) == 0)
			return &transports[i];
	return NULL;
}

int64_t sim_transport_channel(const char *transport)
{
	const struct transport *t = transport_find(transport);

	return t != NULL ? t->channel_id : 0;
}

json_t *sim_customer_json(const struct sim_customer *c)
{
	return json_pack("{s:I,s:s,s:s,s:s?,s:s,s:I,s:I,s:I}", "id", (json_int_t)c->id, "name", c->name, "transport",
	    c->transport, "phone", c->phone, "address", c->address, "channel_id", (json_int_t)c->channel_id,
	    "dialog_id", (json_int_t)c->dialog_id, "request_id", (json_int_t)c->request_id);
}

static void list_add(struct sim_customers *customers, struct sim_customer *c)
{
	if (customers->n == customers->size) {
		customers->size = customers->size > 0 ? 2 * customers->size : 16;
		customers->list = mem_grow(customers->list, customers->size * sizeof(struct sim_customer *));
	}
	customers->list[customers->n++] = c;
}

static char *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? mem_text(text) : NULL;
}

/* One kept line. Those torn by a crash, and empty ones, are skipped. */
static void restore(struct sim_customers *customers, const char *line)
{
	json_t *json = json_loads(line, 0, NULL);
	json_int_t id, dialog, request, channel;
	const char *name, *transport, *address, *phone;
	struct sim_customer *c;
	bool good = json != NULL && json_unpack(json, "{s:I,s:s,s:s,s:s,s:I,s:I,s:I}", "id", &id, "name", &name,
					"transport", &transport, "address", &address, "channel_id", &channel,
					"dialog_id", &dialog, "request_id", &request) == 0;

	if (good) {
		phone = json_string_value(json_object_get(json, "phone"));
		c = mem_alloc(sizeof *c);
		*c = (struct sim_customer){ .id = id,
			.dialog_id = dialog,
			.request_id = request,
			.channel_id = channel,
			.name = mem_text(name),
			.transport = mem_text(transport),
			.phone = text_or_null(phone),
			.address = mem_text(address),
			.has_written = true };
		list_add(customers, c);
	}
	json_decref(json);
}

static void restore_all(struct sim_customers *customers, FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	while (customers->n < SIM_CUSTOMERS_MAX && getline(&line, &size, file) > 0)
		restore(customers, line);
	free(line);
}

enum err sim_customers_open(struct sim_customers *customers, const char *folder, struct why *why)
{
	struct buf path = { 0 };
	FILE *old;

	*customers = (struct sim_customers){ .file = -1 };
	if (folder == NULL)
		return ERR_OK;
	buf_printf(&path, "%s/customers.jsonl", folder);
	old = fopen(path.p, "re");
	if (old != NULL) {
		restore_all(customers, old);
		(void)fclose(old);
	}
	customers->file = open(path.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (customers->file < 0)
		why_set(why, "The simulator can't write %s: %s. Choose another folder.", path.p, strerror(errno));
	buf_free(&path);
	return customers->file >= 0 ? ERR_OK : ERR_IO;
}

static enum err keep(const struct sim_customers *customers, const struct sim_customer *c, struct why *why)
{
	json_t *json = sim_customer_json(c);
	char *text = json_dumps(json, JSON_COMPACT);
	struct buf line = { 0 };
	enum err e = ERR_OK;
	ssize_t n;

	buf_printf(&line, "\n%s\n", text); /* a line of its own even behind a torn one */
	n = write(customers->file, line.p, line.n);
	if (n < 0 || (size_t)n != line.n)
		e = why_fail(why, ERR_IO, "The simulator can't keep its customers: %s.", strerror(errno));
	free(text);
	json_decref(json);
	buf_free(&line);
	return e;
}

struct sim_customer *sim_customers_find(const struct sim_customers *customers, int64_t id)
{
	size_t from = 0, to = customers->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct sim_customer *c = customers->list[middle];

		if (c->id == id)
			return c;
		if (c->id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static bool same(const struct sim_customer *c, const struct sim_customer_wish *wish)
{
	if (strcmp(c->transport, wish->transport) != 0)
		return false;
	if (wish->phone != NULL && wish->phone[0] != '\0')
		return c->phone != NULL && strcmp(c->phone, wish->phone) == 0;
	return c->phone == NULL && strcmp(c->name, wish->name) == 0;
}

static enum err check(const struct sim_customers *customers, const struct sim_customer_wish *wish, struct why *why)
{
	if (wish->name[0] == '\0' || strlen(wish->name) > TEXT_MAX)
		return why_fail(why, ERR_INVALID, "A customer needs a name of 1 to %d bytes.", TEXT_MAX);
	if (wish->phone != NULL && strlen(wish->phone) > TEXT_MAX)
		return why_fail(why, ERR_INVALID, "A phone has at most %d bytes.", TEXT_MAX);
	if (transport_find(wish->transport) == NULL)
		return why_fail(why, ERR_INVALID,
		    "Unknown transport '%.40s'. Known: telegram, whatsapp, wa_dialog, viber, widget, vk, facebook, sms, "
		    "external.",
		    wish->transport);
	if (customers->n >= SIM_CUSTOMERS_MAX)
		return why_fail(why, ERR_INVALID, "The simulator holds at most %d customers.", SIM_CUSTOMERS_MAX);
	return ERR_OK;
}

/* What the vendor calls the client's phone: the number where the transport has one, else an address. */
static char *address_of(const struct transport *t, const struct sim_customer *c)
{
	struct buf text = { 0 };

	if (t->prefix[0] == '\0' && c->phone != NULL)
		return mem_text(c->phone);
	buf_printf(&text, "%s%" PRId64, t->prefix, c->id);
	return text.p;
}

static struct sim_customer *make(struct sim_ids *ids, const struct sim_customer_wish *wish)
{
	const struct transport *t = transport_find(wish->transport);
	struct sim_customer *c = mem_alloc(sizeof *c);

	c->id = sim_ids_take(ids);
	c->dialog_id = sim_ids_take(ids);
	c->request_id = sim_ids_take(ids);
	c->channel_id = t->channel_id;
	c->name = mem_text(wish->name);
	c->transport = mem_text(wish->transport);
	c->phone = text_or_null(wish->phone);
	c->address = address_of(t, c);
	return c;
}

static void customer_free(struct sim_customer *c)
{
	free(c->name);
	free(c->transport);
	free(c->phone);
	free(c->address);
	free(c);
}

enum err sim_customers_get(struct sim_customers *customers, struct sim_ids *ids, const struct sim_customer_wish *wish,
    struct sim_customer **ret, bool *ret_new, struct why *why)
{
	struct sim_customer *c;
	enum err e = check(customers, wish, why);

	for (size_t i = 0; i < customers->n; i++) {
		if (same(customers->list[i], wish)) {
			*ret = customers->list[i];
			*ret_new = false;
			return ERR_OK;
		}
	}
	if (e != ERR_OK)
		return e;
	c = make(ids, wish);
	if (customers->file >= 0 && (e = keep(customers, c, why)) != ERR_OK) {
		customer_free(c);
		return e;
	}
	list_add(customers, c);
	*ret = c;
	*ret_new = true;
	return ERR_OK;
}

void sim_customers_close(struct sim_customers *customers)
{
	for (size_t i = 0; i < customers->n; i++)
		customer_free(customers->list[i]);
	free(customers->list);
	if (customers->file >= 0)
		(void)close(customers->file);
	*customers = (struct sim_customers){ .file = -1 };
}
