/* test_pg_url.c - DATABASE_URL: what is taken, what is refused, and that no sentence shows a password. */
#include "store/shared/pg/connect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PIECE = 4 /* bytes of a secret that are told from chance */ };

static void shows_nothing(const char *url, const char *secret, const char *sentence)
{
	char piece[PIECE + 1];

	for (size_t i = 0; strlen(secret) >= PIECE && i + PIECE <= strlen(secret); i++) {
		(void)snprintf(piece, sizeof piece, "%.*s", PIECE, secret + i);
		if (strstr(sentence, piece) != NULL)
			fail_msg("%s: \"%s\" is shown: %s", url, piece, sentence);
	}
}

static enum err check(const char *url, struct why *why)
{
	struct settings settings;
	enum err err;

	settings_defaults(&settings);
	settings.database_url = url;
	*why = (struct why){ .text = "" };
	err = pg_connect_check(&settings, why);
	settings_free(&settings);
	return err;
}

static enum err connect_to(const char *url, struct why *why)
{
	struct settings settings;
	PGconn *c = NULL;
	enum err err;

	settings_defaults(&settings);
	settings.database_url = url;
	*why = (struct why){ .text = "" };
	err = pg_connect(&settings, &c, why);
	PQfinish(c);
	settings_free(&settings);
	return err;
}

