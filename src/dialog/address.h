/* address.h - what sounds like something else than an address. This room only. */
#ifndef DIALOG_ADDRESS_H
#define DIALOG_ADDRESS_H

#include "dialog/turn.h"

/* A question, a greeting or a wish, a quantity: "Do you deliver to 5th avenue?", "hello 17", "I want 5", "3 bottles". */
bool address_is_doubtful(struct dialog *d, const struct heard *h);
/* Whether he says again, perhaps with more words, what was asked about at this step. */
bool address_is_said_again(struct dialog *d, const struct heard *h);

#endif
