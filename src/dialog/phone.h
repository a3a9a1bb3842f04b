/* phone.h - finds a telephone number in what a customer wrote, as E.164.
 *
 * Any digits, dashes and brackets; "tel:", 00 for +, names around it; the first 100 characters are searched.
 * Pure; any thread. */
#ifndef DIALOG_PHONE_H
#define DIALOG_PHONE_H

#include "base/slice.h"
#include "dialog/phone_lib.h"

struct phone_found {
	enum phone_verdict verdict;
	bool guessed; /* written without + where no region is named: ask before it is used */
	char e164[PHONE_SIZE];
};

/* text is cleaned. regions: for national numbers; none: international ones only. */
struct phone_found phone_find(struct arena *a, struct slice text, const char *const *regions, size_t n_regions);
/* Nothing but a number with its marks: 7 digits at least, no letter. */
bool phone_looks_like(struct slice text);

#endif
