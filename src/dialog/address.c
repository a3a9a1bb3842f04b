/* address.c - what sounds like something else than an address. */
#include "dialog/address.h"

#include "dialog/field.h"
#include "dialog/text.h"

/* A number too large to be ordered is one all the same. */
static bool is_quantity(struct dialog *d, const struct heard *h)
{
	struct answer answer;

	field_read(&d->arena, d->form, d->form->quantity, h->text, h->folded, &answer);
	return answer.how == ANSWER_TAKEN || answer.reason == TEXT_OUT_OF_RANGE;
}

bool address_is_doubtful(struct dialog *d, const struct heard *h)
{
	return text_asks(h->text) || words_begin(&d->form->meanings, h->folded, MEANING_GREETING) || is_quantity(d, h);
}

static bool has_word(struct slice folded, struct slice word)
{
	while (folded.n > 0)
		if (slice_eq(words_next(&folded), word))
			return true;
	return false;
}

bool address_is_said_again(struct dialog *d, const struct heard *h)
{
	struct slice before = words_fold(&d->arena, d->state.questioned);

	if (before.n == 0) /* none, or too long for words */
		return d->state.questioned.n > 0 && slice_eq(d->state.questioned, h->text);
	while (before.n > 0)
		if (!has_word(h->folded, words_next(&before)))
			return false;
	return true;
}
