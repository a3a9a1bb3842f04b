/* test_form.c - what the form file's reader accepts, and how it says what is wrong. */
#include "check.h"

#include "dialog/form_data.h"

#include <stdlib.h>

/* The built-in form with one place changed: the first `old` becomes `new`. */
static const struct {
	const char *old, *new, *error;
} rows[] = {
	{ "form: order", "form: Order", "3:7: \"Order\" is no name" },
	{ "form: order", "from: order", "unknown key \"from\"; did you mean \"form\"?" },
	{ "form: order", "FORM: order", "unknown key \"FORM\"; did you mean \"form\"?" },
	{ "form: order", "zzzzzz: order", "unknown key \"zzzzzz\"; remove it" },
	{ "form: order", "form: order\nform: order",
	    "4:1: the key \"form\" stands here a second time (first in line 3)" },
	{ "form: order", "", "\"form\" is missing" },
	{ "form: order", "form: [order]", "a text is expected here" },
	{ "form: order", "form: order\n---\n", "a second document begins here" },
	{ "form: order", "form: \"order", "not YAML" },
	{ "form: order", "form: {a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: n}}}}}}}}}}}}}",
	    "nested deeper than 12" },
	{ "form: order", "form: order\nreply_max: 5000", "a whole number from 500 to 4096" },
	{ "form: order", "form: order\nreply_max: many", "a whole number from 500 to 4096" },
	{ "form: order", "form: order\nreply_max: 600", "longer than a reply of 600" },
	{ "language: en", "language: fr", "4:11: the language \"fr\" has no texts" },
	{ "- name: address", "- name: Address", "\"Address\" is no name" },
	{ "- name: address", "- name: street", "there is no field \"address\"" },
	{ "- name: address", "- name: quantity", "a second field \"quantity\"" },
	{ "- name: address", "- name: confirmation", "a state of its own" },
	{ "type: text", "type: txt",
	    "unknown type \"txt\"; it is text, phone, integer or choice; did you mean \"text\"?" },
	{ "type: text", "type: phone", "unknown key \"min\"" },
	{ "min: 5", "min: 500", "min is above max" },
	{ "min: 5", "min: five", "a whole number from 1 to 1000" },
	{ "min: 5", "minimum: 5", "unknown key \"minimum\"" },
	{ "min: 5", "mim: 5", "did you mean \"min\"?" },
	{ "max: 50", "max: 51", "within 1 to 50" },
	{ "regions: []", "regions: [KG, XX]", "unknown region \"XX\"" },
	{ "regions: []", "regions: KG", "a list is expected here" },
	{ "example: +996 700 123 456", "", "\"example\" is missing" },
	{ "cancelled: The order", "canceled: The order", "unknown key \"canceled\"; did you mean \"cancelled\"?" },
	{ "cancelled: The", "\n    #", "\"cancelled\" is missing" },
	{ "Your order no. {order} is placed", "Your order no. {ordre} is placed", "unknown placeholder {ordre}" },
	{ "Your order no. {order} is placed", "Your order no. {order is placed", "a { without its }" },
	{ "{fields}", "{address} {phone}", "does not show {quantity}" },
	{ "{number}. {label}: {value}", "{number}. {label}", "lacks {value}" },
	{ "label: Address", "labels: Address", "did you mean \"label\"?" },
	{ "label: Address", "label: \"\"", "this text is empty" },
	{ "label: Address", "label: \"a\\tb\"", "a control character" },
	{ "label: Address", "label: Phone", "stands in two lists of field names" },
	{ "\"yes\", y,", "\"yes\", y, cancel,", "the word \"cancel\" stands in two lists of `words`" },
	{ "\"yes\", y,", "\"yes\", y, \"...\",", "has no letter, digit or emoji" },
	{ "How many do you want? ({min} to {max})", "How many, {value}?", "unknown placeholder {value}" },
	{ "label: Quantity", "label: Quantity\n        offer: Again {value}?", "unknown key \"offer\"" },
	{ "    example: 3\n", "", "unknown placeholder {example}; this text may hold: label min max" },
	{ "for example: {example}.\"", "for example: {min}.\"", NULL },
	{ "one: 1", "one: first", "a whole number" },
	{ "    polite: [please, pls, plz, kindly]\n", "", "\"polite\" is missing" },
	{ "  ru:\n", "  RU:\n", NULL },
};

