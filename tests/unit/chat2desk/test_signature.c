/* test_signature.c - the vendor's signed example, keys from tokens and secrets, and near misses. */
#include "chat2desk/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char vendor_signature[] = "88b574d8237e1b7740f88102018b734d3dd5bc6803c509a3694eff9721b0c595";

static struct slice vendor_body(void)
{
	static char body[4096];
	FILE *f = fopen(SAMPLES "/01-inbox-text-widget.raw.json", "rb");
	size_t n;

	assert_non_null(f);
	n = fread(body, 1, sizeof body, f);
	assert_int_equal(fclose(f), 0);
	return (struct slice){ body, n };
}

static void test_vendor_example(void **state)
{
	struct c2d_keys keys;
	char ours[C2D_SIGNATURE_SIZE];

	c2d_keys_make(&keys, NULL, "md5_api_token");
	assert_true(c2d_signature_valid(&keys, vendor_body(), SLICE("1743681006"), slice_of(vendor_signature)));
	c2d_signature_make(&keys, vendor_body(), SLICE("1743681006"), ours);
	assert_string_equal(ours, vendor_signature);
}

static const struct {
	const char *name, *token, *secrets, *timestamp, *signature;
	size_t cut; /* bytes off the end of the body */
	bool valid;
} cases[] = {
	{ "as sent", NULL, "md5_api_token", "1743681006", vendor_signature, 0, true },
	{ "second secret", NULL, "new, md5_api_token", "1743681006", vendor_signature, 0, true },
	{ "first secret", NULL, "md5_api_token,new", "1743681006", vendor_signature, 0, true },
	{ "capitals", NULL, "md5_api_token", "1743681006",
	    "88B574D8237E1B7740F88102018B734D3DD5BC6803C509A3694EFF9721B0C595", 0, true },
	{ "other secret", NULL, "md5_api_tokem", "1743681006", vendor_signature, 0, false },
	{ "secrets replace the token", "md5_api_token", "other", "1743681006", vendor_signature, 0, false },
	{ "the token itself is no key", "md5_api_token", "", "1743681006", vendor_signature, 0, false },
	{ "no key at all", "", "", "1743681006", vendor_signature, 0, false },
	{ "NULL keys", NULL, NULL, "1743681006", vendor_signature, 0, false },
	{ "other time", NULL, "md5_api_token", "1743681007", vendor_signature, 0, false },
	{ "no time", NULL, "md5_api_token", "", vendor_signature, 0, false },
	{ "body cut", NULL, "md5_api_token", "1743681006", vendor_signature, 1, false },
	{ "one digit off", NULL, "md5_api_token", "1743681006",
	    "88b574d8237e1b7740f88102018b734d3dd5bc6803c509a3694eff9721b0c594", 0, false },
	{ "one digit short", NULL, "md5_api_token", "1743681006",
	    "88b574d8237e1b7740f88102018b734d3dd5bc6803c509a3694eff9721b0c59", 0, false },
	{ "no hex", NULL, "md5_api_token", "1743681006",
	    "zzb574d8237e1b7740f88102018b734d3dd5bc6803c509a3694eff9721b0c595", 0, false },
	{ "empty", NULL, "md5_api_token", "1743681006", "", 0, false },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct c2d_keys keys;
		struct slice body = vendor_body();

		body.n -= cases[i].cut;
		c2d_keys_make(&keys, cases[i].token, cases[i].secrets);
		if (c2d_signature_valid(&keys, body, slice_of(cases[i].timestamp), slice_of(cases[i].signature)) !=
		    cases[i].valid)
			fail_msg("%s: expected %s", cases[i].name, cases[i].valid ? "valid" : "invalid");
	}
}

/* Made with: printf 'body7' | openssl dgst -sha256 -mac HMAC -macopt hexkey:..., the key being the MD5 of
 * "0123456789abcdef0123456789abcd" as text and as bytes. */
static const char *const of_token[] = { "1f01d49dc1bbf3b0fbce8c1ea4f2b0e929d64ffdaba297ff52a9ba27e197d4a5",
	"97b78e5a15b173fdae9d4acf256a1419f4dbbf6873c2ab40c88ddc2da22604f0" };

static void test_token_either_form(void **state)
{
	static const char *const tokens[] = { "0123456789abcdef0123456789abcd", " 0123456789abcdef0123456789abcd\n",
		"Bearer 0123456789abcdef0123456789abcd" };

	for (size_t t = 0; t < COUNT_OF(tokens); t++) {
		struct c2d_keys keys;

		c2d_keys_make(&keys, tokens[t], NULL);
		for (size_t i = 0; i < COUNT_OF(of_token); i++)
			assert_true(c2d_signature_valid(&keys, SLICE("body"), SLICE("7"), slice_of(of_token[i])));
	}
}

static void test_made_is_valid(void **state)
{
	struct c2d_keys keys;
	char ours[C2D_SIGNATURE_SIZE];

	c2d_keys_make(&keys, "token", NULL);
	c2d_signature_make(&keys, SLICE("{}"), SLICE("1"), ours);
	assert_true(c2d_signature_valid(&keys, SLICE("{}"), SLICE("1"), slice_of(ours)));
	c2d_keys_make(&keys, NULL, NULL);
	c2d_signature_make(&keys, SLICE("{}"), SLICE("1"), ours);
	assert_string_equal(ours, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vendor_example),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_token_either_form),
		cmocka_unit_test(test_made_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
