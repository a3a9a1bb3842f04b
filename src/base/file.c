/* file.c - small files read whole, folders made. */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum err file_read(const char *path, size_t most, struct arena *arena, struct slice *ret, struct why *why)
{
	FILE *f = fopen(path, "rbe");
	char *bytes;
	size_t n;
	int failed;

	if (f == NULL)
		return why_fail(
		    why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %s", path, strerror(errno));
	bytes = arena_alloc(arena, most + 1);
	errno = 0;
	n = fread(bytes, 1, most + 1, f);
	failed = ferror(f) != 0 ? errno : 0;
	(void)fclose(f);
	if (failed != 0)
		return why_fail(why, ERR_IO, "cannot read %s: %s", path, strerror(failed));
	if (n > most)
		return why_fail(why, ERR_TOO_LARGE, "%s is larger than %zu bytes; is it the right file?", path, most);
	*ret = (struct slice){ bytes, n };
	return ERR_OK;
}

/* Keeps errno as it is when path is not there. */
static bool is_folder(const char *path)
{
	struct stat st;
	int saved = errno;

	if (stat(path, &st) != 0) {
		errno = saved;
		return false;
	}
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

enum err folder_make(const char *folder, struct why *why)
{
	char path[1024];

	if (!slice_to_buffer(slice_of(folder), path, sizeof path) || path[0] == '\0')
		return why_fail(why, ERR_INVALID, "a folder's path is empty or longer than %zu bytes: set DATA_DIR",
		    sizeof path - 1);
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && !is_folder(path))
			return why_fail(why, ERR_IO,
			    "cannot make the folder %s: %s (set DATA_DIR to one that you may write)", path,
			    strerror(errno));
		*p = c;
		if (c == '\0')
			return ERR_OK;
	}
}
