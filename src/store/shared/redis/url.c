/* url.c - REDIS_URL and its neighbours taken apart. */
#include "store/shared/redis/url.h"

#include <stdlib.h>

#define URL_FORM "it is redis://[user:password@]host[:port][/database], rediss:// for TLS, or unix:///path/of/socket"

static bool starts(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.p != NULL && s.n >= n && memcmp(s.p, with, n) == 0;
}

static struct slice after(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

/* Splits at the first (last) c; false, and all in *left, where there is none. */
static bool split(struct slice s, char c, bool last, struct slice *left, struct slice *right)
{
	const char *at = s.p == NULL ? NULL : last ? memrchr(s.p, c, s.n) : memchr(s.p, c, s.n);

	if (at == NULL) {
		*left = s;
		*right = SLICE_NONE;
		return false;
	}
	*left = (struct slice){ s.p, (size_t)(at - s.p) };
	*right = (struct slice){ at + 1, s.n - left->n - 1 };
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL: a % without two hex digits behind it, or a NUL. */
static const char *percent_decoded(struct slice s, struct arena *a)
{
	char *text = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0')
			return NULL;
		text[n++] = c;
	}
	return text;
}

static bool read_number(struct slice s, int64_t least, int64_t most, int64_t *ret)
{
	return s.n > 0 && s.p[0] != '+' && s.p[0] != '-' && slice_to_int64(s, ret) && *ret >= least && *ret <= most;
}

/* An address is told in sentences. What has these signs is a URL or a piece of one, and may hold a password. */
static bool is_host(const char *text)
{
	return strpbrk(text, "@/") == NULL;
}

/* host, host:port, [v6], [v6]:port; what is missing stays as it is in *ret. */
static bool read_endpoint(struct slice s, struct arena *a, struct redis_endpoint *ret)
{
	struct slice host = s, port = SLICE_NONE;
	bool has_port;
	int64_t number;

	if (starts(s, "[")) {
		if (!split(after(s, 1), ']', false, &host, &port) || host.n == 0 || (port.n > 0 && port.p[0] != ':'))
			return false;
		has_port = port.n > 0;
		port = has_port ? after(port, 1) : port;
	} else {
		has_port = split(s, ':', false, &host, &port);
	}
	if (has_port) {
		if (!read_number(port, 1, 65535, &number))
			return false;
		ret->port = (uint16_t)number;
	}
	if (host.n > 0)
		ret->host = percent_decoded(host, a);
	return ret->host != NULL && is_host(ret->host);
}

static bool read_login(struct slice login, struct arena *a, struct redis_target *ret)
{
	struct slice user, password;
	bool has_password = split(login, ':', false, &user, &password);

	if (user.n > 0 && (ret->user = percent_decoded(user, a)) == NULL)
		return false;
	return !has_password || password.n == 0 || (ret->password = percent_decoded(password, a)) != NULL;
}

static bool read_database(struct slice text, struct redis_target *ret)
{
	int64_t number;

	if (!read_number(text, 0, 1000000, &number))
		return false;
	ret->database = (int)number;
	return true;
}

static bool read_parameters(struct slice query, struct redis_target *ret)
{
	struct slice one;

	while (query.n > 0) {
		(void)split(query, '&', false, &one, &query);
		if (starts(one, "db=") && !read_database(after(one, 3), ret))
			return false;
	}
	return true;
}

static bool read_url(struct slice url, struct arena *a, struct redis_target *ret)
{
	struct slice rest, query, place, path, login;
	bool is_unix;

	if (starts(url, "/")) {
		(void)split(url, '?', false, &path, &query);
		ret->path = percent_decoded(path, a);
		return ret->path != NULL && read_parameters(query, ret);
	}
	is_unix = starts(url, "unix://");
	ret->tls = starts(url, "rediss://");
	if (!is_unix && !ret->tls && !starts(url, "redis://"))
		return false;
	(void)split(url, ':', false, &login, &rest);
	(void)split(after(rest, 2), '?', false, &rest, &query);
	/* the last @: a password may hold one that nobody encoded; a host never does */
	if (split(rest, '@', true, &login, &place)) {
		if (!read_login(login, a, ret))
			return false;
		rest = place;
	}
	if (is_unix) {
		ret->path = starts(rest, "/") ? percent_decoded(rest, a) : NULL;
		return ret->path != NULL && read_parameters(query, ret);
	}
	(void)split(rest, '/', false, &place, &path);
	return read_endpoint(place, a, &ret->endpoint) && (path.n == 0 || read_database(path, ret)) &&
	       read_parameters(query, ret);
}

static enum err read_host(const struct settings *settings, struct redis_target *ret, struct why *why)
{
	if (!is_host(settings->redis_host))
		return why_fail(why, ERR_INVALID,
		    "REDIS_HOST is no host: it is a name or an address alone; a URL goes into REDIS_URL");
	ret->endpoint = (struct redis_endpoint){ settings->redis_host, (uint16_t)settings->redis_port };
	return ERR_OK;
}

static enum err read_sentinels(struct slice list, struct arena *a, struct redis_target *ret, struct why *why)
{
	struct slice one;

	for (size_t number = 1; list.n > 0; number++) {
		struct redis_endpoint *e = &ret->sentinel[ret->n_sentinels];

		(void)split(list, ',', false, &one, &list);
		one = slice_trim(one);
		if (one.n == 0)
			continue;
		if (ret->n_sentinels == REDIS_SENTINELS_MAX)
			return why_fail(why, ERR_INVALID, "REDIS_SENTINELS names more than %d", REDIS_SENTINELS_MAX);
		*e = (struct redis_endpoint){ .port = REDIS_SENTINEL_PORT };
		if (!read_endpoint(one, a, e))
			return why_fail(why, ERR_INVALID,
			    "REDIS_SENTINELS: the address at place %zu of the list is none: it is host:port,host:port, without a"
			    " scheme; the password goes into REDIS_PASSWORD",
			    number);
		ret->n_sentinels++;
	}
	return ERR_OK;
}

enum err redis_target_read(
    const struct settings *settings, struct arena *arena, struct redis_target *ret, struct why *why)
{
	enum err err = ERR_OK;

	*ret = (struct redis_target){ .endpoint = { .host = "127.0.0.1", .port = REDIS_PORT },
		.master = settings->redis_master };
	if (settings->redis_url[0] != '\0') {
		if (!read_url(slice_trim(slice_of(settings->redis_url)), arena, ret))
			return why_fail(why, ERR_INVALID,
			    "REDIS_URL is no address of Redis: " URL_FORM
			    "; in user and password, : / ? # @ and %% are written as %%3A, %%2F, %%3F, %%23, %%40, %%25");
	} else if (settings->redis_host[0] != '\0') {
		err = read_host(settings, ret, why);
	}
	if (err == ERR_OK && !is_host(ret->master))
		err = why_fail(why, ERR_INVALID,
		    "REDIS_MASTER is no name: it is what the Sentinels call the primary; addresses go into REDIS_SENTINELS");
	if (err != ERR_OK)
		return err;
	if (ret->password == NULL && settings->redis_password[0] != '\0')
		ret->password = settings->redis_password;
	return read_sentinels(slice_of(settings->redis_sentinels), arena, ret, why);
}
