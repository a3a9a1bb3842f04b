/* test_redis_url.c - what the settings say about where Redis is. */
#include "store/shared/redis/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *url, *user, *password, *host, *path; /* host NULL: it is no address */
	unsigned port;
	int database;
	bool tls;
} urls[] = {
	{ "redis://redis", NULL, NULL, "redis", NULL, 6379, 0, false },
	{ "redis://", NULL, NULL, "127.0.0.1", NULL, 6379, 0, false },
	{ "redis://redis/", NULL, NULL, "redis", NULL, 6379, 0, false },
	{ "  redis://redis:7000/3\n", NULL, NULL, "redis", NULL, 7000, 3, false },
	{ "redis://:7000/3", NULL, NULL, "127.0.0.1", NULL, 7000, 3, false },
	{ "rediss://redis.example.com", NULL, NULL, "redis.example.com", NULL, 6379, 0, true },
	{ "redis://:secret@redis", NULL, "secret", "redis", NULL, 6379, 0, false },
	{ "redis://shop:secret@redis:1/15", "shop", "secret", "redis", NULL, 1, 15, false },
	{ "redis://shop@redis", "shop", NULL, "redis", NULL, 6379, 0, false },
	{ "redis://shop:@redis", "shop", NULL, "redis", NULL, 6379, 0, false },
	{ "redis://@redis", NULL, NULL, "redis", NULL, 6379, 0, false },
	{ "redis://a%3Ab:p%40ss%2f%3F%25@redis", "a:b", "p@ss/?%", "redis", NULL, 6379, 0, false },
	{ "redis://:p@ss@redis", NULL, "p@ss", "redis", NULL, 6379, 0, false },
	{ "redis://:a:b@redis", NULL, "a:b", "redis", NULL, 6379, 0, false },
	{ "redis://[::1]", NULL, NULL, "::1", NULL, 6379, 0, false },
	{ "redis://:x@[2001:db8::7]:6380/2", NULL, "x", "2001:db8::7", NULL, 6380, 2, false },
	{ "redis://redis?db=4", NULL, NULL, "redis", NULL, 6379, 4, false },
	{ "redis://redis/1?family=0&db=4", NULL, NULL, "redis", NULL, 6379, 4, false },
	{ "redis://redis/1?", NULL, NULL, "redis", NULL, 6379, 1, false },
	{ "unix:///run/redis.sock", NULL, NULL, "127.0.0.1", "/run/redis.sock", 6379, 0, false },
	{ "unix://:x@/run/my%20redis.sock?db=2", NULL, "x", "127.0.0.1", "/run/my redis.sock", 6379, 2, false },
	{ "/run/redis.sock", NULL, NULL, "127.0.0.1", "/run/redis.sock", 6379, 0, false },
	{ "/run/redis.sock?password=x&db=2", NULL, NULL, "127.0.0.1", "/run/redis.sock", 6379, 2, false },
	{ "/run/redis%3F.sock", NULL, NULL, "127.0.0.1", "/run/redis?.sock", 6379, 0, false },
	{ .url = "/run/redis.sock?db=x" },
	{ .url = "redis://shop%3Ageheim%40redis" },
	{ .url = "redis" },
	{ .url = "redis:6379" },
	{ .url = "http://redis" },
	{ .url = "REDIS://redis" },
	{ .url = "redis://redis:0" },
	{ .url = "redis://redis:65536" },
	{ .url = "redis://redis:+1" },
	{ .url = "redis://redis:" },
	{ .url = "redis://redis:port" },
	{ .url = "redis://redis/x" },
	{ .url = "redis://redis/-1" },
	{ .url = "redis://redis?db=" },
	{ .url = "redis://::1" },
	{ .url = "redis://[::1" },
	{ .url = "redis://[]" },
	{ .url = "redis://[::1]x" },
	{ .url = "redis://:%zz@redis" },
	{ .url = "redis://:a%4@redis" },
	{ .url = "redis://:a%00b@redis" },
	{ .url = "unix://run/redis.sock" },
};

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void test_urls(void **state)
{
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct settings settings;
		struct arena arena = { 0 };
		struct redis_target t;
		struct why why = { 0 };
		enum err err;

		settings_defaults(&settings);
		settings.redis_url = urls[i].url;
		err = redis_target_read(&settings, &arena, &t, &why);
		if (urls[i].host == NULL) {
			if (err != ERR_INVALID || strstr(why.text, "REDIS_URL") == NULL)
				fail_msg("%s: %s: %s", urls[i].url, err_name(err), why.text);
		} else if (err != ERR_OK || !same(t.user, urls[i].user) || !same(t.password, urls[i].password) ||
			   !same(t.path, urls[i].path) || !same(t.endpoint.host, urls[i].host) ||
			   t.endpoint.port != urls[i].port || t.database != urls[i].database || t.tls != urls[i].tls) {
			fail_msg("%s: %s: user %s password %s host %s port %u path %s database %d tls %d", urls[i].url,
			    err_name(err), t.user, t.password, t.endpoint.host, t.endpoint.port, t.path, t.database,
			    (int)t.tls);
		}
		arena_free(&arena);
		settings_free(&settings);
	}
}