static const struct {
	const char *url, *secret;
} refused[] = {
	/* no address of PostgreSQL */
	{ "mysql://shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "mysql://shop:s3cret=x@127.0.0.1/shop", "s3cret=x" },
	{ "postgressql://shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "POSTGRESQL://shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "postgresql:/shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "postgresql:shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "\"postgresql://shop:s3cret@127.0.0.1/shop\"", "s3cret" },
	{ "//shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "shop:s3cret@127.0.0.1/shop", "s3cret" },
	{ "s3cret", "s3cret" },
	/* a password that is not encoded: libpq would take a piece of it for something else */
	{ "postgresql://shop:s3cr%zzet@127.0.0.1:1/shop", "s3cr%zzet" },
	{ "postgresql://shop:s3cret%@127.0.0.1:1/shop", "s3cret%" },
	{ "postgresql://shop:s3%00cret@127.0.0.1:1/shop", "s3%00cret" },
	{ "postgresql://shop:12@s3cret@127.0.0.1:1/shop", "12@s3cret" },
	{ "postgresql://shop:s3cret@@127.0.0.1:1/shop", "s3cret@" },
	{ "postgresql://shop:12@s3cret/x@127.0.0.1:1/shop", "12@s3cret/x" },
	{ "postgresql://shop:s3cr/et@127.0.0.1:1/shop", "s3cr/et" },
	{ "postgresql://shop:1234/s3cret@127.0.0.1:1/shop", "1234/s3cret" },
	{ "postgresql://127.0.0.1:1/s3cret@127.0.0.1/shop", "1/s3cret" },
	{ "postgresql://shop:12?dbname=s3cret/@127.0.0.1:1/shop", "12?dbname=s3cret/" },
	{ "postgresql://shop:12/?s3cret@127.0.0.1:1/shop", "12/?s3cret" },
	/* parts left out or encoded that divide it */
	{ "postgresql://shop:s3cret", "s3cret" },
	{ "postgresql://shop:s3cret/shop", "s3cret" },
	{ "postgresql://shop:98761234/shop", "98761234" },
	{ "postgresql://shop:s3cret%40127.0.0.1:1/shop", "s3cret" },
	{ "postgresql://shop%3As3cret%40127.0.0.1/shop", "s3cret" },
	/* the rest of it wrong */
	{ "postgresql://shop:s3cret@127.0.0.1:port/shop", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:0/shop", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:65536/shop", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:1x/shop", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:1,127.0.0.1:two/shop", "s3cret" },
	{ "postgresql://shop:s3cret@[127.0.0.1/shop", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:1/shop?s3cret", "s3cret" },
	{ "postgresql://shop:s3cret@127.0.0.1:1/shop?whatever=s3cret", "s3cret" },
	/* libpq's other form */
	{ "host=127.0.0.1 port=1 password=s3 cret99 dbname=shop", "s3 cret99" },
	{ "host=127.0.0.1 port=1 pasword=s3cret", "s3cret" },
	{ "host=127.0.0.1 port=s3cret", "s3cret" },
	{ "host=127.0.0.1 password='s3cret", "s3cret" },
	{ "host=shop:s3cret@127.0.0.1 dbname=shop", "s3cret" },
	{ "dbname=postgresql://shop:s3cret@127.0.0.1:1/shop host=127.0.0.1 port=1", "s3cret" },
	{ "dbname='postgres://shop:s3cret@127.0.0.1/shop'", "s3cret" },
	{ "host=127.0.0.1 port=1 user=postgresql://shop:s3cret", "s3cret" },
	{ "host=postgresql://s3cret port=1", "s3cret" },
	{ "postgresql://127.0.0.1:1/?dbname=postgresql://shop:s3cret%40127.0.0.1/shop", "s3cret" },
	{ "password s3cret", "s3cret" },
	{ "password:s3cret=", "s3cret" },
};

static void test_refused_without_the_password(void **state)
{
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const char *url = refused[i].url;

		if (check(url, &why) != ERR_INVALID || strstr(why.text, "DATABASE_URL") == NULL)
			fail_msg("%s: not refused: %s", url, why.text);
		shows_nothing(url, refused[i].secret, why.text);
		assert_non_null(strstr(why.text, "postgresql://user:password@host:5432/database"));
		assert_int_equal(connect_to(url, &why), ERR_INVALID);
		shows_nothing(url, refused[i].secret, why.text);
	}
}

/* A URL in a setting that is a name. */
static void test_parts_are_no_urls(void **state)
{
	static const struct {
		const char *setting, *host, *name, *user;
	} cases[] = {
		{ "DATABASE_NAME", "127.0.0.1", "postgresql://shop:s3cret%zz@127.0.0.1:1/shop", "shop" },
		{ "DATABASE_NAME", "127.0.0.1", "postgresql://shop:s3cret@127.0.0.1:1/shop", "shop" },
		{ "DATABASE_NAME", "127.0.0.1", "mysql://shop:s3cret@127.0.0.1:1/shop", "shop" },
		{ "DATABASE_NAME", "127.0.0.1", "dbname=shop password=s3cret pasword=s3cret", "shop" },
		{ "DATABASE_HOST", "postgresql://shop:s3cret@127.0.0.1:1/shop", "shop", "shop" },
		{ "DATABASE_HOST", "shop:s3cret@127.0.0.1", "shop", "shop" },
		{ "DATABASE_USER", "127.0.0.1", "shop", "postgresql://shop:s3cret@127.0.0.1:1/shop" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings settings;
		struct why why = { .text = "" }, later = { .text = "" };
		PGconn *c = NULL;

		settings_defaults(&settings);
		settings.database_host = cases[i].host;
		settings.database_name = cases[i].name;
		settings.database_user = cases[i].user;
		settings.database_port = 1;
		if (pg_connect_check(&settings, &why) != ERR_INVALID || strstr(why.text, cases[i].setting) == NULL)
			fail_msg("%s: not refused: %s", cases[i].setting, why.text);
		shows_nothing(cases[i].setting, "s3cret", why.text);
		assert_non_null(strstr(why.text, "DATABASE_URL"));
		assert_int_equal(pg_connect(&settings, &c, &later), ERR_INVALID);
		shows_nothing(cases[i].setting, "s3cret", later.text);
		settings_free(&settings);
	}
}

static void test_parts_taken(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "one,two", "::1", "/run/postgresql", "@socket" };

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		struct settings settings;
		struct why why = { .text = "" };

		settings_defaults(&settings);
		settings.database_host = hosts[i];
		settings.database_name = "shop @/:1";
		settings.database_user = "shop@server";
		if (pg_connect_check(&settings, &why) != ERR_OK)
			fail_msg("%s: %s", hosts[i], why.text);
		settings_free(&settings);
	}
}

static void test_taken(void **state)
{
	static const char *const urls[] = {
		"",
		"postgresql://shop:s3cret@127.0.0.1:5432/shop",
		"postgres://shop:s3cret@db.example/shop",
		"postgresql://shop@127.0.0.1/shop",
		"postgresql://127.0.0.1",
		"postgresql://",
		"postgresql:///shop?host=/run/postgresql&user=shop",
		"postgresql://shop:s3cret@%2Frun%2Fpostgresql/shop",
		"postgresql://shop%40server:s3%40cr%3Aet%2F%25@127.0.0.1:5432/shop?sslmode=require",
		"postgresql://shop:s3:cr?e#t@127.0.0.1/shop",
		"postgresql://shop:s3cret@[::1]:5432/shop",
		"postgresql://shop:s3cret@one:5432,two:5433,three/shop?target_session_attrs=any",
		"host=127.0.0.1 port=5432 user=shop password='s3 cr@e/t' dbname=shop",
		" dbname = shop",
	};
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
		if (check(urls[i], &why) != ERR_OK)
			fail_msg("%s: %s", urls[i], why.text);
}

/* What libpq says of a connection that fails names what it was given. */
static void test_blanked_in_what_comes_later(void **state)
{
	static const struct {
		const char *url, *secret;
	} urls[] = {
		{ "postgresql://shop:127.0.0.1@127.0.0.1:1/shop", "127.0.0.1" },
		{ "postgresql://shop:127.0.0%2E1@127.0.0.1:1/shop", "127.0.0.1" },
		{ "postgresql://shop@127.0.0.1:1/shop?password=127.0.0.1", "127.0.0.1" },
		{ "host=127.0.0.1 port=1 password=127.0.0.1", "127.0.0.1" },
		{ "postgresql://shop:s3cret@127.0.0.1:1/shop?sslmode=s3cret", "s3cret" },
		{ "postgresql://shop:s3cret@127.0.0.1:1/shop?connect_timeout=s3cret", "s3cret" },
	};
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		assert_int_equal(connect_to(urls[i].url, &why), ERR_UNREACHABLE);
		shows_nothing(urls[i].url, urls[i].secret, why.text);
		assert_non_null(strstr(why.text, "PostgreSQL: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_without_the_password),
		cmocka_unit_test(test_parts_are_no_urls),
		cmocka_unit_test(test_parts_taken),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_blanked_in_what_comes_later),
	};

	return cmocka_run_group_tests_name("pg_url", tests, NULL, NULL);
}
