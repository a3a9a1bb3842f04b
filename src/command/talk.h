/* talk.h - a chat in the terminal: lines become a customer's messages, replies are printed. */
#ifndef COMMAND_TALK_H
#define COMMAND_TALK_H

#include "base/err.h"

#include <stdint.h>

struct talk_options {
	const char *url; /* of the simulator */
	const char *name, *transport, *phone;
	int64_t reply_timeout_ms; /* when the input is no terminal */
};

/* Talks until the input ends, /quit, SIGINT or SIGTERM (both blocked by the caller in all threads). When the
 * input is no terminal, each line waits for the reply to the one before, and ERR_FAILED says that one did not
 * come. */
MUST_CHECK enum err talk(const struct talk_options *options, struct why *why);

#endif
