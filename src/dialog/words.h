/* words.h - understanding whole messages against word lists.
 *
 * Text and words are folded the same way (case, punctuation, emoji variants, digits of any script) and then
 * compared whole; a letter that the customer repeats ("yesss") counts once. Nothing is searched inside a
 * message, so "not ok" is no "ok". A finished table is read-only: any thread may use it. */
#ifndef DIALOG_WORDS_H
#define DIALOG_WORDS_H

#include "base/slice.h"

/* What a message can mean apart from an answer; each has a word list of this name in the form. */
#define MEANING_LIST(X)                                                                                                \
	X(YES, "yes")                                                                                                  \
	X(NO, "no")                                                                                                    \
	X(CANCEL, "cancel")                                                                                            \
	X(RESTART, "restart")                                                                                          \
	X(BACK, "back")                                                                                                \
	X(HELP, "help")                                                                                                \
	X(OPERATOR, "operator")                                                                                        \
	X(THANKS, "thanks")                                                                                            \
	X(STATUS, "status")                                                                                            \
	X(CHANGE, "change")                                                                                            \
	X(NEW_ORDER, "new_order")                                                                                      \
	X(GREETING, "greeting")                                                                                        \
	X(POLITE, "polite") /* "please": means nothing, may stand around anything */

enum meaning {
#define X(name, key) MEANING_##name,
	MEANING_LIST(X)
#undef X
	    MEANING_COUNT
};

enum { WORDS_NONE = -1, WORDS_TEXT_MAX = 400 /* bytes; what is longer is no word */ };

struct word {
	struct slice folded, squeezed;
	int64_t meaning;
};

/* A zeroed struct is an empty table. */
struct words {
	struct word *word;
	size_t n, size;
};

/* Folded words, one blank between them; in the arena. Empty for what is longer than WORDS_TEXT_MAX. */
struct slice words_fold(struct arena *a, struct slice text);

/* Adds a word. False: nothing of it is left by folding. */
bool words_add(struct words *w, struct arena *a, struct slice text, int64_t meaning);
/* Sorts the table. Returns a word that stands for two meanings, or NULL: then the table is finished. */
const struct word *words_finish(struct words *w);
void words_free(struct words *w);
/* The meaning of the whole folded text, WORDS_NONE without. */
int64_t words_find(const struct words *w, struct slice folded);
/* Whether a folded text begins with words of this meaning. */
bool words_begin(const struct words *w, struct slice folded, int64_t meaning);

/* folded without the polite words and thanks around it. */
struct slice words_strip(const struct words *w, struct slice folded);
/* As words_find(), and: polite words around it count for nothing; several words that all mean the same
 * ("yes yes", "no no") mean that. */
int64_t words_meaning(const struct words *w, struct slice folded);
/* The first word of *rest, which moves behind it; empty at the end. */
struct slice words_next(struct slice *rest);

#endif
