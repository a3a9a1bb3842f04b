/* random.h - numbers nobody can guess, from the kernel. Any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

uint64_t random_u64(void);
/* value, more or less by up to a fifth: retry times that do not march in step. */
int64_t random_jitter(int64_t value);

#endif
