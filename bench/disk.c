/* disk.c - one fdatasync of this disk. */
#include "base/clock.h"
#include "figures.h"
#include "load.h"
#include "wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { TIMES = 300, PAGE = 4096, PAGES = 256 };

static void write_page(int fd, int number)
{
	static const char page[PAGE];

	if (pwrite(fd, page, sizeof page, (off_t)number * PAGE) != PAGE)
		wire_die("cannot write to the disk");
}

/* In place, as a write-ahead log in its steady state: appending would cost more. */
static void measure(int fd, struct figures *f)
{
	for (int i = 0; i < PAGES; i++)
		write_page(fd, i);
	if (fsync(fd) != 0)
		wire_die("cannot write to the disk");
	for (int i = 0; i < TIMES; i++) {
		int64_t began_us = clock_mono_us();

		write_page(fd, i % PAGES);
		if (fdatasync(fd) != 0)
			wire_die("cannot write to the disk");
		figures_add(f, clock_mono_us() - began_us);
	}
}

void load_disk(const struct load_options *o)
{
	static struct figures f;
	char path[1024];
	int fd;

	if (snprintf(path, sizeof path, "%s/fdatasync", o->dir) >= (int)sizeof path)
		wire_die("the folder's name is too long");
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		wire_die("cannot write to the disk");
	measure(fd, &f);
	close(fd);
	unlink(path);
	printf("{\"fdatasync_p50_us\":%lld,\"fdatasync_p99_us\":%lld}\n", (long long)figures_quantile(&f, 0.5),
	    (long long)figures_quantile(&f, 0.99));
}
