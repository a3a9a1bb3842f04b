/* err.c - texts and verdicts of the outcomes, all made from the one list. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	enum verdict verdict;
	const char *name;
	const char *text;
} outcomes[ERR_COUNT] = {
#define X(name, verdict, text) [ERR_##name] = { VERDICT_##verdict, #name, text },
	ERR_LIST(X)
#undef X
};

enum verdict err_verdict(enum err e)
{
	return outcomes[e].verdict;
}

const char *err_text(enum err e)
{
	return outcomes[e].text;
}

const char *err_name(enum err e)
{
	return outcomes[e].name;
}

void why_set(struct why *why, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
}

enum err why_fail(struct why *why, enum err e, const char *fmt, ...)
{
	va_list ap;

	if (why != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(why->text, sizeof why->text, fmt, ap);
		va_end(ap);
	}
	return e;
}
