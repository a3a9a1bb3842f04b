/* slice.c - the few things done with slices that are not one line. */
#include "base/slice.h"

#include <unistr.h>

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct slice slice_cut(struct slice s, size_t most)
{
	if (s.n <= most)
		return s;
	for (s.n = most; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
		s.n--;
	return s;
}

bool slice_is_utf8(struct slice s)
{
	return s.n == 0 || u8_check((const uint8_t *)s.p, s.n) == NULL;
}

bool slice_to_int64(struct slice s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	size_t i = negative ? 1 : 0;
	int64_t value = 0;

	if (i == s.n)
		return false;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*ret = value;
	return true;
}

bool slice_to_buffer(struct slice s, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (s.n >= size)
		return false;
	if (s.n > 0)
		memcpy(buffer, s.p, s.n);
	buffer[s.n] = '\0';
	return true;
}
