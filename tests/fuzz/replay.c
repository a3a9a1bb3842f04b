/* replay.c - runs a fuzz target over the files of the folders given, without a fuzzer. */
#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void run_file(const char *path)
{
	struct buf bytes = { 0 };
	char piece[4096];
	uint8_t *exact;
	size_t n;
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_add(&bytes, piece, n);
	(void)fclose(f);
	/* A copy of exactly its size, so that a sanitizer sees a read behind it. */
	exact = mem_alloc(bytes.n);
	if (bytes.n > 0)
		memcpy(exact, bytes.p, bytes.n);
	(void)LLVMFuzzerTestOneInput(exact, bytes.n);
	free(exact);
	buf_free(&bytes);
}

static unsigned run_folder(const char *folder)
{
	const struct dirent *entry;
	unsigned n = 0;
	DIR *d = opendir(folder);

	if (d == NULL) {
		perror(folder);
		exit(1);
	}
	while ((entry = readdir(d)) != NULL) {
		struct buf path = { 0 };

		if (entry->d_name[0] == '.')
			continue;
		buf_printf(&path, "%s/%s", folder, entry->d_name);
		run_file(path.p);
		buf_free(&path);
		n++;
	}
	(void)closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	unsigned n = 0;

	for (int i = 1; i < argc; i++)
		n += run_folder(argv[i]);
	printf("%u inputs\n", n);
	return n > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
