/* settings.c - values from every source, the nearest one winning. */
#include "base/buf.h"
#include "base/file.h"
#include "base/keyfile.h"
#include "base/nearest.h"
#include "base/settings_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { CONFIG_BYTES_MAX = 1 << 20, SECRET_BYTES_MAX = 1 << 16, NAME_SIZE = 64 };

/* ---- one value ---------------------------------------------------------------------------------- */

/* Under way: sources are read from the least to the most important, a later one replaces. */
struct loading {
	struct settings *s;
	struct settings_source *sources; /* SETTINGS_COUNT of them, or NULL */
	struct why *why;
	enum given { NOT_GIVEN, AS_VALUE, AS_FILE } given[SETTINGS_COUNT]; /* by the source being read */
};

/* Where a value is written, as errors and `config` say it. */
static const char *place(struct settings *s, const char *source, unsigned line)
{
	struct buf text = { 0 };
	const char *copy;

	if (line == 0)
		return source;
	buf_printf(&text, "file %s line %u", source, line);
	copy = arena_copy(&s->texts, text.p, text.n);
	buf_free(&text);
	return copy;
}

static enum err set_number(struct loading *l, const struct setting *row, struct slice value, const char *where)
{
	int64_t number;

	if (!slice_to_int64(value, &number) || number < row->least || number > row->most)
		return why_fail(l->why, ERR_INVALID,
		    "%s (%s): \"%.*s\" is not a whole number from %" PRId64 " to %" PRId64 " (%s); the default is %s",
		    row->name, where, SLICE_PRINT(value), row->least, row->most, row->unit, row->standard);
	*setting_number(l->s, row) = number;
	return ERR_OK;
}

static enum err set_choice(struct loading *l, const struct setting *row, struct slice value, const char *where)
{
	struct slice word;

	for (size_t i = 0; (word = setting_choice_at(row->choices, i)).p != NULL; i++)
		if (word.n == value.n && strncasecmp(word.p, value.p, word.n) == 0) {
			*setting_choice(l->s, row) = (int)i;
			return ERR_OK;
		}
	return why_fail(l->why, ERR_INVALID, "%s (%s): \"%.*s\" is none of %s; the default is %s", row->name, where,
	    SLICE_PRINT(value), row->choices, row->standard);
}

static enum err set_text(
    struct loading *l, const struct setting *row, struct slice value, const char *where, const char **note)
{
	const char *wrong = value.n > 0 ? settings_shape(row, &value, note) : NULL;

	if (wrong != NULL && row->kind == SETTING_SECRET)
		return why_fail(l->why, ERR_INVALID, "%s (%s) %s", row->name, where, wrong);
	if (wrong != NULL)
		return why_fail(
		    l->why, ERR_INVALID, "%s (%s): \"%.*s\" %s", row->name, where, SLICE_PRINT(value), wrong);
	*setting_text(l->s, row) = arena_copy(&l->s->texts, value.p, value.n);
	return ERR_OK;
}

static void note_source(struct loading *l, size_t i, const char *where, const char *note)
{
	if (l->sources == NULL)
		return;
	(void)snprintf(l->sources[i].text, sizeof l->sources[i].text, "%s%s%s", where, note != NULL ? ", " : "",
	    note != NULL ? note : "");
}

static enum err set_value(struct loading *l, const struct setting *row, struct slice value, const char *where)
{
	const char *note = NULL;
	enum err e;

	if (row->kind == SETTING_NUMBER)
		e = set_number(l, row, slice_trim(value), where);
	else if (row->kind == SETTING_CHOICE)
		e = set_choice(l, row, slice_trim(value), where);
	else
		e = set_text(l, row, slice_trim(value), where, &note);
	if (e == ERR_OK)
		note_source(l, (size_t)(row - setting_at(0)), where, note);
	return e;
}

/* A secret kept in a file of its own; the line end behind it does not belong to it. */
static enum err set_from_file(struct loading *l, const struct setting *row, struct slice path, const char *where)
{
	char *name = arena_copy(&l->s->texts, path.p, path.n);
	struct slice text;
	struct why cause;
	enum err e = file_read(name, SECRET_BYTES_MAX, &l->s->texts, &text, &cause);

	if (e != ERR_OK)
		return why_fail(l->why, ERR_INVALID, "%s_FILE (%s): %s", row->name, where, cause.text);
	if (slice_trim(text).n == 0)
		return why_fail(
		    l->why, ERR_INVALID, "%s_FILE (%s): %s is empty; write the secret into it", row->name, where, name);
	return set_value(l, row, text, where);
}

/* One value from the source being read; the same setting as value and as file is a contradiction. */
static enum err take(struct loading *l, const struct setting *row, bool is_file, struct slice value, const char *where)
{
	enum given how = is_file ? AS_FILE : AS_VALUE, *given = &l->given[row - setting_at(0)];

	if (*given != NOT_GIVEN && *given != how)
		return why_fail(l->why, ERR_INVALID, "%s and %s_FILE are both set (%s); keep one of them", row->name,
		    row->name, where);
	*given = how;
	return is_file ? set_from_file(l, row, value, where) : set_value(l, row, value, where);
}

static void begin_source(struct loading *l)
{
	memset(l->given, 0, sizeof l->given);
}

/* ---- sources ------------------------------------------------------------------------------------ */

