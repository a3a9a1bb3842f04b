/* test_redis_login.c - whatever a server answers to AUTH, no sentence holds a piece of what was sent. */
#include "store/shared/redis/connect.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define USER "jo4nn4q"
#define PASSWORD "s3cr3t-w0rd"
enum { PIECE = 4 /* bytes of a secret that are told from chance */, ANSWERS_MAX = 2 };

/* Answers each thing it hears with the next of its answers, then hears until the other end closes. */
struct server {
	int listener;
	uint16_t port;
	const char *answers[ANSWERS_MAX];
	pthread_t thread;
};

static void *serve(void *context)
{
	struct server *s = context;
	int fd = accept(s->listener, NULL, NULL);
	char heard[1024];

	for (size_t i = 0; recv(fd, heard, sizeof heard, 0) > 0; i++)
		if (i < ANSWERS_MAX && s->answers[i] != NULL)
			(void)send(fd, s->answers[i], strlen(s->answers[i]), MSG_NOSIGNAL);
	(void)close(fd);
	return NULL;
}

static void start(struct server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
	s->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->listener);
}

static const struct {
	const char *answer;
	enum err err;
	const char *told;
} cases[] = {
	{ "-ERR unknown command 'AUTH', with args beginning with: '" USER "' '" PASSWORD "' \r\n", ERR_INVALID,
	    "renamed" },
	{ "-ERR unknown command `AUTH`, with args beginning with: `" USER "`, `" PASSWORD "`, \r\n", ERR_INVALID,
	    "ERR unknown command" },
	{ "-ERR unknown command '" PASSWORD "'\r\n", ERR_INVALID, "ERR unknown command" },
	{ "-ERR unknown command\r\n", ERR_INVALID, "ERR unknown command" },
	{ "-WRONGPASS " USER " may not enter with " PASSWORD "\r\n", ERR_DENIED, "WRONGPASS" },
	{ "-ERR invalid password " PASSWORD "\r\n", ERR_DENIED, "REDIS_PASSWORD" },
	{ "-NOPERM " PASSWORD "\r\n", ERR_DENIED, "ACL SETUSER" },
	{ "-DENIED " PASSWORD "\r\n", ERR_DENIED, "protected mode" },
	{ "-LOADING " PASSWORD "\r\n", ERR_AGAIN, "LOADING" },
	{ "-ERR wrong number of arguments for 'auth " PASSWORD "'\r\n", ERR_IO, "6.2" },
	{ "-" PASSWORD "\r\n", ERR_IO, "not repeated" },
	{ "-" PASSWORD ": WRONGPASS\r\n", ERR_IO, "not repeated" },
	{ "-ERR 's3cr3t\\x2dw0rd' is none\r\n", ERR_IO, "not repeated" },
	{ "-ERR Error running script (call to f_1): @user_script:1: " PASSWORD "\r\n", ERR_IO, "not repeated" },
	{ "-OOM " PASSWORD "\r\n", ERR_NO_SPACE, "not repeated" },
	{ "-ERR\r\n", ERR_IO, "not repeated" },
	{ "-\r\n", ERR_IO, "not repeated" },
	{ PASSWORD "\r\n", ERR_UNREACHABLE, "" },
};

static void shows_nothing(const char *answer, const char *secret, const char *sentence)
{
	char piece[PIECE + 1];

	for (size_t i = 0; i + PIECE <= strlen(secret); i++) {
		(void)snprintf(piece, sizeof piece, "%.*s", PIECE, secret + i);
		if (strstr(sentence, piece) != NULL)
			fail_msg("%s: \"%s\" is shown: %s", answer, piece, sentence);
	}
}

static void check(size_t i, struct server *s, const struct redis_target *target)
{
	struct redis *c = NULL;
	struct why why = { 0 };
	enum err err = redis_connect(target, "owner", &c, &why);

	stop(s);
	if (err != cases[i].err || strstr(why.text, cases[i].told) == NULL || strstr(why.text, "127.0.0.1") == NULL)
		fail_msg("%s: %s: %s", cases[i].answer, err_name(err), why.text);
	shows_nothing(cases[i].answer, PASSWORD, why.text);
	shows_nothing(cases[i].answer, USER, why.text);
}

static void test_primary(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct server s = { .answers = { cases[i].answer } };

		start(&s);
		check(i, &s,
		    &(struct redis_target){
			.user = USER, .password = PASSWORD, .endpoint = { .host = "127.0.0.1", .port = s.port } });
	}
}

static void test_primary_without_a_user(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct server s = { .answers = { cases[i].answer } };

		start(&s);
		check(i, &s,
		    &(struct redis_target){
			.password = PASSWORD, .endpoint = { .host = "127.0.0.1", .port = s.port } });
	}
}

static void test_sentinel(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct server s = { .answers = { "-NOAUTH Authentication required.\r\n", cases[i].answer } };

		start(&s);
		check(i, &s,
		    &(struct redis_target){ .password = PASSWORD,
			.master = "shop",
			.n_sentinels = 1,
			.sentinel = { { .host = "127.0.0.1", .port = s.port } } });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_primary),
		cmocka_unit_test(test_primary_without_a_user),
		cmocka_unit_test(test_sentinel),
	};

	return cmocka_run_group_tests_name("redis_login", tests, NULL, NULL);
}
