/* test_mem.c - arenas hand out pieces that do not overlap, are zero, and end when told. */
#include "base/slice.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void pieces_are_zeroed_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 7, 16, 4000, 5000, 1, 100000, 33 };
	unsigned char *pieces[COUNT_OF(sizes)];
	struct arena a = { 0 };

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			pieces[i] = arena_alloc(&a, sizes[i]);
			assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(pieces[i][k], 0);
			memset(pieces[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(pieces[i][k], i + 1);
		arena_reset(&a);
	}
	arena_free(&a);
	assert_null(a.block);
	arena_reset(&a);
	arena_free(&a);
}

static void copies_end_with_a_nul(void **state)
{
	struct arena a = { 0 };
	struct slice copy = slice_copy(&a, SLICE("abc"));

	assert_string_equal(copy.p, "abc");
	assert_int_equal(copy.n, 3);
	assert_null(slice_copy(&a, SLICE_NONE).p);
	assert_string_equal(arena_copy(&a, NULL, 0), "");
	arena_free(&a);
}

static void plain_memory(void **state)
{
	char *p = mem_alloc(8);

	assert_memory_equal(p, "\0\0\0\0\0\0\0\0", 8);
	p = mem_grow(p, 100000);
	assert_int_equal(p[7], 0);
	free(p);
	p = mem_text("hello");
	assert_string_equal(p, "hello");
	free(p);
	free(mem_alloc(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_and_apart),
		cmocka_unit_test(copies_end_with_a_nul),
		cmocka_unit_test(plain_memory),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
