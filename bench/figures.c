/* figures.c - buckets of equal width within each power of two. */
#include "figures.h"

static unsigned bucket_of(uint64_t us)
{
	unsigned shift = 0, bucket;

	while (us >> shift >= 2 * FIGURES_FINE)
		shift++;
	bucket = shift * FIGURES_FINE + (unsigned)(us >> shift);
	return bucket < FIGURES_BUCKETS ? bucket : FIGURES_BUCKETS - 1;
}

static int64_t value_of(unsigned bucket)
{
	unsigned shift = bucket < 2 * FIGURES_FINE ? 0 : bucket / FIGURES_FINE - 1;

	return (int64_t)(bucket - shift * FIGURES_FINE) << shift;
}

void figures_add(struct figures *f, int64_t us)
{
	f->bucket[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
	f->n++;
}

int64_t figures_quantile(const struct figures *f, double q)
{
	double want = q * (double)f->n, seen = 0;

	for (unsigned i = 0; i < FIGURES_BUCKETS; i++) {
		seen += f->bucket[i];
		if (seen > 0 && seen >= want)
			return value_of(i);
	}
	return 0;
}
