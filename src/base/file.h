/* file.h - small files read whole, folders made. Any thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/slice.h"

/* The file's bytes, in the arena. NOT_FOUND, TOO_LARGE (over most bytes), or IO; why names path, cause and cure. */
MUST_CHECK enum err file_read(const char *path, size_t most, struct arena *arena, struct slice *ret, struct why *why);

/* Makes the folder and those above it (mkdir -p), readable by their owner only; one that is there is fine. INVALID
 * when path is empty or too long, IO otherwise; why names the path, the cause and the cure. */
MUST_CHECK enum err folder_make(const char *path, struct why *why);

#endif
