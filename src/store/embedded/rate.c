/* rate.c - the sliding window of the API's rate limit: calls counted per quarter of a second, kept over restarts. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

enum { BUCKET_MS = 250, WINDOW_BUCKETS = 60000 / BUCKET_MS };

int64_t rate_grant(struct embedded *e, int64_t wanted, int64_t now)
{
	struct sql *s = &e->writer;
	int64_t bucket = now / BUCKET_MS, used, granted;

	if (e->rate_limit == 0 || wanted <= 0)
		return wanted;
	(void)sql_run(s, "DELETE FROM rate WHERE bucket<?", "i", bucket - WINDOW_BUCKETS);
	used = sql_int(s, 0, "SELECT sum(calls) FROM rate", "");
	granted = e->rate_limit - used < wanted ? e->rate_limit - used : wanted;
	if (granted <= 0)
		return 0;
	(void)sql_run(s,
	    "INSERT INTO rate(bucket, calls) VALUES(?1,?2) ON CONFLICT(bucket) DO UPDATE SET calls=calls+?2", "ii",
	    bucket, granted);
	return granted;
}

void rate_return(struct embedded *e)
{
	if (e->rate_limit != 0)
		(void)sql_run(&e->writer,
		    "UPDATE rate SET calls=calls-1 WHERE bucket=(SELECT max(bucket) FROM rate WHERE calls>0)", "");
}

struct rate {
	int64_t granted;
};

static enum err run_rate(struct embedded *e, void *args)
{
	struct rate *r = args;

	r->granted = rate_grant(e, 1, clock_wall_ms());
	return e->writer.err;
}

enum err embedded_rate(struct store *store)
{
	struct rate r = { 0 };
	struct job job = { .run = run_rate, .args = &r };
	enum err err = writer_do(embedded_of(store), &job);

	return err != ERR_OK ? err : r.granted > 0 ? ERR_OK : ERR_AGAIN;
}
