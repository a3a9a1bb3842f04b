/* check.h - cmocka with what every table test here needs: a row's name in the message of a failure. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

/* cmocka wants these before itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(what, ...)                                                                                               \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			print_error(__VA_ARGS__);                                                                      \
			fail();                                                                                        \
		}                                                                                                      \
	} while (0)

#endif