static struct slice changed(const char *old, const char *new)
{
	const char *at = memmem(form_builtin, form_builtin_size, old, strlen(old));
	size_t before = at != NULL ? (size_t)(at - form_builtin) : 0;
	size_t behind = form_builtin_size - before - strlen(old);
	char *text = mem_alloc(form_builtin_size + strlen(new) + 1);

	CHECK(at != NULL, "the built-in form lacks \"%s\"\n", old);
	memcpy(text, form_builtin, before);
	memcpy(text + before, new, strlen(new));
	memcpy(text + before + strlen(new), at + strlen(old), behind);
	return (struct slice){ text, before + strlen(new) + behind };
}

static void test_errors(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice yaml = changed(rows[i].old, rows[i].new);
		struct dialog_form *form = NULL;
		struct why why = { "" };
		enum err e = dialog_form_parse(yaml, "shop.yaml", &form, &why);

		if (rows[i].error == NULL) {
			CHECK(e == ERR_OK, "\"%s\": %s\n", rows[i].new, why.text);
			dialog_form_free(&form);
		} else {
			CHECK(e == ERR_INVALID && form == NULL, "\"%s\" was accepted\n", rows[i].new);
			CHECK(strncmp(why.text, "shop.yaml:", 10) == 0 && strstr(why.text, rows[i].error) != NULL,
			    "\"%s\" gives: %s\n", rows[i].new, why.text);
		}
		free((char *)yaml.p);
	}
}

static const struct {
	struct slice yaml;
	const char *error;
} whole[] = {
	{ { "", 0 }, "this file has none" },
	{ { "- a\n- b\n", 8 }, "this file has none" },
	{ { "just text", 9 }, "this file has none" },
	{ { "form: \xff", 7 }, "not UTF-8" },
	{ { "a: &a [*a]", 10 }, "nested deeper" },
	{ { "? [a]\n: b\n", 10 }, "a key must be a word" },
	{ { "a: b\n c: d", 10 }, "shop.yaml:2:" },
};

static void test_whole_files(void **state)
{
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		struct dialog_form *form = NULL;
		struct why why = { "" };

		assert_int_equal(dialog_form_parse(whole[i].yaml, "shop.yaml", &form, &why), ERR_INVALID);
		CHECK(strstr(why.text, whole[i].error) != NULL, "row %zu gives: %s\n", i, why.text);
	}
}

/* Aliases of aliases would grow to billions of values if they were followed without a limit. */
static void test_nested_aliases_are_bounded(void **state)
{
	static const char yaml[] = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
	struct dialog_form *form = NULL;
	struct why why = { "" };

	assert_int_equal(dialog_form_parse(slice_of(yaml), "shop.yaml", &form, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "more than"));
}

static void test_too_large(void **state)
{
	enum { SIZE = 262145 };
	char *text = mem_alloc(SIZE);
	struct dialog_form *form = NULL;
	struct why why = { "" };

	memset(text, '#', SIZE);
	assert_int_equal(dialog_form_parse((struct slice){ text, SIZE }, "shop.yaml", &form, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "larger than"));
	free(text);
}

static void test_files(void **state)
{
	struct dialog_form *form = NULL;
	struct why why = { "" };

	assert_int_equal(dialog_form_load("/nowhere/form.yaml", &form, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "/nowhere/form.yaml: the form file cannot be opened: No such file"));
	assert_int_equal(dialog_form_load("/", &form, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "/: the form file cannot be read: Is a directory"));
	dialog_form_free(&form);
}

static void test_builtin_and_example(void **state)
{
	struct dialog_form *form = NULL, *example = NULL, *again = NULL;
	struct why why = { "" };

	CHECK(dialog_form_load(NULL, &form, &why) == ERR_OK, "%s\n", why.text);
	assert_string_equal(dialog_form_name(form), "order");
	assert_string_equal(form->field[0].state, "WAITING_ADDRESS");
	assert_string_equal(form->field[1].state, "WAITING_PHONE");
	assert_string_equal(form->field[2].state, "WAITING_QUANTITY");
	CHECK(form->characters_a_grapheme >= 8, "an address of emoji families has no room: %zu\n",
	    form->characters_a_grapheme);
	CHECK(dialog_form_load(EXAMPLE_FORM, &example, &why) == ERR_OK, "%s\n", why.text);
	assert_string_not_equal(dialog_form_version(form), dialog_form_version(example));
	assert_int_equal(dialog_form_load("", &again, &why), ERR_OK);
	assert_string_equal(dialog_form_version(form), dialog_form_version(again));
	dialog_form_free(&form);
	dialog_form_free(&example);
	dialog_form_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_and_example),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_nested_aliases_are_bounded),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
