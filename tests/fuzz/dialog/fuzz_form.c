/* fuzz_form.c - any bytes as a form file: refused with a place and a cure, or a form that leads a dialog. */
#include "dialog/dialog.h"
#include "dialog/form_data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool what)
{
	if (!what)
		abort();
}

static void greet(const struct dialog_form *form)
{
	struct dialog_context context = { .form = form, .turn_id = SLICE("t"), .now_ms = 1 };
	struct dialog_message message = { .kind = KIND_TEXT, .text = SLICE("hello"), .said_ms = 1 };
	struct dialog *d = dialog_begin(&context);
	struct dialog_result result;
	struct dialog_mark mark;
	struct arena arena = { 0 };

	dialog_step(d, &message, &mark);
	dialog_end(&d, &arena, &result);
	must(slice_is_utf8(result.reply));
	must(result.reply.n > 0);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dialog_form *form = NULL;
	struct why why = { "" };
	enum err e = dialog_form_parse((struct slice){ (const char *)data, n }, "fuzz", &form, &why);

	must((e == ERR_OK) == (form != NULL));
	if (e == ERR_OK)
		greet(form);
	else
		must(strncmp(why.text, "fuzz:", 5) == 0);
	dialog_form_free(&form);
	return 0;
}
