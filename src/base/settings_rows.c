/* settings_rows.c - the one list made into rows and defaults; finding and showing them. */
#include "base/buf.h"
#include "base/settings_inside.h"

#include <pthread.h>
#include <stddef.h>

enum { NAME_SIZE = 64, CHOICE_SIZE = 16 };

#define T(field, key, standard, help)
#define S(field, key, help)
#define N(field, key, standard, least, most, unit, help)                                                               \
	_Static_assert((standard) >= (least) && (standard) <= (most), key ": default out of range");
#define C(field, key, standard, words, help)
SETTINGS_LIST(T, S, N, C)
#undef T
#undef S
#undef N
#undef C

static struct setting rows[SETTINGS_COUNT] = {
#define T(at, key, preset, about)                                                                                      \
	{ .kind = SETTING_TEXT,                                                                                        \
		.name = key,                                                                                           \
		.help = about,                                                                                         \
		.standard = preset,                                                                                    \
		.offset = offsetof(struct settings, at) },
#define S(at, key, about)                                                                                              \
	{ .kind = SETTING_SECRET, .name = key, .help = about, .standard = "", .offset = offsetof(struct settings, at) },
#define N(at, key, preset, low, high, measure, about)                                                                  \
	{ .kind = SETTING_NUMBER,                                                                                      \
		.name = key,                                                                                           \
		.help = about,                                                                                         \
		.unit = measure,                                                                                       \
		.standard = #preset,                                                                                   \
		.least = low,                                                                                          \
		.most = high,                                                                                          \
		.offset = offsetof(struct settings, at) },
#define C(at, key, preset, words, about)                                                                               \
	{ .kind = SETTING_CHOICE,                                                                                      \
		.name = key,                                                                                           \
		.help = about,                                                                                         \
		.choices = words,                                                                                      \
		.offset = offsetof(struct settings, at) },
	SETTINGS_LIST(T, S, N, C)
#undef T
#undef S
#undef N
#undef C
};

const char **setting_text(struct settings *s, const struct setting *row)
{
	return (const char **)((char *)s + row->offset);
}

int64_t *setting_number(struct settings *s, const struct setting *row)
{
	return (int64_t *)((char *)s + row->offset);
}

int *setting_choice(struct settings *s, const struct setting *row)
{
	return (int *)((char *)s + row->offset);
}

struct slice setting_choice_at(const char *choices, size_t index)
{
	for (const char *word = choices;; word++) {
		size_t n = strcspn(word, "|");

		if (index-- == 0)
			return (struct slice){ word, n };
		word += n;
		if (*word == '\0')
			return SLICE_NONE;
	}
}

static void set_defaults(struct settings *s)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		if (rows[i].kind == SETTING_TEXT || rows[i].kind == SETTING_SECRET)
			*setting_text(s, &rows[i]) = rows[i].standard;
#define T(field, key, standard, help)
#define S(field, key, help)
#define N(field, key, standard, least, most, unit, help) s->field = (standard);
#define C(field, key, standard, choices, help) s->field = (standard);
	SETTINGS_LIST(T, S, N, C)
#undef T
#undef S
#undef N
#undef C
}

/* In the list a choice's default is an index; people want the word. */
static void complete_rows(void)
{
	static char words[SETTINGS_COUNT][CHOICE_SIZE];
	struct settings s = { 0 };

	set_defaults(&s);
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		if (rows[i].kind != SETTING_CHOICE)
			continue;
		(void)slice_to_buffer(
		    setting_choice_at(rows[i].choices, (size_t)*setting_choice(&s, &rows[i])), words[i], CHOICE_SIZE);
		rows[i].standard = words[i];
	}
}

size_t setting_count(void)
{
	return SETTINGS_COUNT;
}

const struct setting *setting_at(size_t i)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, complete_rows);
	return &rows[i];
}

/* "--worker-concurrency" and "worker-concurrency" as WORKER_CONCURRENCY; a name stays as it is. */
static bool name_of(struct slice name_or_option, char name[NAME_SIZE])
{
	struct slice s = name_or_option;
	bool option = s.n >= 2 && memcmp(s.p, "--", 2) == 0;

	if (option)
		s = (struct slice){ s.p + 2, s.n - 2 };
	if (!slice_to_buffer(s, name, NAME_SIZE))
		return false;
	for (char *c = name; *c != '\0'; c++) {
		if (*c == '-')
			*c = '_';
		else if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return true;
}

const struct setting *setting_find_source(struct slice name_or_option, bool *ret_is_file)
{
	char name[NAME_SIZE];

	if (!name_of(name_or_option, name))
		return NULL;
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		const struct setting *row = setting_at(i);
		size_t n = strlen(row->name);

		if (strncmp(name, row->name, n) != 0)
			continue;
		*ret_is_file = row->kind == SETTING_SECRET && strcmp(name + n, "_FILE") == 0;
		if (name[n] == '\0' || *ret_is_file)
			return row;
	}
	return NULL;
}

const struct setting *setting_find(struct slice name_or_option)
{
	bool is_file;

	return setting_find_source(name_or_option, &is_file);
}

bool settings_name_redis(const struct settings *s)
{
	return s->redis_url[0] != '\0' || s->redis_host[0] != '\0' || s->redis_sentinels[0] != '\0';
}

bool settings_name_postgres(const struct settings *s)
{
	return s->database_url[0] != '\0' || s->database_host[0] != '\0';
}

void settings_defaults(struct settings *s)
{
	*s = (struct settings){ 0 };
	set_defaults(s);
}

/* A URL in a place that is no secret's may still bring a password. */
static bool has_login(const char *text)
{
	const char *address = strstr(text, "://");

	return address != NULL && strchr(address, '@') != NULL;
}

static void show_text(const char *text, struct buf *out)
{
	buf_text(out, has_login(text) ? "(a URL with a login, not shown)" : text);
}

void setting_show(const struct settings *s, const struct setting *row, struct buf *out)
{
	const char *field = (const char *)s + row->offset;

	switch (row->kind) {
	case SETTING_TEXT:
		show_text(*(const char *const *)(const void *)field, out);
		break;
	case SETTING_SECRET:
		buf_text(out, **(const char *const *)(const void *)field != '\0' ? "(set)" : "(not set)");
		break;
	case SETTING_NUMBER:
		buf_int(out, *(const int64_t *)(const void *)field);
		break;
	case SETTING_CHOICE:
		buf_slice(out, setting_choice_at(row->choices, (size_t) * (const int *)(const void *)field));
		break;
	}
}
