/* test_redis_error.c - what Redis' error replies mean, in the words of 6.2 and 7. */
#include "store/shared/redis/redis.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *text;
	enum err err;
} cases[] = {
	{ "NOSCRIPT No matching script. Please use EVAL.", ERR_AGAIN },
	{ "LOADING Redis is loading the dataset in memory", ERR_AGAIN },
	{ "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", ERR_AGAIN },
	{ "TRYAGAIN Multiple keys request during rehashing of slot", ERR_AGAIN },
	{ "CLUSTERDOWN Hash slot not served", ERR_AGAIN },
	{ "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", ERR_AGAIN },
	{ "ERR max number of clients reached", ERR_AGAIN },
	{ "READONLY You can't write against a read only replica.", ERR_UNREACHABLE },
	{ "READONLY You can't write against a read only replica. script: 1234, on @user_script:3.", ERR_UNREACHABLE },
	{ "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
	    ERR_UNREACHABLE },
	{ "OOM command not allowed when used memory > 'maxmemory'.", ERR_NO_SPACE },
	{ "ERR Error running script (call to f_1234): @user_script:7: -OOM command not allowed when used memory >"
	  " 'maxmemory'.",
	    ERR_NO_SPACE },
	{ "ERR Error running script (call to f_1234): @user_script:7: @user_script: 7: -READONLY You can't write",
	    ERR_UNREACHABLE },
	{ "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", ERR_IO },
	{ "NOREPLICAS Not enough good replicas to write.", ERR_IO },
	{ "NOAUTH Authentication required.", ERR_DENIED },
	{ "WRONGPASS invalid username-password pair or user is disabled.", ERR_DENIED },
	{ "NOPERM this user has no permissions to run the 'evalsha' command", ERR_DENIED },
	{ "DENIED Redis is running in protected mode because protected mode is enabled", ERR_DENIED },
	{ "NOPROTO unsupported protocol version", ERR_INVALID },
	{ "ERR unknown command 'BLMOVE', with args beginning with: ", ERR_INVALID },
	{ "ERR DB index is out of range", ERR_INVALID },
	{ "WRONGTYPE Operation against a key holding the wrong kind of value", ERR_IO },
	{ "ERR user_script:5: attempt to index a nil value script: 1234, on @user_script:5.", ERR_IO },
	{ "ERR Error running script (call to f_1234): @user_script:5: attempt to index a nil value", ERR_IO },
	{ "BUSYKEY Target key name already exists.", ERR_IO },
	{ "", ERR_IO },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (redis_error(cases[i].text) != cases[i].err)
			fail_msg("%s: %s", cases[i].text, err_name(redis_error(cases[i].text)));
}

/* What says something of the server is no fault of what was called. */
static void test_whose_fault(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *text = cases[i].text;
		bool of_server = cases[i].err != ERR_IO || strncmp(text, "MISCONF", 7) == 0 ||
				 strncmp(text, "NOREPLICAS", 10) == 0;

		if (redis_error_is_of_call(text) == of_server)
			fail_msg("%s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_whose_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
