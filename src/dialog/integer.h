/* integer.h - how many a customer wants: one whole number, in digits of any script or in words.
 *
 * The whole message is read: "3", "3 bottles", "x3", "three", "twenty-five pieces please". What is more than
 * that ("2 or 3", "1.5", "-5", "10 (apartment 4)") is not guessed at. Pure; any thread. */
#ifndef DIALOG_INTEGER_H
#define DIALOG_INTEGER_H

#include "dialog/words.h"

enum integer_verdict {
	INTEGER_READ,
	INTEGER_NONE,      /* no number, or one with words around it that are no unit */
	INTEGER_SEVERAL,   /* more than one number */
	INTEGER_NOT_WHOLE, /* a fraction, a sign */
	INTEGER_HUGE       /* more digits than anything sold has */
};

struct integer_words {
	const struct words *units;   /* words that may stand beside the number; NULL: none */
	const struct words *numbers; /* number words, their meaning is the number */
	const struct words *general; /* for polite words around it */
};

/* text is cleaned. *ret is set by INTEGER_READ only. */
enum integer_verdict integer_read(const struct integer_words *words, struct arena *a, struct slice text, int64_t *ret);

#endif
