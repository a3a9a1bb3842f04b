/* figures.h - many times in microseconds, and their quantiles to within two percent. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdint.h>

enum { FIGURES_FINE = 64, FIGURES_BUCKETS = 32 * FIGURES_FINE };

struct figures {
	uint64_t n;
	uint32_t bucket[FIGURES_BUCKETS];
};

void figures_add(struct figures *f, int64_t us);
int64_t figures_quantile(const struct figures *f, double q); /* us; 0 when empty */

#endif
