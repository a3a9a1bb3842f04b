/* test_settings.c - settings from every source, and the sentence for each mistake. */
#include "base/buf.h"
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char file[] = "/tmp/chat2order-settings-XXXXXX";

static int set_up(void **state)
{
	for (size_t i = 0; i < setting_count(); i++)
		(void)unsetenv(setting_at(i)->name);
	(void)unsetenv("XDG_STATE_HOME");
	(void)setenv("HOME", "/home/shop", 1);
	return 0;
}

static int make_file(void **state)
{
	int fd = mkstemp(file);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(file);
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void rows_agree_with_the_struct(void **state)
{
	struct settings s;

	settings_defaults(&s);
	for (size_t i = 0; i < setting_count(); i++) {
		const struct setting *row = setting_at(i);
		struct buf text = { 0 };

		setting_show(&s, row, &text);
		if (row->kind == SETTING_SECRET)
			assert_string_equal(text.p, "(not set)");
		else
			assert_true(slice_eq(buf_as_slice(&text), slice_of(row->standard)));
		assert_true(strlen(row->help) > 10);
		assert_ptr_equal(setting_find(slice_of(row->name)), row);
		buf_free(&text);
	}
	assert_int_equal(s.port, 3000);
	assert_int_equal(s.signature, SIGNATURE_IF_PRESENT);
	settings_free(&s);
}

static void finds_rows(void **state)
{
	assert_string_equal(setting_find(SLICE("--worker-concurrency"))->name, "WORKER_CONCURRENCY");
	assert_string_equal(setting_find(SLICE("port"))->name, "PORT");
	assert_string_equal(setting_find(SLICE("DIALOG_TTL_S"))->name, "DIALOG_TTL_S");
	assert_string_equal(setting_find(SLICE("--chat2desk-api-token-file"))->name, "CHAT2DESK_API_TOKEN");
	assert_null(setting_find(SLICE("PORT_FILE")));
	assert_null(setting_find(SLICE("POR")));
	assert_null(setting_find(SLICE("")));
}

static const struct settings_source *source_of(const struct settings_source *sources, const char *name)
{
	return &sources[setting_find(slice_of(name)) - setting_at(0)];
}

static void the_nearer_source_wins(void **state)
{
	static const char *const overrides[] = { "--port", "4000", "port", "4001" };
	struct settings_source *sources = mem_alloc(setting_count() * sizeof *sources);
	struct buf place = { 0 };
	struct settings s;
	struct why why;

	write_file("PORT=1\n\nSEND_ATTEMPTS=7\nHOST=127.0.0.1\nLOG_LEVEL=\n");
	(void)setenv("PORT", "2", 1);
	(void)setenv("HOST", "::1", 1);
	(void)setenv("LOG_LEVEL", "", 1);
	assert_int_equal(settings_load(&s, file, overrides, COUNT_OF(overrides), sources, &why), ERR_OK);
	assert_int_equal(s.port, 4001);
	assert_string_equal(s.host, "::1");
	assert_int_equal(s.send_attempts, 7);
	assert_int_equal(s.log_level, 1);
	assert_string_equal(s.data_dir, "/home/shop/.local/state/chat2order");
	buf_printf(&place, "file %s line 3", file);
	assert_string_equal(source_of(sources, "PORT")->text, "command line");
	assert_string_equal(source_of(sources, "HOST")->text, "environment");
	assert_string_equal(source_of(sources, "SEND_ATTEMPTS")->text, place.p);
	assert_string_equal(source_of(sources, "LOG_LEVEL")->text, "default");
	buf_free(&place);
	settings_free(&s);
	free(sources);
}

static void data_dir_follows_xdg(void **state)
{
	struct settings s;

	(void)setenv("XDG_STATE_HOME", "/state", 1);
	assert_int_equal(settings_load(&s, NULL, NULL, 0, NULL, NULL), ERR_OK);
	assert_string_equal(s.data_dir, "/state/chat2order");
	settings_free(&s);
	(void)setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
	assert_int_equal(settings_load(&s, NULL, NULL, 0, NULL, NULL), ERR_OK);
	assert_string_equal(s.data_dir, "/home/shop/.local/state/chat2order");
	settings_free(&s);
}

static void values_are_tidied(void **state)
{
	static const struct {
		const char *name, *value, *becomes;
	} cases[] = {
		{ "PUBLIC_URL", "https://shop.example/", "https://shop.example" },
		{ "CHAT2DESK_API_URL", "http://127.0.0.1:3002/v1//", "http://127.0.0.1:3002/v1" },
		{ "LOG_LEVEL", " DEBUG ", "debug" },
		{ "WORKER_CONCURRENCY", " 50 ", "50" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *overrides[] = { cases[i].name, cases[i].value };
		struct buf text = { 0 };
		struct settings s;

		assert_int_equal(settings_load(&s, NULL, overrides, 2, NULL, NULL), ERR_OK);
		setting_show(&s, setting_find(slice_of(cases[i].name)), &text);
		assert_string_equal(text.p, cases[i].becomes);
		buf_free(&text);
		settings_free(&s);
	}
}

static void a_token_loses_its_bearer_and_says_so(void **state)
{
	struct settings_source *sources = mem_alloc(setting_count() * sizeof *sources);
	struct buf text = { 0 };
	struct settings s;

	(void)setenv("CHAT2DESK_API_TOKEN", "Bearer abc123", 1);
	assert_int_equal(settings_load(&s, NULL, NULL, 0, sources, NULL), ERR_OK);
	assert_string_equal(s.api_token, "abc123");
	assert_non_null(strstr(source_of(sources, "CHAT2DESK_API_TOKEN")->text, "without its \"Bearer \""));
	setting_show(&s, setting_find(SLICE("CHAT2DESK_API_TOKEN")), &text);
	assert_string_equal(text.p, "(set)");
	buf_free(&text);
	settings_free(&s);
	free(sources);
}

static void a_secret_may_live_in_a_file(void **state)
{
	const char *overrides[] = { "--chat2desk-api-token-file", file };
	struct settings s;

	write_file("abc123\n");
	assert_int_equal(settings_load(&s, NULL, overrides, 2, NULL, NULL), ERR_OK);
	assert_string_equal(s.api_token, "abc123");
	settings_free(&s);
	(void)setenv("CHAT2DESK_WEBHOOK_SECRET_FILE", file, 1);
	assert_int_equal(settings_load(&s, NULL, NULL, 0, NULL, NULL), ERR_OK);
	assert_string_equal(s.webhook_secret, "abc123");
	settings_free(&s);
	(void)unsetenv("CHAT2DESK_WEBHOOK_SECRET_FILE");
}

static void assert_refused(const char *config, const char *name, const char *value, const char *says)
{
	const char *overrides[] = { name, value };
	struct settings s;
	struct why why = { "" };

	assert_int_equal(settings_load(&s, config, overrides, name != NULL ? 2 : 0, NULL, &why), ERR_INVALID);
	if (strstr(why.text, says) == NULL)
		fail_msg("%s=%s says: %s", name, value, why.text);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *name, *value, *says;
	} cases[] = {
		{ "PORT", "http", "PORT (command line): \"http\" is not a whole number from 0 to 65535 (port)" },
		{ "PORT", "-1", "from 0 to 65535" },
		{ "WORKER_CONCURRENCY", "1001",
		    "\"1001\" is not a whole number from 1 to 1000 (turns); the default is 5" },
		{ "SEND_TIMEOUT_MS", "10s", "from 100 to 120000 (ms)" },
		{ "LOG_LEVEL", "verbose", "\"verbose\" is none of debug|info|warn|error; the default is info" },
		{ "HOST", "localhost", "no numeric address" },
		{ "PUBLIC_URL", "orders.example.com", "write it whole, as https://" },
		{ "PUBLIC_URL", "https://", "no host name" },
		{ "CHAT2DESK_API_URL", "https://x.example/v1?a=b", "must not hold" },
		{ "WEBHOOK_PATH_SECRET", "a/b", "only letters, digits, - and _" },
		{ "CHAT2DESK_WEBHOOK_SECRET", "a,b,c", "one key, or two joined by a comma" },
		{ "CHAT2DESK_WEBHOOK_SECRET", "a,", "one key, or two joined by a comma" },
		{ "CHAT2DESK_API_TOKEN", "two words", "is no token" },
		{ "DIALOG", "a\nb", "a line end" },
		{ "DIALOG", "\xff", "not UTF-8" },
		{ "MESSAGE_LOG_DAYS", "6", "MESSAGE_LOG_DAYS (6) is below DEDUP_DAYS (7)" },
		{ "ADMIN_PORT", "3000", "PORT and ADMIN_PORT are both 3000" },
		{ "CHAT2DESK_API_TOKEN_FILE", "/no/such/file", "cannot open /no/such/file" },
		{ "NONSENSE", "1", "there is no setting NONSENSE" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(NULL, cases[i].name, cases[i].value, cases[i].says);
}

static void secrets_are_not_in_messages(void **state)
{
	const char *overrides[] = { "WEBHOOK_PATH_SECRET", "top/secret" };
	struct settings s;
	struct why why;

	assert_int_equal(settings_load(&s, NULL, overrides, 2, NULL, &why), ERR_INVALID);
	assert_null(strstr(why.text, "top/secret"));
}

static void mistakes_in_the_file_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "PORT=1\nWORKER_CONCURENCY=5\n",
		    "line 2: there is no setting WORKER_CONCURENCY; did you mean WORKER_CONCURRENCY?" },
		{ "PORT=1\nHOST=::\nPORT=2\n", "line 3: PORT was already set in line 1" },
		{ "# c\nPORT=x\n", "line 2): \"x\" is not a whole number" },
		{ "CHAT2DESK_API_TOKEN=a\nCHAT2DESK_API_TOKEN_FILE=/x\n", "are both set" },
		{ "nonsense\n", "line 1: there is no =" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		write_file(cases[i].text);
		assert_refused(file, NULL, NULL, cases[i].says);
	}
	assert_refused("/no/such/file", NULL, NULL, "--config: cannot open /no/such/file");
	write_file("\n");
	assert_refused(NULL, "CHAT2DESK_API_TOKEN_FILE", file, "is empty");
}

static void no_home_is_said(void **state)
{
	(void)unsetenv("HOME");
	assert_refused(NULL, NULL, NULL, "DATA_DIR is not set and there is no home folder");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(rows_agree_with_the_struct),
		CASE(finds_rows),
		CASE(the_nearer_source_wins),
		CASE(data_dir_follows_xdg),
		CASE(values_are_tidied),
		CASE(a_token_loses_its_bearer_and_says_so),
		CASE(a_secret_may_live_in_a_file),
		CASE(mistakes_are_named),
		CASE(secrets_are_not_in_messages),
		CASE(mistakes_in_the_file_are_named),
		CASE(no_home_is_said),
	};

	return cmocka_run_group_tests_name("settings", tests, make_file, remove_file);
}
