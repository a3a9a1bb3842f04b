/* library.h - the library of functions on the server: loaded where it is missing, older ones taken away.
 *
 * Functions are the server's, not a database's; they survive its restart and reach its replicas. docs/store-protocol.md, 3. */
#ifndef STORE_SHARED_REDIS_LIBRARY_H
#define STORE_SHARED_REDIS_LIBRARY_H

#include "store/shared/redis/connect.h"

/* OK also where it is there already. Any error but that of a broken connection means: this server lets us load none
 * (its memory is full, or the user may not), and scripts are to be called by EVALSHA. */
MUST_CHECK enum err redis_library_load(struct redis *connection, bool *broken, struct why *why);
/* Takes away what other versions have left. One that still runs finds its own missing, and loads it again. What can't be
 * done is left. */
void redis_library_tidy(struct redis_pool *pool);

#endif
