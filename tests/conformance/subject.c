/* subject.c - the rows of the conformance suite. */
#include "subject.h"

static void begin_embedded(struct settings *settings, const char *folder)
{
	settings->data_dir = folder;
	settings->disk_reserve_mb = 0;
}

static void end_embedded(const struct settings *settings)
{
	(void)settings; /* all it had is in its folder */
}

const struct subject subjects[] = {
	{ "embedded", begin_embedded, end_embedded },
};
const size_t n_subjects = COUNT_OF(subjects);
