/* check.c - checks that work in tests, in their threads and in their child processes. */
#include "fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static pid_t test_process, test_thread;

__attribute__((constructor)) static void remember_test_thread(void)
{
	test_process = getpid();
	test_thread = gettid();
}

void check_failed(const char *file, int line, const char *what)
{
	print_error("%s:%d: not true: %s\n", file, line, what);
	if (getpid() != test_process)
		_exit(EXIT_FAILURE);
	if (gettid() != test_thread)
		abort();
	_fail(file, line);
}

void check_text(const char *file, int line, struct slice s, const char *wanted)
{
	char what[512];

	if (slice_eq(s, slice_of(wanted)))
		return;
	(void)snprintf(what, sizeof what, "\"%.*s\" is \"%s\"", SLICE_PRINT(s), wanted);
	check_failed(file, line, what);
}

void check_int(const char *file, int line, const char *name, int64_t value, int64_t wanted)
{
	char what[256];

	if (value == wanted)
		return;
	(void)snprintf(what, sizeof what, "%s is %" PRId64 ", wanted %" PRId64, name, value, wanted);
	check_failed(file, line, what);
}

void check_time(const char *file, int line, const struct fixture *f, const char *name, int64_t value, int64_t wanted)
{
	check_int(file, line, name, llabs(value - wanted) <= f->subject->clock_error_ms ? wanted : value, wanted);
}