/* A sentence goes to logs and screens; an address that was taken, too. */
static void check_refused(const struct settings *settings, const char *name)
{
	struct arena arena = { 0 };
	struct redis_target t;
	struct why why = { 0 };
	enum err err = redis_target_read(settings, &arena, &t, &why);

	if (err != ERR_INVALID || strstr(why.text, name) == NULL || strstr(why.text, "geheim") != NULL)
		fail_msg("%s: %s: %s", name, err_name(err), why.text);
	arena_free(&arena);
}

static void test_no_password_is_shown(void **state)
{
	static const char *const lists[] = { "redis://:geheim@redis:26379", "one,redis://shop:geheim@redis", ":geheim",
		"shop:geheim@redis:26379", "geheim@redis:26379", "geheim@redis", "shop%3Ageheim%40redis", "one:geheim",
		"[geheim", "//geheim", "rediss://geheim,x@redis:1" };
	static const char *const hosts[] = { "redis://shop:geheim@redis:6379", "shop:geheim@redis", "geheim@redis" };
	struct settings settings;

	settings_defaults(&settings);
	settings.redis_url = "redis://shop:geheim@redis:no-port";
	check_refused(&settings, "REDIS_URL");
	settings.redis_url = "";
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		settings.redis_sentinels = lists[i];
		check_refused(&settings, "REDIS_SENTINELS");
	}
	settings.redis_sentinels = "";
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		settings.redis_host = hosts[i];
		check_refused(&settings, "REDIS_HOST");
	}
	settings.redis_host = "";
	settings.redis_master = "redis://:geheim@redis";
	check_refused(&settings, "REDIS_MASTER");
	settings_free(&settings);
}

static void test_parts(void **state)
{
	struct settings settings;
	struct arena arena = { 0 };
	struct redis_target t;

	settings_defaults(&settings);
	settings.redis_host = "10.0.0.7";
	settings.redis_port = 7001;
	settings.redis_password = "secret";
	assert_int_equal(redis_target_read(&settings, &arena, &t, NULL), ERR_OK);
	assert_string_equal(t.endpoint.host, "10.0.0.7");
	assert_int_equal(t.endpoint.port, 7001);
	assert_string_equal(t.password, "secret");
	assert_null(t.user);
	/* a URL counts before the parts, but for a password that it lacks */
	settings.redis_url = "redis://shop@redis/5";
	assert_int_equal(redis_target_read(&settings, &arena, &t, NULL), ERR_OK);
	assert_string_equal(t.endpoint.host, "redis");
	assert_int_equal(t.endpoint.port, 6379);
	assert_string_equal(t.user, "shop");
	assert_string_equal(t.password, "secret");
	assert_int_equal(t.database, 5);
	settings.redis_url = "redis://:other@redis";
	assert_int_equal(redis_target_read(&settings, &arena, &t, NULL), ERR_OK);
	assert_string_equal(t.password, "other");
	arena_free(&arena);
	settings_free(&settings);
}

static void test_sentinels(void **state)
{
	struct settings settings;
	struct arena arena = { 0 };
	struct redis_target t;
	struct why why = { 0 };

	settings_defaults(&settings);
	settings.redis_sentinels = "one, two:5000 ,[::1]:5001,";
	settings.redis_master = "shop";
	assert_int_equal(redis_target_read(&settings, &arena, &t, NULL), ERR_OK);
	assert_int_equal(t.n_sentinels, 3);
	assert_string_equal(t.sentinel[0].host, "one");
	assert_int_equal(t.sentinel[0].port, 26379);
	assert_string_equal(t.sentinel[1].host, "two");
	assert_int_equal(t.sentinel[1].port, 5000);
	assert_string_equal(t.sentinel[2].host, "::1");
	assert_int_equal(t.sentinel[2].port, 5001);
	assert_string_equal(t.master, "shop");
	settings.redis_sentinels = "one,two:port";
	assert_int_equal(redis_target_read(&settings, &arena, &t, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "place 2 of the list"));
	settings.redis_sentinels = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q";
	assert_int_equal(redis_target_read(&settings, &arena, &t, &why), ERR_INVALID);
	arena_free(&arena);
	settings_free(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_no_password_is_shown),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_sentinels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
