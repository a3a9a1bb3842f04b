/* fuzz_answer.c - any status and bytes as the API's answer: the verdict is stable, within its rules, and the
 * reason is one short readable line. The first two bytes are the status. */
#include "chat2desk/api.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_reason(const char *reason)
{
	must(memchr(reason, '\0', sizeof((struct c2d_judgement *)0)->reason) != NULL);
	must(slice_is_utf8(slice_of(reason)));
	for (; *reason != '\0'; reason++)
		must((unsigned char)*reason >= ' ' && *reason != 0x7f);
}

static void check(const struct c2d_judgement *j, int status)
{
	must(j->verdict <= C2D_MAYBE_AWAY && j->verdict != C2D_AWAY);
	must(j->verdict != C2D_ACCEPTED || (status >= 200 && status < 300 && !j->maybe_sent));
	must(j->verdict == C2D_ACCEPTED || j->reason[0] != '\0');
	must(!j->maybe_sent || status >= 500 || (status >= 200 && status < 300 && j->verdict == C2D_MAYBE_AWAY));
	must(j->message_id == 0 || j->verdict == C2D_ACCEPTED);
	must(j->pause_ms == 0 || j->verdict == C2D_LIMITED || j->verdict == C2D_QUOTA);
	check_reason(j->reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct transfer_result result = { .end = TRANSFER_ANSWERED, .retry_after_s = 3, .error = "" };
	struct c2d_judgement first, second;

	if (n < 2)
		return 0;
	result.status = 100 + ((data[0] << 8) | data[1]) % 500;
	result.body = (struct slice){ (const char *)data + 2, n - 2 };
	c2d_judge(&result, &first);
	c2d_judge(&result, &second);
	must(memcmp(&first, &second, sizeof first) == 0);
	check(&first, result.status);
	return 0;
}
