/* forward.h - the thread that empties the spool: this process's file first, then those that dead processes left. */
#ifndef STORE_SHARED_SPOOL_FORWARD_H
#define STORE_SHARED_SPOOL_FORWARD_H

#include "store/shared/spool/file.h"
#include "store/shared/spool/spool.h"

struct spool_forwarder;

/* own stays the caller's; folder is where it lies, name its name there. All are borrowed until the stop. */
struct spool_forwarder *spool_forward_start(
    struct spool_file *own, const char *folder, const char *name, const struct spool_way *way, int64_t adopt_every_ms);
void spool_forward_wake(struct spool_forwarder *f); /* something stands in own; any thread */
/* A forward under way ends first. NULL is fine, *f is NULL afterwards. */
void spool_forward_stop(struct spool_forwarder **f);

struct spool_forward_figures {
	int64_t forwarded;  /* messages since the start, own and others' */
	int64_t adopted;    /* those of them that came out of others' files */
	struct why away;    /* why the store took nothing when it was last tried; empty: it did */
	struct why trouble; /* with a file of others, when they were last looked for; empty: none */
};
void spool_forward_figures(struct spool_forwarder *f, struct spool_forward_figures *ret);

#endif
