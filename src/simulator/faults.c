/* faults.c - one table of the faults' names and ranges, and the dice. */
#include "simulator/faults.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/slice.h"

#include <stddef.h>

static const struct number {
	const char *name;
	size_t offset;
	int64_t least, most;
} numbers[] = {
#define N(field, least, most)                                                                                          \
	{                                                                                                              \
#field, offsetof(struct sim_faults, field), least, most                                                \
	}
	N(latency_ms, 0, 600000),
	N(status, 0, 599),
	N(retry_after_s, 0, 86400),
	N(calls, 0, 1000000000),
	N(client_id, 0, INT64_MAX),
	N(duplicates, 1, 100),
	N(delay_ms, 0, 600000),
	N(shuffle_ms, 0, 600000),
#undef N
};

static const struct flag {
	const char *name;
	size_t offset;
} flags[] = {
#define F(field)                                                                                                       \
	{                                                                                                              \
#field, offsetof(struct sim_faults, field)                                                             \
	}
	F(cut),
	F(hang),
	F(accept),
#undef F
};

void sim_faults_clear(struct sim_faults *faults)
{
	*faults = (struct sim_faults){ .probability = 1, .duplicates = 1 };
}

static enum err set_number(struct sim_faults *faults, const struct number *row, const json_t *value, struct why *why)
{
	int64_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < row->least || n > row->most)
		return why_fail(why, ERR_INVALID, "%s is a whole number from %lld to %lld.", row->name,
		    (long long)row->least, (long long)row->most);
	if (row->offset == offsetof(struct sim_faults, status) && n != 0 && n < 400)
		return why_fail(why, ERR_INVALID, "status is 0 or 400 to 599.");
	memcpy((char *)faults + row->offset, &n, sizeof n);
	return ERR_OK;
}

static enum err set_other(struct sim_faults *faults, const char *name, const json_t *value, struct why *why)
{
	if (strcmp(name, "probability") == 0) {
		faults->probability = json_number_value(value);
		if (!json_is_number(value) || faults->probability < 0 || faults->probability > 1)
			return why_fail(why, ERR_INVALID, "probability is a number from 0 to 1.");
		return ERR_OK;
	}
	if (strcmp(name, "message") == 0) {
		struct slice text = { json_string_value(value), json_string_length(value) };

		if (!json_is_string(value) || !slice_to_buffer(text, faults->message, sizeof faults->message))
			return why_fail(
			    why, ERR_INVALID, "message is a text of at most %zu bytes.", sizeof faults->message - 1);
		return ERR_OK;
	}
	return why_fail(why, ERR_INVALID, "There is no fault '%.40s'. See docs/simulator.md for their names.", name);
}

static enum err set_one(struct sim_faults *faults, const char *name, const json_t *value, struct why *why)
{
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (strcmp(numbers[i].name, name) == 0)
			return set_number(faults, &numbers[i], value, why);
	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		if (strcmp(flags[i].name, name) != 0)
			continue;
		if (!json_is_boolean(value))
			return why_fail(why, ERR_INVALID, "%s is true or false.", name);
		*(bool *)((char *)faults + flags[i].offset) = json_is_true(value);
		return ERR_OK;
	}
	return set_other(faults, name, value, why);
}

enum err sim_faults_set(struct sim_faults *faults, const json_t *json, struct why *why)
{
	struct sim_faults wanted;
	const char *name;
	json_t *value;

	sim_faults_clear(&wanted);
	if (!json_is_object(json))
		return why_fail(why, ERR_INVALID, "Faults are a JSON object, as {\"latency_ms\":200}.");
	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		enum err e = set_one(&wanted, name, value, why);

		if (e != ERR_OK)
			return e;
	}
	*faults = wanted;
	return ERR_OK;
}

json_t *sim_faults_json(const struct sim_faults *faults)
{
	json_t *json = json_object();

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		int64_t n;

		memcpy(&n, (const char *)faults + numbers[i].offset, sizeof n);
		(void)json_object_set_new(json, numbers[i].name, json_integer(n));
	}
	for (size_t i = 0; i < COUNT_OF(flags); i++)
		(void)json_object_set_new(
		    json, flags[i].name, json_boolean(*(const bool *)((const char *)faults + flags[i].offset)));
	(void)json_object_set_new(json, "probability", json_real(faults->probability));
	(void)json_object_set_new(json, "message", json_string(faults->message));
	return json;
}

static double dice(void)
{
	return (double)(random_u64() >> 11) / (double)(1ULL << 53);
}

static bool any(const struct sim_faults *f)
{
	return f->latency_ms > 0 || f->status != 0 || f->cut || f->hang;
}

/* The last of the calls to be hit: those of webhooks stay. */
static void end_of_calls(struct sim_faults *f)
{
	f->latency_ms = f->status = f->retry_after_s = 0;
	f->cut = f->hang = false;
}

struct sim_fault sim_faults_pick(struct sim_faults *f, int64_t client_id)
{
	struct sim_fault fault = { .carried_out = true };

	if (!any(f) || (f->client_id != 0 && f->client_id != client_id) || dice() >= f->probability)
		return fault;
	fault = (struct sim_fault){
		.latency_ms = f->latency_ms,
		.status = f->status,
		.retry_after_s = f->retry_after_s,
		.cut = f->cut,
		.hang = f->hang,
		.carried_out = f->cut || f->accept || (f->status == 0 && !f->hang),
	};
	memcpy(fault.message, f->message, sizeof fault.message);
	if (f->calls > 0 && --f->calls == 0)
		end_of_calls(f);
	return fault;
}

int64_t sim_faults_shuffle(const struct sim_faults *f)
{
	return (int64_t)(random_u64() % (uint64_t)(f->shuffle_ms + 1));
}
