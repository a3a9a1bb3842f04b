/* form.c - loads, holds and frees a form. */
#include "dialog/form.h"

#include "dialog/form_read.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERSION_BYTES = 6 };

static const char *version_of(struct arena *a, struct slice yaml)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *version = arena_alloc(a, 2 * VERSION_BYTES + 1);

	(void)SHA256((const unsigned char *)yaml.p, yaml.n, digest);
	for (size_t i = 0; i < VERSION_BYTES; i++)
		(void)snprintf(version + 2 * i, 3, "%02x", digest[i]);
	return version;
}

enum err dialog_form_parse(struct slice yaml, const char *name, struct dialog_form **ret, struct why *why)
{
	struct dialog_form *form = mem_alloc(sizeof *form);
	struct reader r = { .name = name, .why = why, .arena = &form->arena };

	reader_open(&r, yaml);
	form_read(&r, form);
	reader_close(&r);
	if (r.failed) {
		dialog_form_free(&form);
		return ERR_INVALID;
	}
	form->version = version_of(&form->arena, yaml);
	*ret = form;
	return ERR_OK;
}

/* Reads one byte more than a form may have, so that a larger file is noticed. */
static enum err read_file(const char *path, char *bytes, size_t size, size_t *n, struct why *why)
{
	FILE *file = fopen(path, "rb");
	bool failed;
	int cause;

	if (file == NULL)
		return why_fail(why, ERR_INVALID,
		    "%s: the form file cannot be opened: %s; check the path and its permissions", path,
		    strerror(errno));
	*n = fread(bytes, 1, size, file);
	failed = ferror(file) != 0;
	cause = errno;
	(void)fclose(file);
	if (failed)
		return why_fail(why, ERR_INVALID, "%s: the form file cannot be read: %s; it must be a plain file", path,
		    strerror(cause));
	return ERR_OK;
}

enum err dialog_form_load(const char *path, struct dialog_form **ret, struct why *why)
{
	enum { SIZE = READER_BYTES_MAX + 1 };
	char *bytes;
	size_t n = 0;
	enum err e;

	if (path == NULL || path[0] == '\0')
		return dialog_form_parse((struct slice){ form_builtin, form_builtin_size }, "built-in form", ret, why);
	bytes = mem_alloc(SIZE);
	e = read_file(path, bytes, SIZE, &n, why);
	if (e == ERR_OK)
		e = dialog_form_parse((struct slice){ bytes, n }, path, ret, why);
	free(bytes);
	return e;
}

void dialog_form_free(struct dialog_form **form)
{
	struct dialog_form *f = *form;

	if (f == NULL)
		return;
	for (size_t i = 0; i < DIALOG_FIELDS_MAX; i++) {
		words_free(&f->field[i].units);
		words_free(&f->field[i].option_words);
	}
	words_free(&f->meanings);
	words_free(&f->numbers);
	words_free(&f->field_names);
	arena_free(&f->arena);
	free(f);
	*form = NULL;
}

const char *dialog_form_name(const struct dialog_form *form)
{
	return form->name;
}

const char *dialog_form_version(const struct dialog_form *form)
{
	return form->version;
}