static enum err unknown_key(struct loading *l, const struct keyfile_entry *entry, const char *file)
{
	struct nearest nearest = { .typed = entry->key };

	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		nearest_offer(&nearest, setting_at(i)->name);
	return why_fail(l->why, ERR_INVALID,
	    "%s line %u: there is no setting %.*s%s%s%s; all are listed by: chat2order config", file, entry->line,
	    SLICE_PRINT(entry->key), nearest.word != NULL ? "; did you mean " : "",
	    nearest.word != NULL ? nearest.word : "", nearest.word != NULL ? "?" : "");
}

static unsigned line_of_double(const struct keyfile_entry *entries, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (slice_eq(entries[k].key, entries[i].key))
			return entries[k].line;
	return 0;
}

static enum err take_entries(struct loading *l, const char *file, const struct keyfile_entry *entries, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		unsigned before = line_of_double(entries, i);
		bool is_file = false;
		const struct setting *row = setting_find_source(entries[i].key, &is_file);

		if (before > 0)
			return why_fail(l->why, ERR_INVALID,
			    "%s line %u: %.*s was already set in line %u; keep one of them", file, entries[i].line,
			    SLICE_PRINT(entries[i].key), before);
		if (row == NULL)
			return unknown_key(l, &entries[i], file);
		if (entries[i].value.n > 0)
			e = take(l, row, is_file, entries[i].value, place(l->s, file, entries[i].line));
	}
	return e;
}

static enum err from_file(struct loading *l, const char *file)
{
	struct keyfile_entry *entries;
	struct slice text;
	struct why cause;
	size_t n;

	if (file_read(file, CONFIG_BYTES_MAX, &l->s->texts, &text, &cause) != ERR_OK)
		return why_fail(l->why, ERR_INVALID, "--config: %s", cause.text);
	if (keyfile_parse(text, file, &l->s->texts, &entries, &n, l->why) != ERR_OK)
		return ERR_INVALID;
	begin_source(l);
	return take_entries(l, file, entries, n);
}

/* Of a foreign name in the environment nothing is said: it is full of them. Empty means not set. */
static enum err from_environment(struct loading *l)
{
	enum err e = ERR_OK;

	begin_source(l);
	for (size_t i = 0; e == ERR_OK && i < SETTINGS_COUNT; i++) {
		const struct setting *row = setting_at(i);
		char file_name[NAME_SIZE];
		const char *value = getenv(row->name), *path = NULL;

		(void)snprintf(file_name, sizeof file_name, "%s_FILE", row->name);
		if (row->kind == SETTING_SECRET)
			path = getenv(file_name);
		if (value != NULL && value[0] != '\0')
			e = take(l, row, false, slice_of(value), "environment");
		if (e == ERR_OK && path != NULL && path[0] != '\0')
			e = take(l, row, true, slice_of(path), "environment");
	}
	return e;
}

static enum err from_overrides(struct loading *l, const char *const *pairs, size_t n)
{
	enum err e = ERR_OK;

	begin_source(l);
	for (size_t i = 0; e == ERR_OK && i + 1 < n; i += 2) {
		bool is_file = false;
		const struct setting *row = setting_find_source(slice_of(pairs[i]), &is_file);

		if (row == NULL)
			return why_fail(l->why, ERR_INVALID, "there is no setting %s", pairs[i]);
		e = take(l, row, is_file, slice_of(pairs[i + 1]), "command line");
	}
	return e;
}

/* ---- all together ------------------------------------------------------------------------------- */

static enum err resolve_data_dir(struct loading *l)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct buf path = { 0 };

	if (l->s->data_dir[0] != '\0')
		return ERR_OK;
	if (state != NULL && state[0] == '/')
		buf_printf(&path, "%s/chat2order", state);
	else if (home != NULL && home[0] == '/')
		buf_printf(&path, "%s/.local/state/chat2order", home);
	else
		return why_fail(l->why, ERR_INVALID,
		    "DATA_DIR is not set and there is no home folder; set it, as DATA_DIR=/var/lib/chat2order");
	l->s->data_dir = arena_copy(&l->s->texts, path.p, path.n);
	buf_free(&path);
	return ERR_OK;
}

static enum err check_together(struct loading *l)
{
	const struct settings *s = l->s;

	if (s->log_days < s->dedup_days)
		return why_fail(l->why, ERR_INVALID,
		    "MESSAGE_LOG_DAYS (%" PRId64 ") is below DEDUP_DAYS (%" PRId64
		    "): a message must be logged as long as its id is remembered; raise the first or lower the second",
		    s->log_days, s->dedup_days);
	if (s->port != 0 && s->port == s->admin_port)
		return why_fail(l->why, ERR_INVALID,
		    "PORT and ADMIN_PORT are both %" PRId64 "; give the admin listener another one", s->port);
	return ERR_OK;
}

enum err settings_load(struct settings *s, const char *config_file, const char *const *overrides, size_t n_overrides,
    struct settings_source *sources, struct why *why)
{
	struct settings fresh = { 0 };
	struct loading l = { .s = &fresh, .sources = sources, .why = why };
	enum err e = ERR_OK;

	settings_defaults(&fresh);
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		note_source(&l, i, "default", NULL);
	if (config_file != NULL)
		e = from_file(&l, config_file);
	if (e == ERR_OK)
		e = from_environment(&l);
	if (e == ERR_OK)
		e = from_overrides(&l, overrides, n_overrides);
	if (e == ERR_OK)
		e = resolve_data_dir(&l);
	if (e == ERR_OK)
		e = check_together(&l);
	if (e != ERR_OK)
		settings_free(&fresh);
	else
		*s = fresh;
	return e;
}

void settings_free(struct settings *s)
{
	arena_free(&s->texts);
}
