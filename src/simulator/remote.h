/* remote.h - the control API of a running simulator, from outside: what `chat` talks through.
 *
 * One customer a remote; one thread at a time. Calls wait for their answer, at most 5 s. */
#ifndef SIMULATOR_REMOTE_H
#define SIMULATOR_REMOTE_H

#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

struct sim_remote;

struct sim_remote_options {
	const char *url;                      /* of the simulator, as http://127.0.0.1:3002 */
	const char *name, *transport, *phone; /* of the customer; phone may be NULL */
	/* called by sim_remote_wait() for each event of this customer since the opening */
	void (*event)(void *context, const json_t *event);
	void *context;
};

/* Is there a simulator at this address? */
bool sim_remote_answers(const char *url);
/* Gets or makes the customer. */
MUST_CHECK enum err sim_remote_open(const struct sim_remote_options *options, struct sim_remote **ret, struct why *why);
/* As the customer: "text", "photo", "voice" or "location". */
MUST_CHECK enum err sim_remote_write(struct sim_remote *remote, const char *kind, struct slice value, struct why *why);

enum { SIM_REMOTE_FILES_MAX = 2 };
/* Waits until events came (and were handed over), one of the files can be read (ret_readable; -1 is none), or
 * the time is over. */
MUST_CHECK enum err sim_remote_wait(struct sim_remote *remote, const int files[SIM_REMOTE_FILES_MAX],
    int64_t timeout_ms, bool ret_readable[SIM_REMOTE_FILES_MAX], struct why *why);
void sim_remote_close(struct sim_remote **remote);

#endif
