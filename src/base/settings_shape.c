/* settings_shape.c - one small rule a setting. */
#include "base/settings_inside.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

enum { VALUE_MAX = 4096, PATH_SECRET_MAX = 128, KEY_MAX = 256, KEYS_MAX = 2 };

typedef const char *shape(struct slice *value, const char **note);

static bool starts_with(struct slice s, struct slice head)
{
	return s.n >= head.n && strncasecmp(s.p, head.p, head.n) == 0;
}

static struct slice without(struct slice s, size_t head)
{
	return (struct slice){ s.p + head, s.n - head };
}

static bool has_blank(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || s.p[i] == '\t')
			return true;
	return false;
}

static const char *url(struct slice *value, const char **note)
{
	struct slice rest = *value;

	if (starts_with(rest, SLICE("https://")))
		rest = without(rest, strlen("https://"));
	else if (starts_with(rest, SLICE("http://")))
		rest = without(rest, strlen("http://"));
	else
		return "is no address; write it whole, as https://orders.example.com";
	if (rest.n == 0 || rest.p[0] == '/' || rest.p[0] == ':')
		return "has no host name; write it whole, as https://orders.example.com";
	if (has_blank(rest) || memchr(rest.p, '?', rest.n) != NULL || memchr(rest.p, '#', rest.n) != NULL)
		return "must not hold blanks, ? or #; write only scheme, host, port and path";
	while (value->p[value->n - 1] == '/')
		value->n--;
	return NULL;
}

static const char *token(struct slice *value, const char **note)
{
	if (starts_with(*value, SLICE("Bearer "))) {
		*value = slice_trim(without(*value, strlen("Bearer ")));
		*note = "without its \"Bearer \", which Chat2Desk does not want";
	}
	if (value->n == 0 || has_blank(*value))
		return "is no token; copy it from Chat2Desk, Settings, API, without blanks";
	return NULL;
}

static const char *signing_keys(struct slice *value, const char **note)
{
	struct slice rest = *value;

	for (unsigned keys = 1;; keys++) {
		const char *comma = memchr(rest.p, ',', rest.n);
		size_t n = comma != NULL ? (size_t)(comma - rest.p) : rest.n;

		if (n == 0 || n > KEY_MAX || keys > KEYS_MAX)
			return "must be one key, or two joined by a comma while rotating, each of 1 to 256 bytes";
		if (comma == NULL)
			return NULL;
		rest = without(rest, n + 1);
	}
}

static bool is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static const char *path_secret(struct slice *value, const char **note)
{
	bool plain = value->n <= PATH_SECRET_MAX;

	for (size_t i = 0; i < value->n; i++)
		plain = plain && is_path_char(value->p[i]);
	return plain ? NULL
		     : "may hold only letters, digits, - and _ (at most 128); make one with: openssl rand -hex 24";
}

static const char *address(struct slice *value, const char **note)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];

	if (slice_to_buffer(*value, text, sizeof text) &&
	    (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1))
		return NULL;
	return "is no numeric address; write 127.0.0.1 (this machine only), 0.0.0.0 or :: (all), or one of this machine's";
}

static const char *prefix(struct slice *value, const char **note)
{
	enum { PREFIX_MAX = 64 };

	for (size_t i = 0; i < value->n; i++)
		if (!isalnum((unsigned char)value->p[i]) && strchr("_-.", value->p[i]) == NULL)
			return "is no prefix of keys; use letters, digits, _ - and .";
	return value->n <= PREFIX_MAX ? NULL : "is too long; use at most 64 characters";
}

static const struct {
	const char *name;
	shape *check;
} shapes[] = {
	{ "CHAT2DESK_API_URL", url },
	{ "PUBLIC_URL", url },
	{ "CHAT2DESK_API_TOKEN", token },
	{ "CHAT2DESK_WEBHOOK_SECRET", signing_keys },
	{ "WEBHOOK_PATH_SECRET", path_secret },
	{ "HOST", address },
	{ "ADMIN_HOST", address },
	{ "SIMULATOR_HOST", address },
	{ "BULL_PREFIX", prefix },
	{ "STORE_PREFIX", prefix },
};

static const char *plain_text(struct slice value)
{
	if (value.n > VALUE_MAX)
		return "is longer than 4096 bytes; is it the right value?";
	if (!slice_is_utf8(value))
		return "is not UTF-8 text";
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			return "holds a line end or another control character; write it on one line";
	return NULL;
}

const char *settings_shape(const struct setting *row, struct slice *value, const char **note)
{
	const char *wrong = plain_text(*value);

	for (size_t i = 0; wrong == NULL && i < COUNT_OF(shapes); i++)
		if (strcmp(shapes[i].name, row->name) == 0)
			wrong = shapes[i].check(value, note);
	return wrong;
}
