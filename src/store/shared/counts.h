/* counts.h - the last counts of this process, which serve a while where counting takes long. */
#ifndef STORE_SHARED_COUNTS_H
#define STORE_SHARED_COUNTS_H

#include "store/shared/shared.h"

struct counted;

struct counted *counted_new(void);
void counted_free(struct counted **c); /* *c is NULL afterwards */

#endif
