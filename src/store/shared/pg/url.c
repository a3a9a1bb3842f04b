/* url.c - the shape of DATABASE_URL. */
#include "store/shared/pg/url.h"

#include <string.h>

#define URL_FORM                                                                                                       \
	"it looks like postgresql://user:password@host:5432/database, and in a password every @ : / %% is"             \
	" written as %%40 %%3A %%2F %%25"

static enum err refuse(struct why *why, const char *cause)
{
	return why_fail(why, ERR_INVALID, "DATABASE_URL cannot be read: %s; " URL_FORM, cause);
}

/* What stands behind the scheme; NULL: it is no URL of PostgreSQL. */
static const char *behind_scheme(const char *url)
{
	static const char *const schemes[] = { "postgresql://", "postgres://" };

	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			return url + strlen(schemes[i]);
	return NULL;
}

/* keyword = value ... */
static bool has_keyword_form(const char *text)
{
	size_t name;

	text += strspn(text, " \t\r\n");
	name = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	return name > 0 && text[name + strspn(text + name, " \t\r\n")] == '=';
}

static const char *fault_of_url(const char *rest)
{
	const char *at = strchr(rest, '@');

	if (at == NULL)
		return NULL;
	if (strchr(at + 1, '@') != NULL)
		return "it has more than one @";
	return rest + strcspn(rest, "/") < at ? "it has a / before the @" : NULL;
}

static const char *fault_of_text(const char *text)
{
	const char *rest = behind_scheme(text);

	if (rest != NULL)
		return fault_of_url(rest);
	return has_keyword_form(text) ? NULL : "it does not begin with postgresql://";
}

static bool is_port(struct slice text)
{
	int64_t port;

	return text.n == 0 ||
	       (strspn(text.p, "0123456789") >= text.n && slice_to_int64(text, &port) && port >= 1 && port <= 65535);
}

/* One for each host, divided by commas; empty: the usual one. */
static bool are_ports(const char *list)
{
	for (size_t n;; list += n + 1) {
		n = strcspn(list, ",");
		if (!is_port((struct slice){ list, n }))
			return false;
		if (list[n] == '\0')
			return true;
	}
}

/* The first sign of a host may be an @: a socket without a file. */
static bool is_host(const char *host)
{
	return host[0] == '\0' || strchr(host + 1, '@') == NULL;
}

/* These are told in sentences, by libpq and by the server. */
static bool is_url(const char *text)
{
	return strstr(text, "://") != NULL;
}

static const char *fault_of_parts(const PQconninfoOption *options)
{
	if (!are_ports(pg_url_option(options, "port")))
		return "its port is no number from 1 to 65535";
	if (!is_host(pg_url_option(options, "host")))
		return "its host has an @";
	if (is_url(pg_url_option(options, "dbname")))
		return "its dbname is a URL, which must stand alone";
	return is_url(pg_url_option(options, "host")) || is_url(pg_url_option(options, "user"))
		   ? "its host or its user is a URL"
		   : NULL;
}

/* libpq takes a database's name with a = in it for a whole list of settings. */
static enum err check_settings(const struct settings *s, struct why *why)
{
	const char *name = is_url(s->database_host) || !is_host(s->database_host)              ? "DATABASE_HOST"
			   : is_url(s->database_name) || strchr(s->database_name, '=') != NULL ? "DATABASE_NAME"
			   : is_url(s->database_user)                                          ? "DATABASE_USER"
											       : NULL;

	if (name == NULL)
		return ERR_OK;
	return why_fail(why, ERR_INVALID,
	    "%s holds an address, not a name: put the whole address into DATABASE_URL; " URL_FORM, name);
}

enum err pg_url_read(const struct settings *settings, PQconninfoOption **ret, struct why *why)
{
	const char *fault, *text = settings->database_url;
	PQconninfoOption *options;

	*ret = NULL;
	if (text[0] == '\0')
		return check_settings(settings, why);
	if ((fault = fault_of_text(text)) != NULL)
		return refuse(why, fault);
	if ((options = PQconninfoParse(text, NULL)) == NULL)
		return refuse(why, "a % without two hex digits stands in it, or a parameter that libpq does not know");
	if ((fault = fault_of_parts(options)) == NULL) {
		*ret = options;
		return ERR_OK;
	}
	PQconninfoFree(options);
	return refuse(why, fault);
}

const char *pg_url_option(const PQconninfoOption *options, const char *name)
{
	for (; options != NULL && options->keyword != NULL; options++)
		if (strcmp(options->keyword, name) == 0 && options->val != NULL)
			return options->val;
	return "";
}

void pg_hide(char *text, struct slice secret)
{
	static const char stars[] = "***"; /* never longer than what they stand for */
	size_t n = strlen(text);
	char *at = text;

	if (secret.n < PG_SECRET_LEAST)
		return;
	while ((at = memmem(at, n - (size_t)(at - text), secret.p, secret.n)) != NULL) {
		char *behind = at + secret.n;

		memcpy(at, stars, sizeof stars - 1);
		at += sizeof stars - 1;
		memmove(at, behind, n - (size_t)(behind - text) + 1);
		n -= secret.n - (sizeof stars - 1);
	}
}
